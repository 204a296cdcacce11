import Foundation

/// Why a run may not write where it was told to. Nothing has been changed.
public struct OutputError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message

  /// An error.
  public init(_ message: Message) { self.message = message }

  /// What was named as a file is a folder.
  static func isFolder(_ path: String) -> OutputError { OutputError("\(path) is a folder; name a file for \(setting: .output)") }

  /// Another program's file is where the result would go.
  static func foreign(_ path: String, _ kind: OutputKind) -> OutputError {
    let reason: Message =
      kind.isMarked ? "was not written by Headway as \(kind.name)" : "nothing in \(kind.name) tells that Headway wrote it"
    return OutputError("\(path) is there already and \(reason); choose another name, or replace it by \(setting: .overwrite)")
  }

  /// Another program's file is where something belongs that goes with the result.
  static func inTheWay(_ path: String, _ kind: OutputKind) -> OutputError {
    // It may also be a file of Headway's that belongs to something else.
    OutputError(
      "\(path) is not this run's to replace, and \(kind.name) would go there; move it away, or choose another name for the result")
  }

  /// An interrupted run left what it found.
  static func journal(_ path: String) -> OutputError {
    OutputError(
      "\(path) holds what an interrupted run found; continue that run with \(setting: .resume), or delete it and start over with \(setting: .overwrite)"
    )
  }

  /// The output is something that the run reads.
  static func isInput(_ output: String, _ input: String) -> OutputError {
    OutputError(
      output == input
        ? "\(output) is read by this run and cannot be its output too; choose another name"
        : "\(output) is the same as \(input), which this run reads, and cannot be its output too; choose another name")
  }

  /// The run reads something inside the folder that it is to fill.
  static func holdsInput(_ output: String, _ input: String) -> OutputError {
    OutputError("\(input) is read by this run and lies in \(output), which cannot be its output then; choose another folder")
  }

  /// Two outputs are one file.
  static func twice(_ first: String, _ second: String) -> OutputError {
    OutputError("\(first) and \(second) are the same file, but two results go there; choose another name for one of them")
  }

  /// Another run writes there.
  static func locked(_ path: String, by holder: OutputLock.Holder?, lock: String) -> OutputError {
    guard let holder else { return OutputError("\(path) is being written by another run; wait for its end, or choose another name") }
    let isElsewhere = holder.host != ThisProcess.host
    return OutputError(
      "\(path) is being written by process \(holder.process) on \(holder.host); wait for its end, or choose another name\(isElsewhere ? " (delete \(lock) if that process has ended)" : "")"
    )
  }
}
