import CheckpointFiles
import Foundation
import Ground
import Testing

@testable import ActivationPatterns

/// What of a pattern's files is known to be Headway's own.
@Suite struct OutputKindTests {
  private func write(_ text: String, _ url: URL) throws { try Data(text.utf8).write(to: url) }
  private func text(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

  @Test func patternsAndChangesAreKnownByTheirMetadata() throws {
    try withTemporaryFolder { folder in
      let before = try PatternFileTests.pattern(["a", "b"])
      let change = try PatternChange(
        from: ("x", before), to: ("y", PatternFileTests.pattern(["a", "b"], scale: 2)), relative: false, mixed: true)
      for ending in ["safetensors", "npz"] {
        let url = folder.appending(path: "p.\(ending)")
        try before.write(to: url)
        #expect(OutputKind.pattern.isOwn(url), "\(ending)")
        try change.write(to: url)
        #expect(OutputKind.pattern.isOwn(url), "\(ending)")
        // Cut off anywhere it is nobody's, and nothing traps.
        let data = try Data(contentsOf: url)
        for count in [0, 3, 4, 9, 60, data.count / 2, data.count - 1] {
          try data.prefix(count).write(to: url)
          _ = OutputKind.pattern.isOwn(url)
        }
        try write("notes", url)
        #expect(!OutputKind.pattern.isOwn(url))
      }
      let model = folder.appending(path: "model.safetensors")
      try SafetensorsWriter.write([.init(name: "w", shape: [1], floats: [1])], metadata: ["format": "pt"], to: model)
      #expect(!OutputKind.pattern.isOwn(model))
      #expect(!OutputKind.pattern.isOwn(folder.appending(path: "none")))
    }
  }

  /// `.npy` has no place for a mark: what numpy.save and Headway write is the same to the byte.
  @Test func anArrayIsNeverKnownToBeHeadways() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "p.npy")
      try PatternFileTests.pattern(["a"], scores: [.magnitude]).write(to: url)
      #expect(!OutputKind.pattern(named: url).isOwn(url) && !OutputKind.pattern(named: url).isMarked)
    }
  }

  @Test func aForeignFileOfTheIdsNameIsNeverTouched() throws {
    try withTemporaryFolder { folder in
      let (url, ids) = (folder.appending(path: "notes.safetensors"), folder.appending(path: "notes.ids.jsonl"))
      try write("my ids\n", ids)
      // A pattern without samples has no use for the name, and leaves it.
      var pattern = try PatternFileTests.pattern(["a", "b"])
      pattern = try ActivationPattern(
        provenance: pattern.provenance, levels: pattern.levels.mapValues { .init(mean: $0.mean) }, samples: nil)
      try pattern.write(to: url)
      #expect(try text(ids) == "my ids\n")
      let outputs = OutputGuard()
      try outputs.claim(pattern: url, keepsSamples: false)
      outputs.release()
      // One with samples needs it, and is refused before anything is measured, and again when it is written.
      for overwrites in [false, true] {
        let outputs = OutputGuard(overwrites: overwrites)
        defer { outputs.release() }
        let error = #expect(throws: OutputError.self) { try outputs.claim(pattern: url, keepsSamples: true) }
        #expect(try #require(error?.description).contains("notes.ids.jsonl is not this run's to replace"))
      }
      #expect(throws: PatternError.self) { try PatternFileTests.pattern(["a", "b"]).write(to: url) }
      #expect(try text(ids) == "my ids\n")
      // Headway's own are replaced, and go with the samples.
      try FileManager.default.removeItem(at: ids)
      try PatternFileTests.pattern(["a", "b"]).write(to: url)
      try PatternFileTests.pattern(["b"]).write(to: url)
      #expect(try text(ids) == "{\"id\":\"b\",\"index\":0}\n")
      try pattern.write(to: url)
      #expect(!FileManager.default.fileExists(atPath: ids.path(percentEncoded: false)))
    }
  }

  /// `p.npz` beside `p.safetensors` would share a file of ids with it.
  @Test func idsOfAPatternOfTheSameNameStay() throws {
    try withTemporaryFolder { folder in
      let (first, second) = (folder.appending(path: "p.safetensors"), folder.appending(path: "p.npz"))
      let ids = folder.appending(path: "p.ids.jsonl")
      try PatternFileTests.pattern(["a", "b"]).write(to: first)
      let before = try text(ids)
      #expect(throws: PatternError.self) { try PatternFileTests.pattern(["b"]).write(to: second) }
      let pattern = try PatternFileTests.pattern(["a", "b"])
      try pattern.write(to: second)
      try ActivationPattern(provenance: pattern.provenance, levels: pattern.levels.mapValues { .init(mean: $0.mean) }, samples: nil)
        .write(to: second)
      #expect(try text(ids) == before)
      #expect(try ActivationPattern.read(from: first).samples?.ids == ["a", "b"])
    }
  }

  @Test(arguments: ["{\"id\": \"a\"}\n", "{\"id\":\"a\",\"index\":0}\nmore\n", "", "\"a\"\n", "{\"id\":1}\n"])
  func otherLinesAreNoIds(text: String) throws {
    try withTemporaryFolder { folder in
      try write(text, folder.appending(path: "x"))
      #expect(!OutputKind.identifiers(of: folder.appending(path: "p.safetensors")).isOwn(folder.appending(path: "x")))
    }
  }
}
