public import Foundation
import StrictJSON

/// Writes instructions as JSON lines of the format `pairs`, under a temporary name that takes the file's place only once
/// everything is on disk: whoever is interrupted leaves the old file, or none.
public final class InstructionWriter {
  /// Instructions written so far.
  public private(set) var count = 0

  private let target: URL
  private let temporary: URL
  private let handle: FileHandle
  private var buffer: [UInt8] = []
  private var isFinished = false

  /// Opens the temporary file beside the target.
  public init(to url: URL) throws(DataError) {
    target = url
    temporary = url.deletingLastPathComponent().appending(component: ".\(url.lastPathComponent).partial-\(UUID().uuidString.prefix(8))")
    do {
      try Data().write(to: temporary)
      handle = try FileHandle(forWritingTo: temporary)
    } catch {
      throw .file(url.relativePath, problem: "cannot be written: \(describe(error))")
    }
  }

  deinit {
    if !isFinished {
      try? handle.close()
      try? FileManager.default.removeItem(at: temporary)
    }
  }

  /// Writes one instruction.
  public func write(_ instruction: Instruction) throws(DataError) {
    JSONValue.object(instruction.pairsRecord).append(to: &buffer)
    buffer.append(0x0A)
    count += 1
    if buffer.count >= 1 << 18 { try flush() }
  }

  /// Puts the file in its place.
  public func finish() throws(DataError) {
    try flush()
    do {
      try handle.synchronize()
      try handle.close()
    } catch {
      throw failure(error)
    }
    let moved = temporary.path(percentEncoded: false).withCString { from in
      target.path(percentEncoded: false).withCString { rename(from, $0) }
    }
    guard moved == 0 else { throw .file(target.relativePath, problem: "cannot be put in its place: \(String(cString: strerror(errno)))") }
    isFinished = true
  }

  private func flush() throws(DataError) {
    do {
      try handle.write(contentsOf: Data(buffer))
    } catch {
      throw failure(error)
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private func failure(_ error: any Error) -> DataError {
    .file(target.relativePath, problem: "cannot be written: \(describe(error))")
  }
}
