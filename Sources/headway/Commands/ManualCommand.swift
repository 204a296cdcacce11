import ArgumentParser
import Foundation

/// `headway manual`: the manual page, which packages install.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Prints the manual page, headway(1), as man reads it.",
    discussion: """
      Example:
        headway manual > ~/.local/share/man/man1/headway.1
      """,
    shouldDisplay: false)

  @OptionGroup var output: OutputOptions

  func run() throws {
    let page = try ManualPage(of: Headway.self).text
    if output.json { return try output.printJSON(["page": page]) }
    try Terminal.write(Data(page.utf8))
  }
}
