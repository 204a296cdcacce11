import Foundation

/// This process and its machine, as locks and temporary files name them.
public enum ThisProcess {
  /// The machine's own name, without asking a name server; with nothing in it that a file name could not hold.
  public static let host: String = {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
    let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let kept = String(decoding: name, as: UTF8.self).prefix(64).map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." ? $0 : "-" }
    return kept.isEmpty ? "unknown" : String(kept)
  }()

  /// Whether a process of this machine runs, whoever it belongs to.
  static func isRunning(_ process: Int32) -> Bool { process > 0 && (kill(process, 0) == 0 || errno == EPERM) }
}
