import ArgumentParser
import Runs

/// A command that is a run: its options make one value, which is checked before anything is read, done with progress, and shown as text or JSON.
protocol RunningCommand: ParsableCommand {
  /// How the command speaks.
  var output: OutputOptions { get }

  /// What is asked for. Reads nothing: it is called once more while the arguments are checked.
  /// - Throws: `ValidationError` where options have no meaning together that a run's settings could have.
  func asked() throws -> any Run
}

extension RunningCommand {
  func validate() throws { try asArguments { try asked().validate() } }
  func run() throws { try output.show(asked()) }
}
