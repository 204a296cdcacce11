import CheckpointFiles
public import Ground
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
    // At no particular alignment, and so in records.
    case mapped(MappedFile, Range<Int>)
    case records(MappedFile, [Stretch], stride: Int)
    // Each with the number of its first sample.
    case joined([(first: Int, levels: SampleLevels)])
  }

  /// Samples that lie one after the other at equal distances.
  public struct Stretch: Sendable, Hashable {
    /// The number of the first.
    public var first: Int
    /// How many there are.
    public var count: Int
    /// Where the first one's levels begin, in bytes from the start of the file.
    public var offset: Int

    /// A stretch.
    public init(first: Int, count: Int, offset: Int) {
      self.first = first
      self.count = count
      self.offset = offset
    }
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

  /// Levels that lie scattered over a file, as in a measurement's journal, little-endian float32. Values are looked at only when they are asked for.
  /// - Parameters:
  ///   - entryCount: layers times heads, L · H.
  ///   - file: where they lie.
  ///   - stretches: in order and without gaps, from sample 0 on.
  ///   - stride: from one sample's levels to the next one's in a stretch, in bytes.
  /// - Throws: `PatternError` where the stretches leave the file or do not follow from each other.
  public init(entryCount: Int, in file: MappedFile, stretches: [Stretch], stride: Int) throws {
    var (next, least) = (0, 0)
    for stretch in stretches {
      let size = max(0, stretch.count - 1).multipliedReportingOverflow(by: stride)
      // Compared without a sum that could overflow: the last sample's levels end where the file does, or before.
      guard entryCount > 0, stretch.first == next, stretch.count > 0, stretch.offset >= least, stride >= entryCount * 4, !size.overflow,
        stretch.offset <= file.count, size.partialValue <= file.count - stretch.offset,
        entryCount * 4 <= file.count - stretch.offset - size.partialValue
      else {
        throw PatternError(
          file.url.path(percentEncoded: false), problem: "the levels of its samples from \(next) on do not lie where they should",
          remedy: "measure again")
      }
      next += stretch.count
      least = stretch.offset
    }
    sampleCount = next
    self.entryCount = entryCount
    storage = .records(file, stretches, stride: stride)
  }

  /// Levels one after another, each where it lies.
  /// - Throws: `PatternError` where some have another number of entries than this.
  init(joining parts: [SampleLevels], entryCount: Int) throws {
    var joined: [(first: Int, levels: SampleLevels)] = []
    var next = 0
    for part in parts {
      guard part.entryCount == entryCount else {
        throw PatternError(
          problem: "samples of \(part.entryCount) heads do not follow samples of \(entryCount)", remedy: "measure all of them on one model")
      }
      // So that every sample is in the last part that begins at or before it.
      if part.sampleCount > 0 { joined.append((next, part)) }
      next += part.sampleCount
    }
    sampleCount = next
    self.entryCount = entryCount
    storage = .joined(joined)
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
    case .mapped(let file, let range): try copy(sample, from: file, at: range.lowerBound + sample * entryCount * 4, to: &row)
    case .records(let file, let stretches, let stride):
      let stretch = stretches[Self.last(of: stretches, beginningBy: sample) { $0.first }]
      try copy(sample, from: file, at: stretch.offset + (sample - stretch.first) * stride, to: &row)
    case .joined(let parts):
      let part = parts[Self.last(of: parts, beginningBy: sample) { $0.first }]
      return try part.levels.row(sample - part.first)
    }
    return row
  }

  /// The place of the last element that begins at or before a sample.
  private static func last<Element>(of elements: [Element], beginningBy sample: Int, _ first: (Element) -> Int) -> Int {
    var (low, high) = (0, elements.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if first(elements[middle]) <= sample { low = middle } else { high = middle }
    }
    return low
  }

  private func copy(_ sample: Int, from file: MappedFile, at start: Int, to row: inout [Float]) throws {
    let bytes = try file.bytes(in: start..<start + entryCount * 4)
    row.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
    if let bad = row.firstIndex(where: { !$0.isFinite }) {
      throw PatternError(
        file.url.path(percentEncoded: false), problem: "sample \(sample) has the value \(row[bad]) at entry \(bad)",
        remedy: "measure again: patterns hold finite numbers only")
    }
  }

  /// The mean over all samples, accumulated in double precision; nil without samples.
  /// - Throws: `PatternError` where a value is not finite.
  public func mean() throws -> [Double]? {
    guard sampleCount > 0 else { return nil }
    var sums = [Double](repeating: 0, count: entryCount)
    try add(to: &sums)
    return sums.map { $0 / Double(sampleCount) }
  }

  /// Adds every sample's levels, in order.
  private func add(to sums: inout [Double]) throws {
    if case .joined(let parts) = storage {
      for part in parts { try part.levels.add(to: &sums) }
      return
    }
    var (stretch, forgotten) = (0, 0)
    for sample in 0..<sampleCount {
      let row = try row(sample)
      for entry in 0..<entryCount { sums[entry] += Double(row[entry]) }
      switch storage {
      case .records(let file, let stretches, _) where sample == stretches[stretch].first + stretches[stretch].count - 1:
        file.forget(forgotten..<stretches[stretch].offset)
        forgotten = stretches[stretch].offset
        stretch += 1
      case .mapped(let file, let range):
        let end = range.lowerBound + (sample + 1) * entryCount * 4
        guard end - max(forgotten, range.lowerBound) >= 1 << 22 else { continue }
        file.forget(max(forgotten, range.lowerBound)..<end)
        forgotten = end
      case .memory, .records, .joined: break
      }
    }
  }

  /// The samples at these positions, in this order.
  func picked(_ positions: [Int]) throws -> SampleLevels {
    var values: [Float] = []
    values.reserveCapacity(positions.count * entryCount)
    for position in positions { values += try row(position) }
    return try SampleLevels(sampleCount: positions.count, entryCount: entryCount, values: values)
  }

  /// Writes the values to a sink, little-endian.
  func write(to sink: FileSink) throws { try withPieces { try sink.write($0) } }

  /// Hands the values' bytes to the closure, little-endian, piece by piece in order.
  func withPieces(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch storage {
    case .memory(let values): try values.withUnsafeBytes(body)
    case .mapped(let file, let range): try body(file.bytes(in: range))
    case .records(let file, let stretches, let stride):
      // Rows are put together to pieces that are worth a write each.
      let width = entryCount * 4
      var piece: [UInt8] = []
      piece.reserveCapacity(max(width, 1 << 20))
      var forgotten = 0
      for stretch in stretches {
        file.forget(forgotten..<stretch.offset)
        forgotten = stretch.offset
        for place in 0..<stretch.count {
          if !piece.isEmpty, piece.count + width > 1 << 20 {
            try piece.withUnsafeBytes(body)
            piece.removeAll(keepingCapacity: true)
          }
          let start = stretch.offset + place * stride
          piece.append(contentsOf: try file.bytes(in: start..<start + width))
        }
      }
      if !piece.isEmpty { try piece.withUnsafeBytes(body) }
    case .joined(let parts): for part in parts { try part.levels.withPieces(body) }
    }
  }
}
