import Foundation
import Ground

/// Writing to the two streams of the program.
enum Terminal {
  /// Writes results to standard output.
  /// - Throws: `FileError` where the reader is gone or the disk is full.
  static func write(_ data: Data) throws {
    let code = data.withUnsafeBytes { bytes -> Int32 in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = Foundation.write(1, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0, errno != EINTR { return errno }
        rest = rest.dropFirst(max(0, written))
      }
      return 0
    }
    switch code {
    case 0: return
    case EPIPE:
      throw FileError(path: "standard output", operation: "write", reason: "its reader has gone", remedy: "let the reader read to the end")
    case let code:
      throw FileError(
        path: "standard output", operation: "write", reason: String(cString: strerror(code)).lowercased(), remedy: "send it somewhere else")
    }
  }
  /// Writes lines of results for a person. What a terminal would obey in them is shown escaped; JSON goes through ``write(_:)``.
  static func writeLine(_ text: String) throws { try write(Data((text.terminalText + "\n").utf8)) }

  /// Writes lines to standard error, what a terminal would obey in them escaped; nobody is told if that fails, since there is nowhere left to
  /// tell it.
  static func writeError(_ text: String) { writeRawError(text.terminalText) }

  /// Writes over the line at the cursor of the terminal that standard error is.
  static func rewriteErrorLine(_ text: String) { writeRawError("\r\u{1B}[K" + text.terminalLine) }

  private static func writeRawError(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Whether a person watches standard error, on a terminal that can write over a line.
  static var errorIsTerminal: Bool { isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// The columns of the terminal that standard error is: what the terminal says, else COLUMNS, else 80.
  static var errorColumns: Int {
    var size = winsize()
    if ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
  }

  /// Whether the terminal's language is written in UTF-8.
  static var takesUTF8: Bool {
    let environment = ProcessInfo.processInfo.environment
    let language = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    return language.map { $0.uppercased().contains("UTF-8") || $0.uppercased().contains("UTF8") } ?? false
  }
  /// Whether a person watches standard output.
  static var outputIsTerminal: Bool { isatty(1) == 1 }
  /// Whether a person watches standard output in colours (<https://no-color.org>).
  static var outputTakesColors: Bool {
    let environment = ProcessInfo.processInfo.environment
    return outputIsTerminal && environment["TERM"] != "dumb" && environment["NO_COLOR"]?.isEmpty ?? true
  }
}
