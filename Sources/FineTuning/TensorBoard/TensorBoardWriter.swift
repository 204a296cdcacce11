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
  public var file: URL { events.url }
  private let now: () -> Double
  private let events: GrowingFile

  /// Begins a file in this folder, which is made where it is missing.
  /// - Parameters:
  ///   - folder: where the file goes.
  ///   - step: for a run that goes on, the first step that it will write: points of this step and of later ones in older
  ///     files of the folder are forgotten by TensorBoard. nil for a new run.
  /// - Throws: `FileError`.
  public convenience init(in folder: URL, resumingAt step: Int? = nil) throws {
    try self.init(in: folder, resumingAt: step, host: ThisProcess.host, process: getpid(), now: { Date().timeIntervalSince1970 })
  }

  init(in folder: URL, resumingAt step: Int?, host: String, process: Int32, now: @escaping () -> Double) throws {
    self.now = now
    let path = folder.path(percentEncoded: false)
    try Folders.make(folder)
    // TensorBoard reads a folder's files in the order of their names and never goes back to an earlier one.
    let started = max(Int(now()), try TensorBoardWriter.latest(in: path).map { $0 + 1 } ?? 0)
    let digits = String(started)
    let time = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    events = try GrowingFile(creating: folder.appending(path: "events.out.tfevents.\(time).\(host).\(process).0"))
    try write(.fileVersion, step: 0)
    if let step { try write(.restart, step: step) }
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
  public func close() throws { try events.close() }

  private func write(_ content: TensorBoardEvent.Content, step: Int) throws {
    // Whole or not at all: a record that broke off would hide all that come after it.
    try events.append(TensorBoardEvent(time: now(), step: step, content: content).record)
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
}
