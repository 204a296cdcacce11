import CheckpointFiles
import Testing
import Torch

/// The packed attention kernel against tiles of query rows in float64, which are composed of libtorch's operations.
@Suite struct AttentionKernelTests {
  /// Queries `[T, H, D]`, keys and values `[S, K, D]` of samples that lie end to end.
  struct Shape: Sendable, CustomTestStringConvertible {
    var lengths: [Int]
    var groups: Int
    var keyHeads: Int
    var width: Int
    var window: Int?
    var softcap: Double?
    var testDescription: String {
      "\(lengths), \(groups) × \(keyHeads) heads of \(width), window \(window ?? 0), cap \(softcap ?? 0)"
    }

    var bounds: PackedBounds { PackedBounds(queries: lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }) }
    var tokens: Int { lengths.reduce(0, +) }
  }

  private struct Outcome: Equatable {
    var output: [Double]
    /// By queries, keys, values and gates, and the saliency.
    var gradients: [[Double]]
  }

  /// Attention and its gradients of numbers that are made in float32, rounded to `rounded` and computed in `type`.
  private func attend(_ shape: Shape, _ type: ElementType, rounded: ElementType, gate: Float? = nil) throws -> Outcome {
    let random = try RandomTensors(seed: 5)
    func leaf(_ shape: [Int]) throws -> Tensor { try random.normal(shape).converted(to: rounded).converted(to: type).requiringGradient() }
    let heads = shape.groups * shape.keyHeads
    let leaves = [
      try leaf([shape.tokens, heads, shape.width]), try leaf([shape.tokens, shape.keyHeads, shape.width]),
      try leaf([shape.tokens, shape.keyHeads, shape.width]),
    ]
    let wide: ElementType = type == .float64 ? .float64 : .float32
    let gates = try (Tensor.ones([shape.tokens, heads]).converted(to: wide) * Double(gate ?? 1)).requiringGradient()
    let saliency = try Tensor.zeros([shape.tokens, heads])
    // Wide heads as models have them. Where a processor multiplies bfloat16 short samples' logits are rounded to it, which alone changes weights by 6% where
    // logits reach 20.
    let scale = min(0.3, 2.4 / Double(shape.width).squareRoot())
    let output = try leaves[0].packedAttention(
      keys: leaves[1], values: leaves[2], gates: gates, bounds: shape.bounds, scale: scale, window: shape.window, softcap: shape.softcap,
      saliency: saliency)
    let seed = try random.normal(output.shape).converted(to: rounded).converted(to: type)
    let found = try gradients(of: [output], seeds: [seed], by: leaves + [gates])
    return Outcome(output: try output.doubles(), gradients: try found.map { try $0?.doubles() ?? [] } + [try saliency.doubles()])
  }

  private func expectNear(_ a: Outcome, _ e: Outcome, _ tolerance: Double) {
    for (a, e) in zip([a.output] + a.gradients, [e.output] + e.gradients) {
      #expect(a.count == e.count)
      let scale = e.map(abs).max() ?? 0
      let distance = zip(a, e).map { abs($0 - $1) }.max() ?? 0
      #expect(distance <= tolerance * max(scale, 1), "\(distance) of \(scale)")
    }
  }

  static let shapes =
    [1, 8, 20, 33, 64, 80, 256].map { Shape(lengths: [1, 0, 17, 50, 3], groups: 2, keyHeads: 2, width: $0) }
    + [1, 3, 8].map { Shape(lengths: [5, 49, 1], groups: $0, keyHeads: 1, width: 12) }
    + [1, 2, 16, 48, 60, 4_294_967_296].map { Shape(lengths: [60, 7], groups: 3, keyHeads: 2, width: 16, window: $0) }
    // From where the hyperbolic tangent is flat to where it is straight.
    + [0.01, 0.4, 3, 50].map { Shape(lengths: [60, 1, 7], groups: 2, keyHeads: 2, width: 20, window: 30, softcap: $0) }

  @Test(arguments: shapes, [FusedKernelTests.cases[0], FusedKernelTests.cases[1]])
  func equalsTilesInFloat64(shape: Shape, testCase: FusedKernelTests.Case) throws {
    let expected = try attend(shape, .float64, rounded: testCase.type, gate: 0.7)
    expectNear(try attend(shape, testCase.type, rounded: testCase.type, gate: 0.7), expected, testCase.tolerance)
  }

  /// Samples that the way back cuts into several chunks of queries and of keys.
  @Test(arguments: [nil, 100, 700] as [Int?], [FusedKernelTests.cases[0], FusedKernelTests.cases[1]])
  func longSamples(window: Int?, testCase: FusedKernelTests.Case) throws {
    let shape = Shape(lengths: [1301, 600], groups: 2, keyHeads: 1, width: 8, window: window)
    expectNear(
      try attend(shape, testCase.type, rounded: testCase.type), try attend(shape, .float64, rounded: testCase.type), testCase.tolerance)
  }

  @Test(arguments: [ElementType.float32, .bfloat16]) func threadsDoNotChangeTheResult(type: ElementType) throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    for shape in [
      Shape(lengths: [70, 1, 20], groups: 2, keyHeads: 2, width: 24), Shape(lengths: [1200], groups: 1, keyHeads: 2, width: 8, window: 640),
    ] {
      try Engine.setThreads(1)
      let one = try attend(shape, type, rounded: type, gate: 0.5)
      try Engine.setThreads(2)
      #expect(try attend(shape, type, rounded: type, gate: 0.5) == one)
    }
  }

  /// The way of text that is being written, one query after many keys, gives what the whole text gives.
  @Test(arguments: [ElementType.float32, .bfloat16]) func cappedLogitsOneQueryAtATime(type: ElementType) throws {
    let random = try RandomTensors(seed: 7)
    func made(_ heads: Int) throws -> Tensor { try random.normal([45, heads, 20]).converted(to: type) }
    let (q, k, v) = (try made(4), try made(2), try made(2))
    try withoutGradients {
      let whole = try q.packedAttention(
        keys: k, values: v, gates: nil, bounds: PackedBounds(queries: [0, 45]), scale: 0.3, window: 40, softcap: 0.5
      ).floats()
      let last = try q.narrowed(0, from: 44, length: 1).packedAttention(
        keys: k, values: v, gates: nil, bounds: PackedBounds(queries: [0, 1], keys: [0, 45]), scale: 0.3, window: 40, softcap: 0.5
      ).floats()
      let tolerance: Float = type == .float32 ? 1e-6 : 1e-2
      #expect(zip(last, whole.suffix(80)).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) })
    }
  }

  /// Types whose attention goes by the kernel alone: elsewhere short samples in bfloat16 may go by libtorch's products, which promise no bits.
  static let typesOfTheKernel = [ElementType.float32] + ((try? Engine.laysOut(.bfloat16)) == true ? [.bfloat16] : [])

  /// What a sample gets depends neither on its neighbours nor on how its tokens are spread over passes, to the last bit.
  @Test(arguments: [nil, 30] as [Int?], typesOfTheKernel) func neighboursAndPassesDoNotChangeTheResult(window: Int?, type: ElementType)
    throws
  {
    let random = try RandomTensors(seed: 6)
    func made(_ heads: Int) throws -> Tensor { try random.normal([140, heads, 20]).converted(to: type) }
    let (q, k, v) = (try made(4), try made(2), try made(2))
    func attend(_ rows: Range<Int>, keys: Range<Int>, _ bounds: PackedBounds) throws -> [Float] {
      try withoutGradients {
        try q.narrowed(0, from: rows.lowerBound, length: rows.count).packedAttention(
          keys: k.narrowed(0, from: keys.lowerBound, length: keys.count), values: v.narrowed(0, from: keys.lowerBound, length: keys.count),
          gates: nil, bounds: bounds, scale: 0.3, window: window
        ).floats()
      }
    }
    let width = 4 * 20
    let whole = try attend(10..<110, keys: 10..<110, PackedBounds(queries: [0, 100]))
    let packed = try attend(0..<140, keys: 0..<140, PackedBounds(queries: [0, 10, 110, 140]))
    #expect(Array(packed[(10 * width)..<(110 * width)]) == whole)
    // The last 40 tokens behind the keys of those before.
    let behind = try attend(70..<110, keys: 10..<110, PackedBounds(queries: [0, 40], keys: [0, 100]))
    #expect(behind == Array(whole[(60 * width)...]))
    // As a sample that continues another one, which continues a third.
    let tree = try attend(10..<110, keys: 10..<110, PackedBounds(queries: [0, 7, 60, 100], parents: [nil, 0, 1]))
    #expect(tree == whole)
  }
}
