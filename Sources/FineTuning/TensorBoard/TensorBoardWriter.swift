import Ground
public import Foundation
import Torch

/// Writes curves that TensorBoard draws: an event file of scalars, `events.out.tfevents.TIME.HOST.PROCESS.NUMBER`.
///
/// Every point is handed to the system as it is written, whole, so a run that is killed loses none; a power cut may lose the
/// last ones, and readers pass over a record that broke off. A run that is resumed goes on in a new file in the same folder,
/// which says from which step on the older files no longer count.
public final class TensorBoardWriter {
  /// The file that is being written.
  public let file: URL
  private let now: () -> Double
  private var descriptor: Int32
  /// What has been written whole, in bytes.
  private var length: off_t = 0

  /// Begins a file in this folder, which is made where it is missing.
  /// - Parameters:
  ///   - folder: where the file goes.
  ///   - step: for a run that goes on, the first step that it will write: points of this step and of later ones in older
  ///     files of the folder are forgotten by TensorBoard. nil for a new run.
  /// - Throws: `FileError`.
  public convenience init(in folder: URL, resumingAt step: Int? = nil) throws {
    try self.init(in: folder, resumingAt: step, host: TensorBoardWriter.host, process: getpid(), now: { Date().timeIntervalSince1970 })
  }

  init(in folder: URL, resumingAt step: Int?, host: String, process: Int32, now: @escaping () -> Double) throws {
    self.now = now
    let path = folder.path(percentEncoded: false)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(path: path, operation: "make the folder", reason: error.localizedDescription, remedy: "choose another place")
    }
    // TensorBoard reads a folder's files in the order of their names and never goes back to an earlier one.
    let started = max(Int(now()), try TensorBoardWriter.latest(in: path).map { $0 + 1 } ?? 0)
    let digits = String(started)
    let time = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    file = folder.appending(path: "events.out.tfevents.\(time).\(host).\(process).0")
    descriptor = open(file.path(percentEncoded: false), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: file.path(percentEncoded: false), operation: "write", code: errno) }
    try write(.fileVersion, step: 0)
    if let step { try write(.restart, step: step) }
  }

  deinit {
    if descriptor >= 0 { _ = Foundation.close(descriptor) }
  }

  /// Adds a point to a curve.
  /// - Parameters:
  ///   - tag: the curve's name; a slash groups curves.
  ///   - value: written in float32, as TensorBoard has scalars.
  ///   - step: where on the curve.
  /// - Throws: `FileError`, for instance where the disk is full; what was written before stays readable.
  public func scalar(_ tag: String, _ value: Double, step: Int) throws {
    try write(.scalar(tag: tag, value: Float(value)), step: step)
  }

  /// Ends the file and flushes it to the disk. Nothing can be written afterwards.
  /// - Throws: `FileError`.
  public func close() throws {
    guard descriptor >= 0 else { return }
    let (flushed, code) = (fsync(descriptor) == 0, errno)
    let closed = Foundation.close(descriptor) == 0
    let problem = flushed ? errno : code
    descriptor = -1
    guard flushed, closed else { throw FileError(path: file.path(percentEncoded: false), operation: "write", code: problem) }
  }

  private func write(_ content: TensorBoardEvent.Content, step: Int) throws {
    let path = file.path(percentEncoded: false)
    guard descriptor >= 0 else {
      throw FileError(path: path, operation: "write", reason: "it has been closed", remedy: "begin another file")
    }
    var rest = TensorBoardEvent(time: now(), step: step, content: content).record[...]
    let whole = length + off_t(rest.count)
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      guard written >= 0 else {
        let code = errno
        if code == EINTR { continue }
        // A record that broke off would hide all that come after it.
        _ = ftruncate(descriptor, length)
        throw FileError(path: path, operation: "write", code: code)
      }
      rest = rest.dropFirst(written)
    }
    length = whole
  }

  /// The time in the name of the folder's last event file.
  private static func latest(in folder: String) throws -> Int? {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
        let parts = name.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false)
        return parts.count == 5 && parts[0...2] == ["events", "out", "tfevents"] ? Int(parts[3]).flatMap { $0 < Int.max ? $0 : nil } : nil
      }.max()
    } catch {
      throw FileError(path: folder, operation: "read", reason: error.localizedDescription, remedy: "check who may read there")
    }
  }

  /// This machine's own name, without asking a name server; with nothing in it that a file name could not hold.
  private static var host: String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
    let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let kept = String(decoding: name, as: UTF8.self).prefix(64).map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." ? $0 : "-" }
    return kept.isEmpty ? "unknown" : String(kept)
  }
}
