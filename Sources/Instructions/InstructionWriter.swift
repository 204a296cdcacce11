public import Foundation
import Ground
import StrictJSON

/// Writes instructions as JSON lines of the format `pairs`, under a temporary name that takes the file's place only once
/// everything is on disk: whoever is interrupted leaves the old file, or none.
public final class InstructionWriter {
  /// Instructions written so far.
  public private(set) var count = 0

  private let file: FileReplacement
  private var buffer: [UInt8] = []

  /// Begins the file beside its target.
  /// - Throws: `FileError`.
  public init(to url: URL) throws { file = try FileReplacement(of: url) }

  /// Writes one instruction.
  /// - Throws: `FileError`.
  public func write(_ instruction: Instruction) throws {
    JSONValue.object(instruction.pairsRecord).append(to: &buffer)
    buffer.append(0x0A)
    count += 1
    if buffer.count >= 1 << 18 { try flush() }
  }

  /// Puts the file in its place.
  /// - Throws: `FileError`; the old file is then as it was.
  public func finish() throws {
    try flush()
    try file.commit()
  }

  private func flush() throws {
    try buffer.withUnsafeBytes { try file.sink.write($0) }
    buffer.removeAll(keepingCapacity: true)
  }
}
