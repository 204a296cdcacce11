import ArgumentParser

/// The command-line program.
@main
struct Headway: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headway",
    abstract: "Shows which attention heads a fine-tune puts to work, and chooses training data by them.",
    subcommands: [])
}
