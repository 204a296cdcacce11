import CheckpointFiles
import Foundation
import Ground
import Testing

@testable import ActivationPatterns

/// Names, numbers and borders of shards.
struct PatternShardTests {
  @Test func shardsAreWrittenAsTwoNumbers() throws {
    for (text, number, count) in [("1/1", 1, 1), ("2/4", 2, 4), ("100000/100000", 100_000, 100_000)] {
      let shard = try #require(PatternShard(text))
      #expect(shard.number == number && shard.count == count && shard.description == text)
    }
    for text in [
      "", "1", "/", "0/4", "5/4", "-1/4", "1/0", "1/-1", "01/4", "+1/4", "1/4/1", "1 / 4", "1/100001", "1/99999999999999999999", "٢/٤",
    ] {
      #expect(PatternShard(text) == nil, "\(text)")
    }
    #expect(PatternShard(0, of: 1) == nil && PatternShard(1, of: .max) == nil && PatternShard(.min, of: 3) == nil)
  }

  @Test(arguments: ["p", "a.b", "käse", "e\u{301}", "層 1", "p.1-of-2", "50%", "a#b"]) func namesGoBothWays(name: String) throws {
    let shard = try #require(PatternShard("2/14"))
    let pattern = URL(filePath: "/no/where").appending(path: "\(name).safetensors")
    let file = shard.url(of: pattern)
    #expect(Array(file.lastPathComponent.utf8) == Array("\(name).2-of-14.safetensors".utf8))
    #expect(shard.path(of: "out/\(name).safetensors") == "out/\(name).2-of-14.safetensors")
    let named = try #require(PatternShard.named(file))
    #expect(
      named.shard == shard && Array(named.pattern.path(percentEncoded: false).utf8) == Array(pattern.path(percentEncoded: false).utf8))
  }

  @Test(arguments: [
    "p.safetensors", "p.0-of-2.safetensors", "p.3-of-2.safetensors", "p.1of2.safetensors", "p.1-of-2.npz", "p.1-of-2", "1-of-2.safetensors",
    "model-00001-of-00002.safetensors", "p.01-of-02.safetensors",
  ])
  func otherNamesAreNoShards(name: String) { #expect(PatternShard.named(URL(filePath: name)) == nil) }

  /// Parts follow each other, hold everything once, and are off their share by at most one element.
  @Test func partsAreAboutEqual() throws {
    var generator = Congruence(state: 5)
    for _ in 0..<400 {
      let sizes = (0..<Int.random(in: 0...30, using: &generator)).map { _ in Int.random(in: 0...9, using: &generator) }
      let whole = sizes.reduce(0, +)
      for count in 1...7 {
        let parts = try (1...count).map { try #require(PatternShard($0, of: count)).part(of: sizes) }
        #expect(parts.first?.lowerBound == 0 && parts.last?.upperBound == sizes.count)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        for part in parts {
          #expect(abs(Double(sizes[part].reduce(0, +)) - Double(whole) / Double(count)) <= Double(sizes.max() ?? 0) + 1e-9)
        }
      }
    }
    let tens = (1...4).compactMap { PatternShard($0, of: 4)?.part(of: [Int](repeating: 10, count: 8)).count }
    #expect(tens == [2, 2, 2, 2])
  }
}

/// The files of shards read as one pattern.
struct PatternShardsTests {
  /// A pattern of samples, and the same cut into shards.
  struct Case {
    var whole: ActivationPattern
    var keepsSamples: Bool
    var rows: [[Float]]
    var samples: ActivationPattern.Samples
    var total: Int

    init(_ count: Int, keepsSamples: Bool = true, model: String = "m", using generator: inout some RandomNumberGenerator) throws {
      let rows = (0..<count).map { _ in (0..<6).map { _ in Float.random(in: 0...1, using: &generator) } }
      // Positions that are not gone through without gaps, as where samples were drawn; ids that only their bytes tell apart.
      var index: [Int64] = []
      for _ in 0..<count { index.append((index.last ?? -1) + Int64.random(in: 1...3, using: &generator)) }
      let ids = (0..<count).map { ["é \($0 / 2)", "e\u{301} \($0 / 2)"][$0 % 2] }
      let contents = index.map { Fingerprint(of: "text \($0)").value }
      samples = try ActivationPattern.Samples(loss: rows.map { $0[0] }, index: index, ids: ids, contents: contents)
      total = Int(index.last ?? -1) + 1
      var provenance = Provenance(model: model, modelFingerprint: model, task: "算术", dataFingerprint: "d", loss: "sample", seed: "0")
      provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: contents)
      (provenance.samples, provenance.skipped, provenance.tokens) = (count, total - count, 10 * count)
      provenance.other = ["extra": "kept"]
      let levels = try ActivationPattern.Levels(
        layers: 2, heads: 3, samples: SampleLevels(sampleCount: count, entryCount: 6, values: rows.flatMap(\.self)))
      whole = try ActivationPattern(
        provenance: provenance,
        levels: [.magnitude: keepsSamples ? levels : .init(mean: levels.mean), .token: keepsSamples ? levels : .init(mean: levels.mean)],
        samples: keepsSamples ? samples : nil)
      (self.keepsSamples, self.rows) = (keepsSamples, rows)
    }

    var identity: RunIdentity {
      var identity = RunIdentity()
      identity["model"] = whole.provenance.model
      identity["data_fingerprint"] = whole.provenance.dataFingerprint
      return identity
    }

    /// - Parameter borders: the first sample of every shard, and their number, rising.
    func write(_ borders: [Int], to pattern: URL, _ change: (inout PatternShard.Contents) -> Void = { _ in }) throws {
      for (number, (begin, end)) in zip(borders, borders.dropFirst()).enumerated() {
        let shard = try #require(PatternShard(number + 1, of: borders.count - 1))
        func place(_ sample: Int) -> Int { sample == 0 ? 0 : sample == rows.count ? total : Int(samples.index[sample]) }
        let places = place(begin)..<place(end)
        var provenance = whole.provenance
        (provenance.samples, provenance.skipped, provenance.tokens) = (end - begin, places.count - (end - begin), 10 * (end - begin))
        let levels = try SampleLevels(sampleCount: end - begin, entryCount: 6, values: rows[begin..<end].flatMap(\.self))
        var contents = PatternShard.Contents(
          provenance: provenance, identity: identity, places: places, total: total, keepsSamples: keepsSamples, layers: 2, heads: 3,
          levels: [.magnitude: levels, .token: levels],
          samples: try .init(
            loss: Array(samples.loss[begin..<end]), index: Array(samples.index[begin..<end]),
            ids: samples.ids.map { Array($0[begin..<end]) },
            contents: samples.contents.map { Array($0[begin..<end]) }))
        change(&contents)
        try shard.write(contents, to: shard.url(of: pattern))
      }
    }
  }

  private func message(_ place: URL) -> String {
    do { _ = try PatternFile.read(from: place) } catch { return "\(error)" }
    return ""
  }

  /// Cut anywhere, with shards that have no sample, they are the file of one run: read by any of their names, and byte for byte when written again.
  @Test func togetherTheyAreTheWhole() throws {
    var generator = Congruence(state: 1)
    for count in 1...7 {
      for (size, keepsSamples) in [(1, true), (max(1, count - 1), true), (count + 4, true), (count + 4, false), (40, true)] {
        try withTemporaryFolder { folder in
          let one = try Case(size, keepsSamples: keepsSamples, using: &generator)
          let (whole, pattern) = (folder.appending(path: "whole.safetensors"), folder.appending(path: "pärt.e\u{301}.safetensors"))
          try one.whole.write(to: whole)
          let inner = (0..<count - 1).map { _ in Int.random(in: 0...size, using: &generator) }.sorted()
          try one.write([0] + inner + [size], to: pattern)
          let expected = try ActivationPattern.read(from: whole)
          for name in [pattern] + (1...count).compactMap({ PatternShard($0, of: count)?.url(of: pattern) }) {
            let read = try ActivationPattern.read(from: name)
            #expect(read.provenance == expected.provenance && read.samples == expected.samples && read.scores == expected.scores)
            for score in expected.scores { #expect(read.levels[score]?.mean == expected.levels[score]?.mean) }
            #expect(try PatternFile.readAll(from: name).count == 1)
            for (ending, file) in [("safetensors", whole), ("npz", folder.appending(path: "whole.npz"))] {
              let again = folder.appending(path: "again.\(ending)")
              try read.write(to: again)
              if ending == "npz" { try one.whole.write(to: file) }
              #expect(try Data(contentsOf: again) == Data(contentsOf: file))
            }
            let (some, all) = (try SamplePatterns(at: name), try SamplePatterns(at: whole))
            #expect(
              some.index == all.index && some.contents == all.contents && some.provenance == all.provenance && some.scores == all.scores)
            #expect(try some.mean(.token) == all.mean(.token) && SamplePatterns.isPattern(at: name))
            guard keepsSamples else {
              #expect(throws: PatternError.self) { try some.levels(.token) }
              continue
            }
            let ids = try #require(read.samples?.ids)
            #expect(ids.map { Array($0.utf8) } == one.samples.ids?.map { Array($0.utf8) })
            #expect(try some.losses() == all.losses())
            func bytes(_ patterns: SamplePatterns) throws -> Data {
              try patterns.levels(.token).reduce(into: Data()) { $0 += try $1.mapping.bytes(in: $1.byteRange) }
            }
            #expect(try bytes(some) == bytes(all))
            let (levels, rows) = (try #require(read.levels[.token]?.samples), try #require(expected.levels[.token]?.samples))
            #expect(try (0..<size).map(levels.row) == (0..<size).map(rows.row))
          }
        }
      }
    }
  }

  @Test func missingShardsAreNamed() throws {
    try withTemporaryFolder { folder in
      var generator = Congruence(state: 2)
      let pattern = folder.appending(path: "p.safetensors")
      try Case(9, using: &generator).write([0, 2, 4, 6, 9], to: pattern)
      #expect(message(pattern).isEmpty)
      func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }
      try remove("p.2-of-4.safetensors")
      #expect(message(pattern).contains("p.2-of-4.safetensors is missing; run pattern with shard 2/4, or put it beside"))
      try remove("p.3-of-4.safetensors")
      for name in ["p.safetensors", "p.1-of-4.safetensors", "p.3-of-4.safetensors"] {
        let text = message(folder.appending(path: name))
        #expect(text.contains("p.3-of-4.safetensors are missing; run pattern with shard 2/4 and shard 3/4, or put them"), "\(text)")
      }
      // Of many some are named, and what was never there is told as any file is.
      let many = try #require(PatternShard("7/90"))
      let other = folder.appending(path: "q.safetensors")
      try FileManager.default.copyItem(at: folder.appending(path: "p.1-of-4.safetensors"), to: many.url(of: other))
      #expect(message(other).contains("q.5-of-90.safetensors and 84 more are missing"))
      #expect(message(folder.appending(path: "p.1-of-9.safetensors")).contains("open"))
      #expect(message(folder.appending(path: "none.safetensors")).contains("open"))
      // Files of another kind that are called so are no shards.
      try SafetensorsWriter.write([], metadata: ["format": "pt"], to: folder.appending(path: "model.1-of-2.safetensors"))
      #expect(message(folder.appending(path: "model.safetensors")).contains("open"))
    }
  }

  @Test func shardsThatDoNotBelongTogetherAreRefused() throws {
    try withTemporaryFolder { folder in
      var generator = Congruence(state: 3)
      let pattern = folder.appending(path: "p.safetensors")
      func file(_ name: String) -> URL { folder.appending(path: name) }
      func copy(_ from: String, _ to: String) throws {
        try? FileManager.default.removeItem(at: file(to))
        try FileManager.default.copyItem(at: file(from), to: file(to))
      }
      let one = try Case(9, using: &generator)
      func refused(_ text: String, _ change: () throws -> Void) throws {
        try one.write([0, 3, 6, 9], to: pattern)
        try one.write([0, 4, 6, 9], to: file("cut.safetensors"))
        #expect(message(pattern).isEmpty)
        try change()
        let told = message(pattern)
        #expect(told.contains(text), "\(told)")
      }
      try refused("p.2-of-3.safetensors: it holds the shard 1/3, not 2/3") { try copy("p.1-of-3.safetensors", "p.2-of-3.safetensors") }
      try refused("p.2-of-3.safetensors are of different runs (model: m → n); measure all shards alike") {
        try Case(9, model: "n", using: &generator).write([0, 3, 6, 9], to: file("other.safetensors"))
        try copy("other.2-of-3.safetensors", "p.2-of-3.safetensors")
      }
      try refused("are of different runs (data fingerprint: d → e)") {
        try one.write([0, 3, 6, 9], to: file("other.safetensors")) { $0.identity["data_fingerprint"] = "e" }
        try copy("other.3-of-3.safetensors", "p.3-of-3.safetensors")
      }
      try refused("are of different runs (per_sample: true → false)") {
        try one.write([0, 3, 6, 9], to: file("other.safetensors")) { $0.keepsSamples = false }
        try copy("other.3-of-3.safetensors", "p.3-of-3.safetensors")
      }
      try refused("have other shapes or scores") {
        try one.write([0, 3, 6, 9], to: file("other.safetensors")) { $0.levels[.token] = nil }
        try copy("other.3-of-3.safetensors", "p.3-of-3.safetensors")
      }
      try refused("do not follow each other") { try copy("cut.1-of-3.safetensors", "p.1-of-3.safetensors") }
      try refused("do not begin and end where the data does") {
        try one.write([0, 3, 6, 9], to: pattern) { $0.total += 1 }
      }
      try refused("is none; move it away") { try one.whole.write(to: file("p.3-of-3.safetensors")) }
      try refused("in 2 sets (of 3, of 8); name a file of the set that is meant") {
        try one.write([0, 1, 2, 3, 4, 5, 6, 7, 9], to: pattern)
      }
      // A file that is named settles which set is meant, and so does a whole pattern of the name.
      #expect(try ActivationPattern.read(from: file("p.1-of-3.safetensors")).samples == one.samples)
      #expect(try ActivationPattern.read(from: file("p.8-of-8.safetensors")).samples == one.samples)
      try Case(2, using: &generator).whole.write(to: pattern)
      #expect(try ActivationPattern.read(from: pattern).samples?.loss.count == 2)
      #expect(try ActivationPattern.read(from: file("p.1-of-3.safetensors")).samples?.loss.count == 9)
      try copy("p.1-of-3.safetensors", "alone.safetensors")
      #expect(message(file("alone.safetensors")).contains("it is a shard of a pattern, but not called so"))
      #expect(throws: PatternError.self) { try SamplePatterns(at: file("alone.safetensors")) }
      // A whole pattern that is called as a shard is stays one.
      try one.whole.write(to: file("w.1-of-3.safetensors"))
      #expect(try ActivationPattern.read(from: file("w.1-of-3.safetensors")).samples == one.samples)
    }
  }

  @Test func unsoundShardsAreNamed() throws {
    try withTemporaryFolder { folder in
      var generator = Congruence(state: 4)
      let pattern = folder.appending(path: "p.safetensors")
      let one = try Case(4, using: &generator)
      try one.write([0, 4], to: pattern)
      let url = folder.appending(path: "p.1-of-1.safetensors")
      let whole = try Data(contentsOf: url)
      let sound = try SafetensorsFile(at: url)
      func expectError(_ text: String, _ metadata: [String: String], _ sources: [SafetensorsWriter.Source]? = nil) throws {
        let sources =
          try sources
          ?? sound.tensors.map { entry in
            let bytes = Data(try sound.bytes(of: entry))
            return .init(name: entry.name, elementType: entry.elementType, shape: entry.shape) { try $0.write(bytes) }
          }
        try SafetensorsWriter.write(sources, metadata: sound.metadata.merging(metadata) { $1 }, to: url)
        let told = message(pattern)
        #expect(told.contains(text) && told.contains("p.1-of-1.safetensors"), "\(told)")
      }
      for (key, value) in [
        ("shard.begin", "x"), ("shard.begin", "-1"), ("shard.end", "99999999999999999999"), ("shard.begin", "9"), ("shard.identity", "{"),
      ] {
        try expectError("does not say which samples it holds", [key: value])
      }
      try expectError("do not begin and end", ["shard.begin": "1"])
      try expectError("it has 4 samples where 1 were read", ["shard.end": "1", "shard.total": "1"])
      try expectError("holds the shard 1/2, not 1/1", ["shard": "1/2"])
      try expectError("is \"x\", not a number", ["skipped": "x"])
      let rest: [SafetensorsWriter.Source] = [
        .init(name: "loss", shape: [1], floats: [1]), .init(name: "index", shape: [1], int64s: [0]),
        .init(name: "content", shape: [1], int64s: [0]),
      ]
      func levels(_ name: String, _ shape: [Int], _ values: [Float]) -> SafetensorsWriter.Source {
        .init(name: name, shape: shape, floats: values)
      }
      try expectError("it has no score's levels", [:], rest)
      try expectError("it has no score's levels", [:], rest + [levels("token.samples", [1, 1], [1])])
      try expectError("it has no score's levels", [:], rest + [levels("token.samples", [1, 0, 3], [])])
      try expectError(
        "its levels of token are not F32", [:],
        rest + [levels("magnitude.samples", [1, 1, 1], [1]), levels("token.samples", [1, 1, 2], [1, 2])])
      try expectError("it has no loss for each", [:], rest.dropFirst() + [levels("token.samples", [1, 1, 1], [1])])
      try expectError("has the value nan", [:], rest + [levels("token.samples", [1, 1, 1], [.nan])])
      for count in [0, 3, 9, 60, whole.count / 2, whole.count - 1] {
        try whole.prefix(count).write(to: url)
        #expect(message(url).contains("p.1-of-1.safetensors"), "\(count)")
      }
    }
  }

  /// Without their files of ids, or with those of another, shards have none, as a file of one run.
  @Test func idsThatAreNotAllThereAreNone() throws {
    try withTemporaryFolder { folder in
      var generator = Congruence(state: 6)
      let pattern = folder.appending(path: "p.safetensors")
      let one = try Case(6, using: &generator)
      try one.write([0, 3, 3, 6], to: pattern)
      #expect(try ActivationPattern.read(from: pattern).samples?.ids?.count == 6)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "p.2-of-3.ids.jsonl").path(percentEncoded: false)))
      let ids = folder.appending(path: "p.3-of-3.ids.jsonl")
      try Data("{\"id\":\"x\"}\n".utf8).write(to: ids)
      #expect(try ActivationPattern.read(from: pattern).samples?.ids == nil)
      try FileManager.default.removeItem(at: ids)
      let read = try ActivationPattern.read(from: pattern)
      #expect(read.samples?.ids == nil && read.samples?.contents == one.samples.contents)
    }
  }

  @Test func filesAndFingerprintsAreThoseOfAllShards() throws {
    try withTemporaryFolder { folder in
      var generator = Congruence(state: 7)
      let pattern = folder.appending(path: "p.safetensors")
      try Case(4, using: &generator).write([0, 2, 4], to: pattern)
      let (first, second) = (folder.appending(path: "p.1-of-2.safetensors"), folder.appending(path: "p.2-of-2.safetensors"))
      let names = Set(PatternFile.files(of: first).map(\.lastPathComponent))
      #expect(names == ["p.1-of-2.safetensors", "p.1-of-2.ids.jsonl", "p.2-of-2.safetensors", "p.2-of-2.ids.jsonl"])
      #expect(names.isSubset(of: PatternFile.files(of: pattern).map(\.lastPathComponent)))
      #expect(PatternFile.name(of: second).lastPathComponent == "p.safetensors" && PatternFile.name(of: pattern) == pattern)
      let fingerprint = try PatternFile.fingerprint(of: pattern)
      #expect(try PatternFile.fingerprint(of: second) == fingerprint)
      #expect(try fingerprint == Fingerprint(of: Data(contentsOf: first) + Data(contentsOf: second)).digits)
      #expect(OutputKind.pattern.isOwn(first) && OutputKind.patternShard.isOwn(first))
      let other = folder.appending(path: "q.safetensors")
      try Case(4, using: &generator).write([0, 4], to: other)
      let paths = [first, second, folder.appending(path: "q.1-of-1.safetensors"), first, folder.appending(path: "none.1-of-2.safetensors")]
      #expect(PatternShard.once(paths) { ($0, 0) } == [first, paths[2], paths[4]])
    }
  }
}
