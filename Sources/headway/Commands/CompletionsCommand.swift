import ArgumentParser
import Foundation

/// `headway completions`: what a shell needs to complete commands, options and file names.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Prints the script by which a shell completes commands, options and files.",
    discussion: """
      Examples:
        headway completions bash > ~/.local/share/bash-completion/completions/headway
        headway completions zsh > ~/.zfunc/_headway    (with fpath+=~/.zfunc before compinit in ~/.zshrc)
        headway completions fish > ~/.config/fish/completions/headway.fish
      """)

  /// The shells that complete.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var script: String {
      switch self {
      case .bash: Headway.completionScript(for: .bash)
      case .zsh: Headway.completionScript(for: .zsh)
      case .fish: Headway.completionScript(for: .fish)
      }
    }
  }

  @Argument(help: ArgumentHelp("Which shell.", valueName: "shell"))
  var shell: Shell

  @OptionGroup var output: OutputOptions

  func run() throws {
    let script = shell.script
    if output.json { return try output.printJSON(["script": script]) }
    try Terminal.write(Data((script.hasSuffix("\n") ? script : script + "\n").utf8))
  }
}
