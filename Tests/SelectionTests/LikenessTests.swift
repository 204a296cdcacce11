import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Instructions
import Testing

@testable import Selection

/// The pass over mapped rows: what it computes however rows are cut, and what it refuses.
struct LikenessTests {
  private static func rows(_ count: Int, _ width: Int, offset: Float = 0, seed: UInt64 = 1) -> [[Float]] {
    var generator = SeededGenerator(seed: seed, stream: "rows")
    return (0..<count).map { _ in (0..<width).map { _ in offset + Float(-log(generator.positiveUniform())) } }
  }

  /// Pearson correlation as a plain loop in double precision has it.
  private static func pearson(_ one: [Double], _ other: [Double]) -> Double {
    let n = Double(one.count)
    let (a, b) = (one.reduce(0, +) / n, other.reduce(0, +) / n)
    let (x, y) = (one.map { $0 - a }, other.map { $0 - b })
    let product = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    return product / (x.reduce(0) { $0 + $1 * $1 } * y.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }

  @Test(arguments: [1, 2, 7, 8, 15, 16, 17, 33, 250], [Float(0), 1, 1000])
  func theStreamIsThePlainLoop(width: Int, offset: Float) throws {
    let folder = try SampleFolder()
    let (pool, target) = (Self.rows(70, width, offset: offset), Self.rows(6, width, seed: 2))
    let files = try (
      folder.pattern("t.safetensors", target, layers: 1, heads: width), folder.pattern("p.safetensors", pool, layers: 1, heads: width)
    )
    for standardises in [false, true] {
      var options = RepresentationOptions()
      options.standardises = standardises
      let open = try PatternRepresentation().open(target: files.0, pool: [files.1], options)
      // A single head is constant in every sample.
      guard width > 1 else {
        #expect(throws: SelectionError.self) { try open.likeness(view: .samples) }
        continue
      }
      let found = try all(open.likeness(view: .samples))
      let (means, deviations) = Self.moments(pool)
      func plain(_ row: [Float]) -> [Double] {
        row.indices.map { standardises ? (Double(row[$0]) - means[$0]) / deviations[$0] : Double(row[$0]) }
      }
      for (row, values) in zip(pool, found) {
        for (other, value) in zip(target, values) { #expect(abs(value - Self.pearson(plain(row), plain(other))) < 1e-6) }
      }
      // One target, or several: another loop, the same numbers.
      let one = try all(open.likeness(view: .groups([.init("third", members: [2])])))
      for (row, values) in zip(one, found) { #expect(abs(row[0] - values[2]) < 1e-12) }
    }
  }

  private static func moments(_ rows: [[Float]]) -> (means: [Double], deviations: [Double]) {
    let n = Double(rows.count)
    let means = rows[0].indices.map { column in rows.reduce(0) { $0 + Double($1[column]) } / n }
    let deviations = rows[0].indices.map { column in
      (rows.reduce(0) { $0 + (Double($1[column]) - means[column]) * (Double($1[column]) - means[column]) } / n).squareRoot()
    }
    return (means, deviations)
  }

  /// Levels that differ in the last bit of numbers far from zero still have a direction, and the right one.
  @Test func rowsFarFromZeroKeepTheirDirection() throws {
    let folder = try SampleFolder()
    let base: Float = 4096
    let pool: [[Float]] = [
      [base, base, base, base.nextUp], [base.nextUp, base, base, base], [base, base, base, base],
      [base, base.nextUp, base.nextUp, base.nextUp],
    ]
    let target = try folder.pattern("t.safetensors", [[0, 0, 0, 1]], layers: 2, heads: 2)
    let file = try folder.pattern("p.safetensors", pool, layers: 2, heads: 2)
    let found = try all(PatternRepresentation().open(target: target, pool: [file], .init()).likeness(view: .mean)).map { $0[0] }
    #expect(abs(found[0] - 1) < 1e-9 && abs(found[1] + 1.0 / 3) < 1e-9 && found[2].isNaN && abs(found[3] - 1.0 / 3) < 1e-9)
  }

  /// A pool is the same in one file or in many, to the last bit, standardised too; also where blocks end inside a file.
  @Test func filesMakeNoDifference() throws {
    let folder = try SampleFolder()
    let pool = Self.rows(2500, 12)
    let target = try folder.pattern("t.safetensors", Self.rows(3, 12, seed: 9), layers: 3, heads: 4)
    let whole = [try folder.pattern("whole.safetensors", pool, layers: 3, heads: 4)]
    let cuts = [0, 1, 700, 700, 1024, 2499, 2500]
    let parts = try zip(cuts, cuts.dropFirst()).enumerated().map { number, cut in
      try folder.pattern("part\(number).safetensors", Array(pool[cut.0..<cut.1]), layers: 3, heads: 4)
    }
    for standardises in [false, true] {
      var options = RepresentationOptions()
      options.standardises = standardises
      for view in [TargetView.mean, .samples] {
        let one = try PatternRepresentation().open(target: target, pool: whole, options).likeness(view: view)
        let many = try PatternRepresentation().open(target: target, pool: parts, options).likeness(view: view)
        #expect(try all(one) == all(many))
        for algorithm in SelectionAlgorithms.all where algorithm.looksAtEach == (view != .mean) {
          #expect(try algorithm.choose(300, by: one) { $0 % 3 != 0 } == algorithm.choose(300, by: many) { $0 % 3 != 0 })
        }
      }
    }
  }

  @Test func aHeadThatIsTheSameForAllDoesNotCount() throws {
    let folder = try SampleFolder()
    var pool = Self.rows(40, 6)
    for row in pool.indices { pool[row][4] = 3 }
    let target = Self.rows(1, 6, seed: 4)
    let files = try (
      folder.pattern("t.safetensors", target, layers: 2, heads: 3), folder.pattern("p.safetensors", pool, layers: 2, heads: 3)
    )
    var options = RepresentationOptions()
    options.standardises = true
    let likeness = try PatternRepresentation().open(target: files.0, pool: [files.1], options).likeness(view: .mean)
    let (means, deviations) = Self.moments(pool)
    let kept = [0, 1, 2, 3, 5]
    func plain(_ row: [Float]) -> [Double] { kept.map { (Double(row[$0]) - means[$0]) / deviations[$0] } }
    for (row, found) in zip(pool, try all(likeness)) { #expect(abs(found[0] - Self.pearson(plain(row), plain(target[0]))) < 1e-12) }
    #expect(try likeness.strongestParts(6, sample: 0, target: 0).first { $0.layer == 1 && $0.head == 1 }?.part == 0)
  }

  // MARK: Refusals

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  @Test func numbersThatAreNotFiniteAreRefused() throws {
    let folder = try SampleFolder()
    let target = try folder.pattern("t.safetensors", Self.rows(2, 6), layers: 2, heads: 3)
    for (value, name) in [(Float.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")] {
      let file = folder.url.appending(path: "bad.safetensors")
      var rows = Self.rows(9, 6)
      rows[5][4] = value
      try SafetensorsWriter.write(
        [
          .init(name: "magnitude.mean", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6]),
          .init(name: "magnitude.samples", shape: [9, 2, 3], floats: rows.flatMap(\.self)),
          .init(name: "index", shape: [9], int64s: Array(0..<9)),
        ], metadata: ["headway.kind": "pattern"], to: file)
      for standardises in [false, true] {
        var options = RepresentationOptions()
        options.standardises = standardises
        let found = message { _ = try all(PatternRepresentation().open(target: target, pool: [file], options).likeness(view: .mean)) }
        #expect(found.contains("bad.safetensors: its row 5 has the value \(name) at entry 4"), "\(found)")
      }
      #expect(
        message { _ = try PatternRepresentation().open(target: file, pool: [target], .init()).likeness(view: .samples) }
          .contains("its row 5 has the value \(name)"))
    }
  }

  /// Rows are looked at four at a time, with numbers left over at the end of a row and rows at the end of a file: none escapes.
  @Test(arguments: [5, 8, 21, 40])
  func noPlaceHidesANumberThatIsNotFinite(width: Int) throws {
    let folder = try SampleFolder()
    let target = try folder.pattern("t.safetensors", Self.rows(1, width), layers: 1, heads: width)
    let good = Self.rows(7, width)
    for row in 0..<7 {
      for column in Set([0, width / 2, width - 1]) {
        var rows = good
        rows[row][column] = .nan
        let file = folder.url.appending(path: "bad.safetensors")
        try SafetensorsWriter.write(
          [
            .init(name: "magnitude.mean", shape: [1, width], floats: good[0]),
            .init(name: "magnitude.samples", shape: [7, 1, width], floats: rows.flatMap(\.self)),
            .init(name: "index", shape: [7], int64s: Array(0..<7)),
          ], metadata: ["headway.kind": "pattern"], to: file)
        for standardises in [false, true] {
          var options = RepresentationOptions()
          options.standardises = standardises
          let found = message { _ = try all(PatternRepresentation().open(target: target, pool: [file], options).likeness(view: .mean)) }
          #expect(found.contains("its row \(row) has the value nan at entry \(column)"), "\(found)")
        }
      }
    }
  }

  @Test func whatWasMeasuredUnlikeIsRefusedByItsName() throws {
    let folder = try SampleFolder()
    let rows = Self.rows(4, 6)
    let target = try folder.pattern("t.safetensors", rows, layers: 2, heads: 3)
    func refusal(_ change: @escaping (inout Provenance) -> Void) throws -> String {
      let pool = try folder.pattern("p.safetensors", rows, layers: 2, heads: 3, change: change)
      return message { _ = try PatternRepresentation().open(target: target, pool: [target, pool], .init()) }
    }
    #expect(
      try refusal { $0.modelFingerprint = "g" }.contains(
        "t.safetensors and \(folder.url.appending(path: "p.safetensors").path(percentEncoded: false)) differ in model (m, whose weights have changed)"
      ))
    #expect(try refusal { ($0.modelFingerprint, $0.model) = ("g", "n") }.contains("differ in model (m; n)"))
    #expect(try refusal { $0.dtype = "bfloat16" }.contains("differ in dtype (float32; bfloat16)"))
    #expect(
      try refusal { ($0.loss, $0.maxLength) = ("batch:4", 1024) }.contains(
        "differ in maximum length (512; 1024) and in loss (sample; batch:4)"))
    // Another format is no difference, and neither is what is not known.
    #expect(try refusal { ($0.template, $0.format) = ("gsm8k", "gsm8k") } == "no error")
    #expect(try refusal { $0 = Provenance() } == "no error")
    let other = try folder.pattern("s.safetensors", rows, layers: 2, heads: 3, score: .signed)
    #expect(
      message { _ = try PatternRepresentation().open(target: target, pool: [other], .init()) }.contains(
        "it has no score magnitude but signed"))
    let shape = try folder.pattern("x.safetensors", rows, layers: 3, heads: 2)
    #expect(message { _ = try PatternRepresentation().open(target: target, pool: [shape], .init()) }.contains("2 layers × 3 heads; 3 × 2"))
    let embedding = try folder.representation(.embedding, "e.safetensors", [rows])
    #expect(
      message { _ = try PatternRepresentation().open(target: target, pool: [embedding], .init()) }.contains(
        "it holds a representation, not a pattern"))
    #expect(
      message { _ = try EmbeddingRepresentation().open(target: target, pool: [embedding], .init()) }.contains(
        "it holds a pattern, not a representation"))
    #expect(
      message { _ = try GradientRepresentation().open(target: embedding, pool: [embedding], .init()) }.contains(
        "holds embeddings, not gradients"))
    #expect(
      message { _ = try EmbeddingRepresentation().open(target: nil, pool: [embedding], .init()) }.contains("compared with a target's"))
    let narrow = try folder.representation(.embedding, "n.safetensors", [rows.map { Array($0.prefix(3)) }])
    #expect(
      message { _ = try EmbeddingRepresentation().open(target: embedding, pool: [narrow], .init()) }.contains("differ in dimensions (6; 3)")
    )
  }

  @Test func targetsWithoutADirectionAndEmptyPoolsAreRefused() throws {
    let folder = try SampleFolder()
    let rows = Self.rows(4, 6)
    let pool = try folder.pattern("p.safetensors", rows, layers: 2, heads: 3)
    let flat = try folder.pattern("flat.safetensors", [rows[0], [1, 1, 1, 1, 1, 1]], layers: 2, heads: 3, index: [4, 9])
    let open = try PatternRepresentation().open(target: flat, pool: [pool], .init())
    #expect(message { _ = try open.likeness(view: .samples) }.contains("the numbers of sample 9 are all the same"))
    #expect(try all(open.likeness(view: .mean)).count == 4)
    let empty = try folder.pattern("empty.safetensors", [], layers: 2, heads: 3, mean: [1, 2, 3, 4, 5, 6])
    #expect(
      message { _ = try PatternRepresentation().open(target: pool, pool: [empty], .init()).likeness(view: .mean) }.contains(
        "holds no sample"))
    #expect(
      message { _ = try PatternRepresentation().open(target: empty, pool: [pool], .init()).likeness(view: .samples) }.contains(
        "holds no sample"))
    // An empty file beside others has nothing to say.
    #expect(try all(PatternRepresentation().open(target: pool, pool: [empty, pool, empty], .init()).likeness(view: .mean)).count == 4)
    // A pattern without samples can be a target by its mean, and no pool.
    let mean = folder.url.appending(path: "mean.safetensors")
    try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: HeadMatrix(layers: 2, heads: 3, values: rows[1]))])
      .write(to: mean)
    #expect(abs(try all(PatternRepresentation().open(target: mean, pool: [pool], .init()).likeness(view: .mean))[1][0] - 1) < 1e-12)
    #expect(message { _ = try PatternRepresentation().open(target: pool, pool: [mean], .init()) }.contains("it keeps no samples"))
    let unsorted = folder.url.appending(path: "u.safetensors")
    try SafetensorsWriter.write(
      [.init(name: "magnitude.mean", shape: [1, 1], floats: [1]), .init(name: "index", shape: [2], int64s: [3, 3])],
      metadata: ["headway.kind": "pattern"], to: unsorted)
    #expect(message { _ = try PatternRepresentation().open(target: unsorted, pool: [pool], .init()) }.contains("do not rise"))
  }

  // MARK: Representations without a target

  @Test func lossesComeFromPatternsToo() throws {
    let folder = try SampleFolder()
    let losses = try folder.representation(.loss, "l.safetensors", [[[0.5], [2], [1.25]]])
    let pattern = try folder.pattern("p.safetensors", Self.rows(2, 6), layers: 2, heads: 3)
    let open = try LossRepresentation().open(target: nil, pool: [losses, pattern], .init())
    #expect(try all(open.likeness(view: .mean)) == [[0.5], [2], [1.25], [1], [1]])
    #expect(try MeanSelection().choose(4, by: open.likeness(view: .mean)) { _ in true }.map(\.sample) == [1, 2, 3, 4])
    let bad = try folder.representation(.loss, "b.safetensors", [[[0.5], [.nan]]])
    #expect(message { _ = try LossRepresentation().open(target: nil, pool: [bad], .init()) }.contains("nan"))
  }

  @Test func lengthsAndLots() throws {
    var long = Instruction(prompt: "a long prompt does not count", response: "e\u{301}ñ")
    long.turns = [.init("nor this", carriesLoss: false), .init("四五", carriesLoss: true)]
    let pool = [Instruction(prompt: "", response: "abc"), long, Instruction(prompt: "", response: "x")]
    func give(_ body: (Instruction) throws -> Void) throws { for sample in pool { try body(sample) } }
    #expect(try all(LengthRepresentation().likeness(target: [], pool: give, view: .mean, .init())) == [[3], [5], [1]])
    var options = RepresentationOptions()
    let lots = try all(RandomRepresentation().likeness(target: [], pool: give, view: .mean, options))
    #expect(try all(RandomRepresentation().likeness(target: [], pool: give, view: .mean, options)) == lots)
    options.seed = 1
    #expect(try all(RandomRepresentation().likeness(target: [], pool: give, view: .mean, options)) != lots)
  }
}

/// What is picked, of likenesses given as numbers.
struct SelectionAlgorithmTests {
  private struct Table: Likeness {
    let rows: [[Double]]
    var block = 3
    var sampleCount: Int { rows.count }
    var targetNames: [String] { (rows.first ?? [0]).indices.map(String.init) }
    func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
      for first in stride(from: 0, to: rows.count, by: block) {
        try rows[first..<min(rows.count, first + block)].flatMap(\.self).withUnsafeBufferPointer { try body(first, $0) }
      }
    }
  }

  @Test func tiesGoToTheFirst() throws {
    let table = Table(rows: [0.5, 0.75, 0.5, 0.75, .nan, 0.5, 0.25].map { [$0] })
    for count in 1...8 {
      let found = try MeanSelection().choose(count, by: table) { _ in true }
      #expect(found.map(\.sample) == Array([1, 3, 0, 2, 5, 6].prefix(count)))
    }
    #expect(try MeanSelection().choose(3, by: table) { $0 != 1 }.map(\.sample) == [3, 0, 2])
  }

  /// The same samples as sorting everything, whatever the heap went through.
  @Test func theGreatestAreThoseOfASort() throws {
    var generator = SeededGenerator(seed: 3, stream: "table")
    for count in [1, 2, 10, 99, 100, 400] {
      let rows = (0..<400).map { _ in [Double(generator.integer(below: 60))] }
      let sorted = rows.indices.sorted { (rows[$1][0], $0) < (rows[$0][0], $1) }
      #expect(try MeanSelection().choose(count, by: Table(rows: rows, block: 7)) { _ in true }.map(\.sample) == Array(sorted.prefix(count)))
    }
  }

  @Test func turnsGoOnWhereATargetHasNothingLeft() throws {
    // The second target likes one sample only, and the first takes it.
    let table = Table(rows: [[0.9, 0.8], [0.5, .nan], [0.1, .nan], [.nan, .nan]])
    for kept in [1, 2, 100] {
      let found = try RoundRobinSelection(mostKept: kept).choose(9, by: table) { _ in true }
      #expect(found.map(\.sample) == [0, 1, 2] && found.map(\.target) == [0, 0, 0])
    }
    #expect(try RoundRobinSelection().choose(2, by: Table(rows: [])) { _ in true }.isEmpty)
  }

  @Test func theBestTargetIsTold() throws {
    let found = try BestSelection().choose(3, by: Table(rows: [[0.1, 0.7], [0.9, 0.9], [.nan, 0.2], [.nan, .nan]])) { _ in true }
    #expect(
      found == [
        Choice(sample: 1, score: 0.9, target: 0), Choice(sample: 0, score: 0.7, target: 1), Choice(sample: 2, score: 0.2, target: 1),
      ])
  }

  @Test func everyNameLeadsToItsOwn() {
    #expect(SelectionAlgorithms.names == ["mean", "round-robin", "best"])
    #expect(Representations.names == ["pattern", "gradient", "embedding", "loss", "bm25", "length", "random"])
    for name in SelectionAlgorithms.names { #expect(SelectionAlgorithms.named(name)?.name == name) }
    for name in Representations.names { #expect(Representations.named(name)?.name == name) }
    #expect(SelectionAlgorithms.named("worst") == nil && Representations.named("Pattern") == nil)
  }
}
