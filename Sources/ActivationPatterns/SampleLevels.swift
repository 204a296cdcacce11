import CheckpointFiles
import Ground
import Foundation
import Torch

/// The levels of each sample, [N, L, H], in memory or still in the file that they were written to.
public struct SampleLevels: Sendable {
  /// The number of samples, N.
  public let sampleCount: Int
  /// Layers times heads, L · H.
  public let entryCount: Int
  private let storage: Storage

  private enum Storage: Sendable {
    case memory([Float])
    // At no particular alignment.
    case mapped(MappedFile, Range<Int>)
  }

  /// Levels in memory, sample by sample.
  /// - Throws: `PatternError` where the count does not fit or a value is not finite.
  public init(sampleCount: Int, entryCount: Int, values: [Float]) throws {
    let (count, overflow) = sampleCount.multipliedReportingOverflow(by: entryCount)
    guard sampleCount >= 0, entryCount > 0, !overflow, count == values.count else {
      throw PatternError(
        problem: "\(values.count) values do not fill \(sampleCount) samples of \(entryCount) heads",
        remedy: "give one value for each sample, layer and head")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw PatternError(
        problem: "sample \(bad / entryCount) has the value \(values[bad]) at entry \(bad % entryCount)",
        remedy: "measure again in a wider element type: patterns hold finite numbers only")
    }
    self.sampleCount = sampleCount
    self.entryCount = entryCount
    storage = .memory(values)
  }

  /// Levels in a file: an F32 tensor [N, L, H]. Values are looked at only when they are asked for.
  init(_ entry: TensorEntry, in file: SafetensorsFile, layers: Int, heads: Int) throws {
    guard entry.elementType == .float32, entry.shape.count == 3, entry.shape[1] == layers, entry.shape[2] == heads else {
      throw CheckpointError(
        path: file.path, tensor: entry.name,
        problem: "is \(entry.elementType.safetensorsName) \(entry.shape), not F32 [samples, \(layers), \(heads)]", remedy: "write it again")
    }
    sampleCount = entry.shape[0]
    entryCount = layers * heads
    storage = .mapped(file.mapping, entry.byteRange)
  }

  /// One sample's levels, [L · H]. The index must be below `sampleCount`.
  /// - Throws: `PatternError` where a value is not finite.
  public func row(_ sample: Int) throws -> [Float] {
    var row = [Float](repeating: 0, count: entryCount)
    switch storage {
    case .memory(let values):
      row.replaceSubrange(0..<entryCount, with: values[sample * entryCount..<(sample + 1) * entryCount])
    case .mapped(let file, let range):
      let start = range.lowerBound + sample * entryCount * 4
      let bytes = try file.bytes(in: start..<start + entryCount * 4)
      row.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
      if let bad = row.firstIndex(where: { !$0.isFinite }) {
        throw PatternError(
          file.url.path(percentEncoded: false), problem: "sample \(sample) has the value \(row[bad]) at entry \(bad)",
          remedy: "measure again: patterns hold finite numbers only")
      }
    }
    return row
  }

  /// The mean over all samples, accumulated in double precision; nil without samples.
  /// - Throws: `PatternError` where a value is not finite.
  public func mean() throws -> [Double]? {
    guard sampleCount > 0 else { return nil }
    var sums = [Double](repeating: 0, count: entryCount)
    for sample in 0..<sampleCount {
      let row = try row(sample)
      for entry in 0..<entryCount { sums[entry] += Double(row[entry]) }
    }
    return sums.map { $0 / Double(sampleCount) }
  }

  /// The samples at these positions, in this order.
  func picked(_ positions: [Int]) throws -> SampleLevels {
    var values: [Float] = []
    values.reserveCapacity(positions.count * entryCount)
    for position in positions { values += try row(position) }
    return try SampleLevels(sampleCount: positions.count, entryCount: entryCount, values: values)
  }

  /// Writes the values to a sink, little-endian.
  func write(to sink: FileSink) throws {
    switch storage {
    case .memory(let values): try values.withUnsafeBytes { try sink.write($0) }
    case .mapped(let file, let range): try sink.write(file.bytes(in: range))
    }
  }

  /// Hands the values' bytes to the closure, little-endian.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    switch storage {
    case .memory(let values): try values.withUnsafeBytes(body)
    case .mapped(let file, let range): try body(file.bytes(in: range))
    }
  }
}
