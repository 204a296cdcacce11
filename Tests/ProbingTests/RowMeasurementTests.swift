import Foundation
import Ground
import LanguageModels
import Probing
import Testing

/// The journal of rows, without a model.
@Suite struct RowMeasurementTests {
  private let samples = (0..<7).map { TokenizedSample(tokens: [1, 2, 3 + $0], promptLength: $0 == 2 ? 3 : 1, index: 2 * $0) }
  private let plan = [0..<2, 2..<3, 3..<6]

  private func rows(_ table: Int, _ samples: [TokenizedSample]) -> [Float] {
    samples.flatMap { [Float(100 * table + $0.index), -Float($0.tokens[2])] }
  }

  private func written(_ result: RowMeasurement.Result, tables: Int, in folder: URL) throws -> [[Float]] {
    try (0..<tables).map { table in
      let url = folder.appending(path: "table")
      try AtomicFile.write(to: url) { try result.write(table: table, to: $0) }
      return try Data(contentsOf: url).withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
      }
    }
  }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  /// Stopped after every number of ranges, a run goes on to the same rows; what it has is not computed again.
  @Test func goesOnWhereItStopped() throws {
    let measured = samples.filter { $0.labelCount > 0 }
    let expected = (0..<2).map { rows($0, measured) }
    for stop in 0...6 {
      try inFolder { folder in
        let output = folder.appending(path: "r.safetensors")
        let measurement = RowMeasurement(width: 2, tables: 2, plan: plan)
        var calls = 0
        let first = Result {
          try measurement.run(
            samples, journalOutput: output, identity: RunIdentity(), resume: true, shouldStop: { calls >= stop },
            rows: { table, samples in
              calls += 1
              return rows(table, samples)
            })
        }
        // The last range is done before it is asked.
        if stop < 6 { #expect(throws: PatternMeasurement.Stopped.self) { try first.get() } }
        let found = try measurement.run(
          samples, journalOutput: output, identity: RunIdentity(), resume: true,
          rows: { table, samples in
            calls += 1
            return rows(table, samples)
          })
        #expect(calls == 6 && found.index == measured.map(\.index) && found.tokens == 2 * 18)
        #expect(found.measuredTokens == found.tokens - [0, 6, 9, 18, 24, 27, 36][stop])
        #expect(try written(found, tables: 2, in: folder) == expected)
        // The rows outlive their journal.
        RunJournal.remove(beside: output)
        #expect(try written(found, tables: 2, in: folder) == expected)
      }
    }
  }

  /// Whatever a journal was cut to, or holds in the place of a record, what is sound of it is kept and the rest is made again.
  @Test func damagedJournalsAreMadeAgain() throws {
    let expected = (0..<2).map { rows($0, samples.filter { $0.labelCount > 0 }) }
    try inFolder { folder in
      let output = folder.appending(path: "r.safetensors")
      let measurement = RowMeasurement(width: 2, tables: 2, plan: plan)
      _ = try measurement.run(samples, journalOutput: output, identity: RunIdentity(), rows: { rows($0, $1) })
      let whole = try Data(contentsOf: RunJournal.url(beside: output))
      let header = try #require(whole.firstIndex(of: 10)) + 1
      for place in stride(from: header, to: whole.count, by: 3) {
        var damaged = whole
        damaged[place] ^= 0x5a
        for bytes in [whole.prefix(place), damaged] {
          try bytes.write(to: RunJournal.url(beside: output))
          let found = try measurement.run(samples, journalOutput: output, identity: RunIdentity(), resume: true, rows: { rows($0, $1) })
          #expect(try written(found, tables: 2, in: folder) == expected)
        }
      }
      // Rows of another width are no continuation.
      #expect(throws: ProbingError.self) {
        try RowMeasurement(width: 3, plan: plan).run(samples, journalOutput: output, identity: RunIdentity(), resume: true) { rows($0, $1) }
      }
    }
  }
}
