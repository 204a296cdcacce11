import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Selection
import Testing

/// Representation files there and back, and files that claim to be ones.
struct RepresentationFileTests {
  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "representations-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  private func write(_ rows: [[Float]], _ sink: FileSink) throws {
    for row in rows { try row.withUnsafeBytes { try sink.write($0) } }
  }

  private let provenance = Provenance(
    model: "m", modelFingerprint: "f", dataFingerprint: "d", samples: 3, skipped: 1, tokens: 30, maxLength: 1024, loss: "sample",
    dtype: "float32", other: ["kept": "as it is"])

  private func gradients(weights: [Double] = [1e-5, 2.5e-6]) -> RepresentationWriter {
    var writer = RepresentationWriter(
      .gradient, provenance: provenance, width: 2, index: [0, 2, 5], ids: ["a", "b", "\u{e9}"], contents: [7, .max, 0])
    writer.weights = weights
    writer.role = .target
    writer.projection = "rademacher 2, seed 0"
    return writer
  }

  @Test func aGradientComesBackAsItWas() throws {
    try inFolder { folder in
      let url = folder.appending(path: "g.safetensors")
      let rows: [[[Float]]] = [[[1, -2], [3, 4], [5, 6]], [[0.5, 0], [-0.25, 8], [9, 10]]]
      try gradients().write(to: url) { try write(rows[$0], $1) }
      let file = try RepresentationFile(at: url)
      #expect(file.kind == .gradient && file.role == .target && file.projection == "rademacher 2, seed 0")
      #expect(file.weights == [1e-5, 2.5e-6] && file.index == [0, 2, 5] && file.contents == [7, .max, 0])
      #expect(file.sampleCount == 3 && file.width == 2 && file.rows.count == 2)
      #expect(file.provenance == provenance)
      #expect(try file.identifiers() == ["a", "b", "\u{e9}"])
      for (kept, rows) in zip(file.rows, rows) {
        for sample in 0..<3 { #expect(try kept.row(sample) == rows[sample]) }
        #expect(try kept.bytes(of: 1..<3).count == 16 && kept.bytes(of: 3..<3).isEmpty)
        #expect(throws: FileError.self) { try kept.bytes(of: 2..<4) }
        #expect(throws: FileError.self) { try kept.row(3) }
      }
      #expect(OutputKind.representation.isOwn(url) && !OutputKind.pattern.isOwn(url))
    }
  }

  @Test func lossesAndEmbeddingsComeBack() throws {
    try inFolder { folder in
      let url = folder.appending(path: "r.safetensors")
      var writer = RepresentationWriter(.loss, provenance: provenance, width: 1, index: [4], ids: ["x"], contents: [1])
      try writer.write(to: url) { try write([[0.75]], $1) }
      let loss = try RepresentationFile(at: url)
      #expect(loss.kind == .loss && loss.width == 1 && loss.weights == [1] && loss.role == nil && loss.projection == nil)
      #expect(try loss.rows[0].row(0) == [0.75])
      writer = RepresentationWriter(.embedding, provenance: provenance, width: 3, index: [4], ids: ["x"], contents: [1])
      try writer.write(to: url) { try write([[1, 2, 3]], $1) }
      #expect(try RepresentationFile(at: url).rows[0].row(0) == [1, 2, 3])
      // Without samples there are no rows, and no trap.
      writer = RepresentationWriter(.embedding, provenance: provenance, width: 3, index: [], ids: [], contents: [])
      try writer.write(to: url) { _, _ in }
      #expect(try RepresentationFile(at: url).rows[0].bytes(of: 0..<0).isEmpty)
    }
  }

  @Test func whatDoesNotBelongTogetherIsNotWritten() throws {
    try inFolder { folder in
      let url = folder.appending(path: "g.safetensors")
      var writer = gradients()
      writer.role = nil
      #expect(throws: SelectionError.self) { try writer.write(to: url) { _, _ in } }
      writer = gradients()
      writer.ids = ["a"]
      #expect(throws: SelectionError.self) { try writer.write(to: url) { _, _ in } }
      #expect(throws: CheckpointError.self) { try gradients().write(to: url) { _, sink in try write([[1, 2]], sink) } }
      #expect(!FileManager.default.fileExists(atPath: url.path(percentEncoded: false)))
    }
  }

  @Test func idsOfAnotherFileAreNotTaken() throws {
    try inFolder { folder in
      let url = folder.appending(path: "g.safetensors")
      try gradients(weights: [1]).write(to: url) { try write([[1, 2], [3, 4], [5, 6]], $1) }
      try SampleIdentifiers.write(["a", "b", "c"], index: [0, 2, 5], to: SampleIdentifiers.url(beside: url))
      #expect(try RepresentationFile(at: url).identifiers() == nil)
      try Data("not ids\n".utf8).write(to: SampleIdentifiers.url(beside: url))
      #expect(throws: PatternError.self) { try RepresentationFile(at: url).identifiers() }
    }
  }

  @Test func valuesThatAreNotFiniteAreNamed() throws {
    try inFolder { folder in
      let url = folder.appending(path: "g.safetensors")
      try gradients(weights: [1]).write(to: url) { try write([[1, 2], [3, .nan], [5, 6]], $1) }
      let rows = try RepresentationFile(at: url).rows[0]
      #expect(try rows.row(0) == [1, 2])
      let error = #expect(throws: SelectionError.self) { try rows.row(1) }
      #expect(error?.description.contains("sample 1 has the value nan at entry 1") == true)
    }
  }

  /// Files whose header is sound and whose contents are not.
  @Test func filesThatAreNoneAreRefused() throws {
    let embedding = [
      "headway.kind": "representation", "representation": "embedding",
    ]
    let gradient = embedding.merging([
      "representation": "gradient", "gradient.weights": "1e-6 2e-6", "gradient.role": "pool", "gradient.projection": "p",
    ]) { $1 }
    func rows(_ name: String, _ shape: [Int]) -> SafetensorsWriter.Source {
      .init(name: name, shape: shape, floats: [Float](repeating: 1, count: shape.reduce(1, *)))
    }
    func index(_ values: [Int64]) -> SafetensorsWriter.Source { .init(name: "index", shape: [values.count], int64s: values) }
    let cases: [(String, [String: String], [SafetensorsWriter.Source])] = [
      ("it is no representation", [:], [rows("embedding", [2, 3]), index([0, 1])]),
      ("it holds a pattern", ["headway.kind": "pattern"], [rows("embedding", [2, 3]), index([0, 1])]),
      (
        "is \"nonsense\", not one of gradient", embedding.merging(["representation": "nonsense"]) { $1 },
        [rows("embedding", [2, 3]), index([0, 1])]
      ),
      ("is missing", ["headway.kind": "representation"], [rows("embedding", [2, 3]), index([0, 1])]),
      ("is not in the file", embedding, [rows("loss", [2]), index([0, 1])]),
      ("is not in the file", embedding, [rows("embedding", [2, 3])]),
      ("not F32 [3, dimensions]", embedding, [rows("embedding", [2, 3]), index([0, 1, 2])]),
      ("not F32 [2, dimensions]", embedding, [rows("embedding", [2, 0]), index([0, 1])]),
      ("not F32 [2, dimensions]", embedding, [rows("embedding", [2]), index([0, 1])]),
      ("not F32 [1]", embedding.merging(["representation": "loss"]) { $1 }, [rows("loss", [1, 1]), index([0])]),
      ("do not rise", embedding, [rows("embedding", [2, 3]), index([1, 1])]),
      ("do not rise", embedding, [rows("embedding", [2, 3]), index([-1, 1])]),
      ("not F32 [2, dimensions]", embedding, [.init(name: "embedding", shape: [2, 1], int64s: [1, 2]), index([0, 1])]),
      ("not a number", embedding.merging(["samples": "many"]) { $1 }, [rows("embedding", [2, 3]), index([0, 1])]),
      (
        "1 fingerprints of texts for 2", embedding,
        [rows("embedding", [2, 3]), index([0, 1]), .init(name: "content", shape: [1], int64s: [1])]
      ),
      ("gradient.1", gradient, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("not F32 [2, 3]", gradient, [rows("gradient.0", [2, 3]), rows("gradient.1", [2, 4]), index([0, 1])]),
      (
        "is not a learning rate", gradient.merging(["gradient.weights": "1e-6 x"]) { $1 },
        [rows("gradient.0", [2, 3]), rows("gradient.1", [2, 3]), index([0, 1])]
      ),
      ("is not a learning rate", gradient.merging(["gradient.weights": ""]) { $1 }, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("is not a learning rate", gradient.merging(["gradient.weights": "-1"]) { $1 }, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("is not a learning rate", gradient.merging(["gradient.weights": "inf"]) { $1 }, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("neither pool nor target", gradient.merging(["gradient.role": "both"]) { $1 }, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("not their role", gradient.filter { $0.key != "gradient.role" }, [rows("gradient.0", [2, 3]), index([0, 1])]),
      ("not their projection", gradient.filter { $0.key != "gradient.projection" }, [rows("gradient.0", [2, 3]), index([0, 1])]),
    ]
    try inFolder { folder in
      let url = folder.appending(path: "r.safetensors")
      for (problem, metadata, sources) in cases {
        try SafetensorsWriter.write(sources, metadata: metadata, to: url)
        do {
          _ = try RepresentationFile(at: url)
          Issue.record("nothing was said of a file where '\(problem)' was due")
        } catch {
          #expect("\(error)".contains(problem), "\(error)")
          #expect("\(error)".contains("r.safetensors"))
        }
      }
      try Data(repeating: 0xff, count: 100).write(to: url)
      #expect(throws: CheckpointError.self) { try RepresentationFile(at: url) }
      #expect(!OutputKind.representation.isOwn(url))
    }
  }
}
