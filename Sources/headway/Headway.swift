import ArgumentParser
import CStartup
import Foundation
import Ground
import Runs

/// The command-line program.
struct Headway: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headway",
    abstract: "Shows which attention heads a fine-tune puts to work.",
    version: RunRecord.version,
    subcommands: [
      DataCommand.self,
      DoctorCommand.self,
      TokenizeCommand.self,
      PatternCommand.self,
      ChangeCommand.self,
      StatsCommand.self,
      CorrelateCommand.self,
      FitCommand.self,
      MixCommand.self,
      RepresentCommand.self,
      SelectCommand.self,
      HeatmapCommand.self,
      ExplainCommand.self,
      AblateCommand.self,
      EvaluateCommand.self,
      GenerateCommand.self,
      ReportCommand.self,
      SFTCommand.self,
      StudyCommand.self,
      MergeCommand.self,
      RunCommand.self,
      DemoCommand.self,
      WorldCommand.self,
      CompletionsCommand.self,
      ManualCommand.self,
    ])

  @Flag(name: .customShort("v"), help: "Show the version.")
  var showsVersion = false

  func run() throws {
    guard showsVersion else { throw CleanExit.helpRequest(Headway.self) }
    try Terminal.writeLine(RunRecord.version)
  }
}

@main
enum Main {
  /// Runs the command and leaves with the contract's status: 0 done, 64 wrong arguments, 130 and 143 for signals, 1 anything else.
  static func main() {
    // The arguments first: a new variable of the environment would hide them from a statically linked runtime.
    let given = CommandLine.arguments
    startup_let_idle_threads_sleep()
    // A reader that went away (`headway … | head`) is an error of writing, not a silent death.
    signal(SIGPIPE, SIG_IGN)
    let arguments = ArgumentText.tied(Array(given.dropFirst()))
    do {
      try ArgumentText.checkCommand(arguments)
      var command = try Headway.parseAsRoot(arguments)
      try command.run()
      leave(0)
    } catch {
      leave(tell(error, arguments))
    }
  }

  /// Says on standard error what went wrong.
  /// - Returns: the status to leave with.
  private static func tell(_ error: any Error, _ arguments: [String]) -> Int32 {
    // Wrong whatever is on disk, but only seen while the command ran.
    if error is SettingsError {
      if !RankedProgram.isSilentOnArguments { write(error) }
      return 64
    }
    switch Headway.exitCode(for: error) {
    case .success:
      // --help and --version are requests, not failures.
      let text = Headway.message(for: error)
      do { try Terminal.writeLine(text.isEmpty ? Headway.fullMessage(for: error) : text) } catch { return tell(error, arguments) }
      return 0
    case .validationFailure:
      if RankedProgram.isSilentOnArguments { return 64 }
      Terminal.writeError(ArgumentText.explain(error, arguments))
      return 64
    case let code:
      // An exit code alone has been explained where it was thrown.
      if !(error is ExitCode) { write(error) }
      return code.rawValue == 0 ? 1 : code.rawValue
    }
  }

  private static func write(_ error: any Error) {
    let sentence = ErrorText.sentence(error)
    if RankedProgram.speaks(of: sentence) { Terminal.writeError("\(RankedProgram.prefix)error: \(sentence)\n") }
  }

  /// Leaves without running libtorch's exit destructors, which cost 45 ms and do nothing for a process that ends.
  static func leave(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }
}
