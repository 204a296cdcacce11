import Foundation

/// Writing to the two streams of the program.
enum Terminal {
  /// Writes results to standard output; throws where the reader is gone or the disk is full.
  static func write(_ data: Data) throws { try FileHandle.standardOutput.write(contentsOf: data) }
  /// Writes a line of results.
  static func writeLine(_ text: String) throws { try write(Data((text + "\n").utf8)) }

  /// Writes to standard error; nobody is told if that fails, since there is nowhere left to tell it.
  static func writeError(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Whether a person watches standard error.
  static var errorIsTerminal: Bool { isatty(2) == 1 }
}
