import ArgumentParser
import Foundation
import Ground
import Runs

/// The command-line program.
struct Headway: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headway",
    abstract: "Shows which attention heads a fine-tune puts to work, and chooses training data by them.",
    version: "0.1.0",
    subcommands: [
      DataCommand.self,
      DoctorCommand.self,
      TokenizeCommand.self,
      PatternCommand.self,
      ChangeCommand.self,
      StatsCommand.self,
      CorrelateCommand.self,
      FitCommand.self,
      HeatmapCommand.self,
      AblateCommand.self,
      ReportCommand.self,
      SFTCommand.self,
      MergeCommand.self,
    ])
}

@main
enum Main {
  /// Runs the command and leaves with the contract's status: 0 done, 64 wrong arguments, 130 and 143 for signals, 1 anything else.
  static func main() async {
    // A reader that went away (`headway … | head`) is an error of writing, not a silent death.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Headway.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      leave(0)
    } catch {
      let code = Headway.exitCode(for: error)
      if code == .success {
        // --help and --version are requests, not failures.
        try? Terminal.writeLine(Headway.message(for: error).isEmpty ? Headway.fullMessage(for: error) : Headway.message(for: error))
        leave(0)
      }
      if code == .validationFailure {
        Terminal.writeError(Headway.fullMessage(for: error) + "\n")
        leave(64)
      }
      let text = (error as? any ExplainedError)?.message.onCommandLine ?? Headway.message(for: error)
      if error is SettingsError {
        Terminal.writeError("error: \(text)\n")
        leave(64)
      }
      if !text.isEmpty { Terminal.writeError("error: \(text)\n") }
      leave(code.rawValue == 0 ? 1 : code.rawValue)
    }
  }

  /// Leaves without running libtorch's exit destructors, which cost 45 ms and do nothing for a process that ends.
  static func leave(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }
}
