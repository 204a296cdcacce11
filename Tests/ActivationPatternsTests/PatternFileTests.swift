import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Testing
import Torch

/// Pattern and change files, as INTERFACE fixes them.
struct PatternFileTests {
  struct Files: Decodable {
    let mean: [[Double]]
    let samples: [[[Double]]]
  }

  /// A pattern with samples whose ids are these; sample i's levels are those of the id's position in `all`.
  static func pattern(
    _ ids: [String], task: String = "math", scale: Float = 1, scores: [Score] = [.magnitude, .signed], fingerprint: String = "m0",
    data: String = "d0", keepsIds: Bool = true, contents: [UInt64]? = nil
  ) throws -> ActivationPattern {
    let all = ["a", "b", "c", "d", "é", "e\u{301}"]
    let values = ids.flatMap { id in
      let number = Float(all.firstIndex { Array($0.utf8) == Array(id.utf8) } ?? 9)
      return (0..<6).map { Float($0) * scale + number }
    }
    let levels = try SampleLevels(sampleCount: ids.count, entryCount: 6, values: values)
    var provenance = Provenance(model: "tiny", modelFingerprint: fingerprint, task: task, dataFingerprint: data, samples: ids.count)
    provenance.loss = "sample"
    return try ActivationPattern(
      provenance: provenance,
      levels: Dictionary(uniqueKeysWithValues: try scores.map { ($0, try .init(layers: 2, heads: 3, samples: levels)) }),
      samples: .init(loss: ids.map { _ in 0.5 }, index: ids.indices.map(Int64.init), ids: keepsIds ? ids : nil, contents: contents))
  }

  /// The pattern of a fine-tuned model, as `pattern` makes it otherwise.
  static func tuned(
    _ ids: [String], scores: [Score] = [.magnitude, .signed], data: String = "d0", keepsIds: Bool = true, contents: [UInt64]? = nil
  ) throws -> ActivationPattern {
    try pattern(ids, scale: 3, scores: scores, fingerprint: "m1", data: data, keepsIds: keepsIds, contents: contents)
  }

  @Test func readsAFileOfAnotherProgram() throws {
    let expected = try golden(Files.self, "files.json")
    let pattern = try ActivationPattern.read(from: fixture("pattern.safetensors"))
    #expect(pattern.layers == 2 && pattern.heads == 4)
    #expect(pattern.scores == [.magnitude])
    #expect(pattern.levels[.magnitude]?.mean.values == expected.mean.flatMap(\.self))
    let samples = try #require(pattern.levels[.magnitude]?.samples)
    #expect(samples.sampleCount == 3)
    #expect(try samples.row(1).map(Double.init) == expected.samples[1].flatMap(\.self))
    #expect(pattern.samples?.ids == ["gsm8k-0", "层/1", "a\nb"])
    #expect(pattern.samples?.index == [0, 1, 5])
    #expect(pattern.provenance.task == "算术" && pattern.provenance.skipped == 1)
    #expect(pattern.provenance.other == ["extra": "kept"])
  }

  @Test func writesWhatTheContractSays() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "p.safetensors")
      try Self.pattern(["a", "b"]).write(to: url)
      let file = try SafetensorsFile(at: url)
      #expect(
        Set(file.tensors.map(\.name)) == ["magnitude.mean", "magnitude.samples", "signed.mean", "signed.samples", "loss", "index"])
      #expect(file["magnitude.mean"]?.shape == [2, 3] && file["magnitude.mean"]?.elementType == .float32)
      #expect(file["signed.samples"]?.shape == [2, 2, 3])
      #expect(file["index"]?.elementType == .int64)
      #expect(file.metadata["headway.kind"] == "pattern")
      #expect(file.metadata["model_fingerprint"] == "m0" && file.metadata["samples"] == "2")
      #expect(
        try String(contentsOf: folder.appending(path: "p.ids.jsonl"), encoding: .utf8)
          == "{\"id\":\"a\",\"index\":0}\n{\"id\":\"b\",\"index\":1}\n")
      let read = try ActivationPattern.read(from: url)
      #expect(read.levels[.signed]?.mean.values == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
      #expect(read.samples?.ids == ["a", "b"] && read.samples?.loss == [0.5, 0.5])
      #expect(read.provenance == (try Self.pattern(["a", "b"]).provenance))
      // The same pattern gives the same bytes; a mean alone leaves no ids behind.
      let bytes = try Data(contentsOf: url)
      try read.write(to: url)
      #expect(try Data(contentsOf: url) == bytes)
      try ActivationPattern(provenance: Provenance(), levels: [.token: .init(mean: .row([1, 2]))]).write(to: url)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()) == ["p.safetensors"])
    }
  }

  @Test func npyIsWhatNumpyWrites() throws {
    try withTemporaryFolder { folder in
      let expected = try golden(Files.self, "files.json")
      let pattern = try ActivationPattern.read(from: fixture("mean.npy"))
      #expect(pattern.levels[.magnitude]?.mean.values == expected.mean.flatMap(\.self))
      let url = folder.appending(path: "again.npy")
      try pattern.write(to: url)
      // numpy pads its header to 128 bytes here, we to 64 as its format asks; what follows the header is the same.
      let (ours, theirs) = (try Data(contentsOf: url), try Data(contentsOf: fixture("mean.npy")))
      #expect(ours.suffix(32) == theirs.suffix(32))
      #expect((ours.count - 32) % 64 == 0)
      #expect(try ActivationPattern.read(from: url).levels[.magnitude]?.mean == pattern.levels[.magnitude]?.mean)
      #expect(throws: PatternError.self) { try Self.pattern(["a"]).write(to: url) }
    }
  }

  @Test func hostileNpyIsRefused() throws {
    try withTemporaryFolder { folder in
      let sound = try Data(contentsOf: fixture("mean.npy"))
      let url = folder.appending(path: "bad.npy")
      var cases = [Data(), Data("\u{93}NUMPY".utf8), sound.prefix(9), sound.prefix(50), sound.dropLast(), sound + [0]]
      for (old, new) in [("<f4", "<i4"), ("False", "True "), ("(2, 4)", "(2,) "), ("(2, 4)", "(2,-4)"), ("(2, 4)", "(9, 9)")] {
        let text = String(decoding: sound, as: Unicode.ASCII.self)
        let start = try #require(text.range(of: old)).lowerBound.utf16Offset(in: text)
        var bytes = sound
        bytes.replaceSubrange(start..<start + old.utf8.count, with: Data(new.utf8))
        cases.append(bytes)
      }
      for bytes in cases {
        try bytes.write(to: url)
        #expect(throws: PatternError.self) { try PatternFile.read(from: url) }
      }
    }
  }

  @Test func npzHoldsEveryArray() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "all.npz")
      try Self.pattern(["a", "b"]).write(to: url)
      let text = String(decoding: try Data(contentsOf: url), as: Unicode.ASCII.self)
      for name in ["magnitude.mean", "magnitude.samples", "signed.mean", "signed.samples", "loss", "index", "metadata"] {
        // Once before the array and once in the directory.
        #expect(text.components(separatedBy: "\(name).npy").count == 3)
      }
      #expect(throws: PatternError.self) { try PatternFile.read(from: url) }
    }
  }

  @Test func unsoundFilesAreNamed() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "odd.safetensors")
      func expectError(_ sources: [SafetensorsWriter.Source], _ metadata: [String: String], _ message: String) throws {
        try SafetensorsWriter.write(sources, metadata: metadata, to: url)
        let error = #expect(throws: (any Error).self) { try PatternFile.read(from: url) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(message) && text.contains("odd.safetensors"), "\(text)")
      }
      let mean = SafetensorsWriter.Source(name: "magnitude.mean", shape: [1, 2], floats: [1, 2])
      let kind = ["headway.kind": "pattern"]
      try expectError([mean], [:], "not a pattern")
      try expectError([mean], ["headway.kind": "cake"], "cake")
      try expectError([], kind, "at least one score")
      try expectError([.init(name: "magnitude.mean", shape: [2], floats: [1, 2])], kind, "not [layers, heads]")
      try expectError([.init(name: "magnitude.mean", shape: [0, 2], floats: [])], kind, "empty")
      try expectError([.init(name: "magnitude.mean", shape: [1, 2], floats: [1, .nan])], kind, "layer 0, head 1 is nan")
      try expectError([.init(name: "magnitude.mean", shape: [1, 2], int64s: [1, 2])], kind, "not real numbers")
      try expectError([mean, .init(name: "signed.mean", shape: [2, 1], floats: [1, 2])], kind, "another has")
      try expectError([mean, .init(name: "magnitude.samples", shape: [1, 2, 1], floats: [1, 2])], kind, "not F32 [samples, 1, 2]")
      try expectError([mean], kind.merging(["samples": "many"]) { $1 }, "not a number")
      try expectError([mean], ["headway.kind": "change"], "neither true nor false")
      try expectError(
        [mean, .init(name: "loss", shape: [2], floats: [1, 2]), .init(name: "index", shape: [1], int64s: [1])], kind,
        "do not belong together")
    }
  }

  // MARK: Changes

  @Test func changePairsSamplesById() throws {
    try withTemporaryFolder { folder in
      let before = try Self.pattern(["a", "b", "é", "e\u{301}"])
      let after = try Self.tuned(["e\u{301}", "b", "a", "é"])
      let url = folder.appending(path: "c.safetensors")
      try PatternChange(from: ("before.safetensors", before), to: ("after.safetensors", after)).write(to: url)
      let change = try PatternChange.read(from: url)
      #expect(change.levels[.magnitude]?.change.values == [0, 2, 4, 6, 8, 10])
      #expect(change.before == "before.safetensors" && change.after == "after.safetensors" && !change.isRelative)
      #expect(change.samples?.ids == ["a", "b", "é", "e\u{301}"])
      #expect(change.provenance.other["after_fingerprint"] == "m1")
      let levels = try #require(change.levels[.signed])
      for sample in 0..<4 {
        let (old, new) = (try #require(try levels.before?.row(sample)), try #require(try levels.after?.row(sample)))
        #expect(zip(old, new).map { $1 - $0 } == [0, 2, 4, 6, 8, 10])
      }
      let names = Set(try SafetensorsFile(at: url).tensors.map(\.name))
      #expect(names.isSuperset(of: ["magnitude.mean", "magnitude.before.samples", "magnitude.after.samples"]))
      let metadata = try SafetensorsFile(at: url).metadata
      #expect(metadata["headway.kind"] == "change" && metadata["relative"] == "false" && metadata["before"] == "before.safetensors")
    }
  }

  @Test func relativeChangeLeavesOutWhatIsUndefined() throws {
    try withTemporaryFolder { folder in
      let before = try ActivationPattern(
        provenance: Provenance(), levels: [.magnitude: .init(mean: HeadMatrix(layers: 2, heads: 2, values: [0, 1, 2, 4] as [Double]))])
      let after = try ActivationPattern(
        provenance: Provenance(), levels: [.magnitude: .init(mean: HeadMatrix(layers: 2, heads: 2, values: [1, 3, 1, 4] as [Double]))])
      let url = folder.appending(path: "r.safetensors")
      try PatternChange(from: ("b", before), to: ("a", after), relative: true).write(to: url)
      let matrix = try #require(try PatternChange.read(from: url).levels[.magnitude]?.change)
      #expect(matrix.undefinedCount == 1 && matrix.defined == [2, -0.5, 0])
      let statistics = PatternStatistics(matrix)
      #expect(statistics.undefinedCount == 1 && statistics.mean == 0.5 && statistics.strongest.first?.head == 1)
      #expect(Correlation.pearson(matrix.values, [9, 2, -0.5, 0]) == 1)
      let fit = try PatternFit(target: matrix, basics: [matrix])
      #expect(fit.undefinedCount == 1 && agree(fit.coefficients.first, 1, tolerance: 1e-14) && fit.warnings.count == 1)
    }
  }

  @Test func unequalSamplesAreRefused() throws {
    let before = try Self.pattern(["a", "b"])
    for (ids, message) in [(["a", "c"], "only in the first"), (["a", "b", "c"], "only in the second"), (["a"], "only in the first")] {
      let error = #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("x", before), to: ("y", Self.tuned(ids))) }
      #expect(error?.description.contains(message) == true)
    }
    // Without ids, position pairs samples of the same data and nothing else.
    _ = try PatternChange(from: ("x", before), to: ("y", Self.tuned(["a", "b"], keepsIds: false)))
    #expect(throws: IncomparablePatterns.self) {
      try PatternChange(from: ("x", before), to: ("y", Self.tuned(["a", "b"], data: "d1", keepsIds: false)))
    }
  }

  @Test func positionsInOtherDataPairNothing() throws {
    // What data without ids gives: each sample's position. Test and training part of one benchmark look alike.
    let (before, other) = (try Self.pattern(["0", "1"], contents: [5, 6]), try Self.tuned(["0", "1"], data: "d1", contents: [7, 8]))
    let error = #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("test", before), to: ("train", other)) }
    #expect(error?.differences == [.samples("were measured on different data: they share no sample")])
    // Nor where they are mixed on purpose: the change of the means is left.
    let mixed = try PatternChange(from: ("test", before), to: ("train", other), mixed: true)
    #expect(mixed.samples == nil && mixed.levels[.magnitude]?.before == nil)
    // The same texts are the same samples wherever they lie.
    let moved = try PatternChange(from: ("x", before), to: ("y", Self.tuned(["0", "1"], data: "d1", contents: [6, 5])))
    let (first, second) = (try moved.levels[.magnitude]?.after?.row(0), try other.levels[.magnitude]?.samples?.row(1))
    #expect(first == second && first != nil)
    // One id, two texts.
    let corrected = try Self.tuned(["a", "b"], contents: [5, 7])
    #expect(throws: IncomparablePatterns.self) {
      try PatternChange(from: ("x", Self.pattern(["a", "b"], contents: [5, 6])), to: ("y", corrected))
    }
    // Files that kept no samples are told apart as well.
    func mean(_ pattern: ActivationPattern, _ contents: [UInt64]) throws -> ActivationPattern {
      var provenance = pattern.provenance
      provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: contents)
      return try ActivationPattern(provenance: provenance, levels: pattern.levels.mapValues { .init(mean: $0.mean) })
    }
    _ = try PatternChange(from: ("x", mean(before, [5, 6])), to: ("y", mean(other, [6, 5])))
    #expect(throws: IncomparablePatterns.self) {
      try PatternChange(from: ("x", mean(before, [5, 6])), to: ("y", mean(Self.tuned(["0", "1"]), [5, 7])))
    }
  }

  @Test func repeatedIdsPairByWhatTheyStandFor() throws {
    let (ids, order) = (["a", "a", "b"], ["a", "b", "a"])
    let error = #expect(throws: IncomparablePatterns.self) {
      try PatternChange(from: ("x", Self.pattern(ids, data: "d")), to: ("y", Self.tuned(order, data: "d")))
    }
    #expect(error?.description.contains("have different samples") == true)
    let unknown = #expect(throws: IncomparablePatterns.self) {
      try PatternChange(from: ("x", Self.pattern(ids, data: "d")), to: ("y", Self.tuned(order, data: "e")))
    }
    #expect(unknown?.description.contains("different data") == true)
    let pattern = try Self.pattern(ids, contents: [1, 2, 3])
    let levels = try SampleLevels(sampleCount: 3, entryCount: 6, values: [20, 30, 10].flatMap { [Float](repeating: $0, count: 6) })
    var provenance = pattern.provenance
    provenance.modelFingerprint = "m1"
    let after = try ActivationPattern(
      provenance: provenance, levels: [.magnitude: .init(layers: 2, heads: 3, samples: levels)],
      samples: .init(loss: [0, 0, 0], index: [0, 1, 2], ids: ["a", "b", "a"], contents: [2, 3, 1]))
    let change = try PatternChange(from: ("x", pattern), to: ("y", after))
    #expect(try (0..<3).map { try change.levels[.magnitude]?.after?.row($0).first } == [10, 20, 30])
  }

  @Test func contentsComeBackFromTheFile() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "p.safetensors")
      try Self.pattern(["a", "b"], contents: [.max, 1]).write(to: url)
      #expect(try SafetensorsFile(at: url)["content"]?.shape == [2])
      let read = try ActivationPattern.read(from: url)
      #expect(read.samples?.contents == [.max, 1])
    }
  }

  @Test func unlikePatternsAreRefusedUnlessAskedFor() throws {
    let before = try Self.pattern(["a"], scores: [.magnitude])
    #expect(throws: PatternError.self) { try PatternChange(from: ("x", before), to: ("y", Self.tuned(["a"], scores: [.token]))) }
    let wide = try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: .row([1, 2]))])
    #expect(throws: PatternError.self) { try PatternChange(from: ("x", before), to: ("y", wide), mixed: true) }

    var (one, other) = (before, try Self.tuned(["a"], scores: [.magnitude]))
    for (path, values) in [
      (\Provenance.dtype, ("bfloat16", "float32")), (\.template, ("gsm8k", "alpaca")), (\.loss, ("sample", "batch:4")),
      (\.architecture, ("4 layers", "2 layers")),
    ] {
      (one.provenance, other.provenance) = (before.provenance, before.provenance)
      other.provenance.modelFingerprint = "m1"
      one.provenance[keyPath: path] = values.0
      other.provenance[keyPath: path] = values.1
      let error = #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("x", one), to: ("y", other)) }
      #expect(error?.differences.count == 1)
      #expect(error?.description.contains("(\(values.0); \(values.1)); measure both alike, or give mixed") == true)
      _ = try PatternChange(from: ("x", one), to: ("y", other), mixed: true)
    }
    one.provenance = before.provenance
    (one.provenance.maxLength, one.provenance.dtype) = (64, "float32")
    (other.provenance.maxLength, other.provenance.dtype) = (128, "bfloat16")
    other.provenance.architecture = nil
    let error = #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("x", one), to: ("y", other)) }
    #expect(error?.problem == "x and y differ in dtype (float32; bfloat16) and in maximum length (64; 128)")
  }

  @Test func aModelIsNotComparedWithItself() throws {
    let pattern = try Self.pattern(["a", "b"])
    let error = #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("x", pattern), to: ("x", pattern)) }
    #expect(error?.differences == [.sameModel])
    // Without fingerprints, equal levels say so.
    let bare = try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: .row([1, 2]))])
    #expect(throws: IncomparablePatterns.self) { try PatternChange(from: ("x", bare), to: ("y", bare)) }
    #expect(
      try PatternChange(from: ("x", pattern), to: ("x", pattern), mixed: true).levels[.magnitude]?.change.values.allSatisfy { $0 == 0 }
        == true)
  }

  // MARK: Tracked patterns

  @Test func aRunsTrackedPatternsAreReadByStep() throws {
    try withTemporaryFolder { folder in
      let url = PatternSeries.url(inFolder: folder)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      let kind = ["headway.kind": "tracked patterns", "score": "magnitude"]
      let steps = SafetensorsWriter.Source(name: "probe.steps", shape: [2], int64s: [0, 10])
      let probe = SafetensorsWriter.Source(name: "probe.magnitude", shape: [2, 1, 3], floats: [1, 2, 3, 4, 5, 6])
      try SafetensorsWriter.write([steps, probe], metadata: kind, to: url)
      for place in [folder, url] {
        let all = try PatternFile.readAll(from: place)
        #expect(all.map(\.step) == [0, 10])
        #expect(all.map { $0.file.matrix(.magnitude)?.values } == [[1, 2, 3], [4, 5, 6]])
      }
      #expect(try PatternSeries(from: url).standardErrors == nil)
      let errors = SafetensorsWriter.Source(name: "probe.standard_error", shape: [2, 1, 3], floats: [0, 1, 2, 3, 4, 5])
      try SafetensorsWriter.write([steps, probe, errors], metadata: kind, to: url)
      #expect(try PatternSeries(from: url).standardErrors?.map(\.values) == [[0, 1, 2], [3, 4, 5]])
      #expect(throws: PatternError.self) { try PatternFile.read(from: url) }
      for (sources, part) in [
        ([steps, .init(name: "probe.magnitude", shape: [3, 1, 2], floats: [1, 2, 3, 4, 5, 6])], "not [2, layers, heads]"),
        ([.init(name: "probe.steps", shape: [2], int64s: [10, 10]), probe], "rising"), ([steps], "none of a probe set"),
      ] as [([SafetensorsWriter.Source], String)] {
        try SafetensorsWriter.write(sources, metadata: kind, to: url)
        let error = #expect(throws: (any Error).self) { try PatternFile.readAll(from: folder) }
        #expect(error.map { "\($0)".contains(part) && "\($0)".contains("patterns.safetensors") } == true)
      }
      let bare = #expect(throws: PatternError.self) { try PatternFile.readAll(from: url.deletingLastPathComponent()) }
      #expect(bare?.description.contains("without a training run's tracked patterns") == true)
    }
  }

  @Test func whatIsNoSafetensorsFileIsCalledSo() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "x.jsonl")
      try Data("{\"prompt\": \"a\", \"response\": \"b\"}\n".utf8).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try PatternFile.read(from: url) }
      #expect(
        error?.description.hasSuffix(
          "x.jsonl: it is not a safetensors file, which begins with the length of its header; check that this is the right file") == true)
    }
  }
}
