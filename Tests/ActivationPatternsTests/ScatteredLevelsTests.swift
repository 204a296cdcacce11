import ActivationPatterns
import Foundation
import Ground
import Testing

/// Levels that lie scattered over a file, as in a journal.
struct ScatteredLevelsTests {
  private let width = 6

  /// A file of samples with something between them, and of stretches with something between those.
  private func file(_ counts: [Int], in folder: URL) throws -> (MappedFile, [SampleLevels.Stretch], values: [Float], stride: Int) {
    var bytes = Data([1, 2, 3])
    var stretches: [SampleLevels.Stretch] = []
    var values: [Float] = []
    let stride = 12 + 2 * 4 * width
    for count in counts {
      bytes += Data(repeating: 0xff, count: 5)
      stretches.append(.init(first: values.count / width, count: count, offset: bytes.count + 12))
      for _ in 0..<count {
        let row = (0..<width).map { Float(values.count + $0) / 3 }
        bytes += Data(repeating: 0xff, count: 12)
        row.withUnsafeBytes { bytes += Data($0) }
        bytes += Data(repeating: 0xff, count: 4 * width)
        values += row
      }
    }
    let url = folder.appending(path: "journal")
    try bytes.write(to: url)
    return (try MappedFile(at: url), stretches, values, stride)
  }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scattered-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  /// Rows, means and every form of file are those of the same levels in memory, byte for byte.
  @Test(arguments: [[1], [3], [1, 1, 1], [4, 1, 7, 2], [50_000, 1]])
  func areAsInMemory(counts: [Int]) throws {
    try inFolder { folder in
      let (file, stretches, values, stride) = try file(counts, in: folder)
      let scattered = try SampleLevels(entryCount: width, in: file, stretches: stretches, stride: stride)
      let whole = try SampleLevels(sampleCount: values.count / width, entryCount: width, values: values)
      #expect(scattered.sampleCount == whole.sampleCount)
      for sample in [0, whole.sampleCount / 2, whole.sampleCount - 1] + Array(0..<min(20, whole.sampleCount)) {
        #expect(try scattered.row(sample) == whole.row(sample))
      }
      #expect(try scattered.mean() == whole.mean())
      let index = (0..<whole.sampleCount).map(Int64.init)
      for ending in ["safetensors", "npz"] {
        let written = try [scattered, whole].map { levels in
          let url = folder.appending(path: "p.\(ending)")
          try ActivationPattern(
            provenance: Provenance(), levels: [.magnitude: .init(layers: 2, heads: 3, samples: levels)],
            samples: .init(loss: index.map { _ in 0 }, index: index, ids: nil)
          ).write(to: url)
          return try Data(contentsOf: url)
        }
        #expect(written[0] == written[1])
      }
    }
  }

  @Test func stretchesThatLeaveTheFileAreRefused() throws {
    try inFolder { folder in
      let (file, stretches, _, stride) = try file([2, 3], in: folder)
      func make(_ change: (inout [SampleLevels.Stretch]) -> Void, stride: Int) throws {
        var changed = stretches
        change(&changed)
        _ = try SampleLevels(entryCount: width, in: file, stretches: changed, stride: stride)
      }
      #expect(throws: PatternError.self) { try make({ $0[1].count = 4 }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ $0[0].offset = -1 }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ $0[1].first = 3 }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ $0[1].offset = 0 }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ $0[0].count = 0 }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ _ in }, stride: 4) }
      #expect(throws: PatternError.self) { try make({ $0[1].count = .max }, stride: stride) }
      #expect(throws: PatternError.self) { try make({ $0[1].offset = .max }, stride: stride) }
    }
  }

  @Test func whatIsNotFiniteIsNamed() throws {
    try inFolder { folder in
      let url = folder.appending(path: "journal")
      try [Float](arrayLiteral: 1, 2, .nan, 4).withUnsafeBytes { try Data($0).write(to: url) }
      let levels = try SampleLevels(entryCount: 2, in: MappedFile(at: url), stretches: [.init(first: 0, count: 2, offset: 0)], stride: 8)
      #expect(throws: PatternError.self) { try levels.mean() }
    }
  }
}
