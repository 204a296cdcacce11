import CheckpointFiles
import Foundation
import Testing
import Torch

/// Each fused kernel against the slow, obvious composition: in float64, where libtorch's own operations are composed.
///
/// float32 may differ by 1e-5 of the greatest value (a few hundred roundings of 6e-8), bfloat16 by 2e-2 (8 bits, summed over a row). The numbers
/// that go in are of order 1, so where sums cancel the difference counts against 1.
@Suite struct FusedKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var type: ElementType
    var tolerance: Double
    var testDescription: String { "\(type)" }
  }
  static let cases = [Case(type: .float32, tolerance: 1e-5), Case(type: .bfloat16, tolerance: 2e-2)]

  /// Results and gradients of an operation on the same numbers, in the type under test and in float64.
  private func compare(
    _ inputs: [Tensor], _ testCase: Case, leaving kept: Set<Int> = [], _ operation: ([Tensor]) throws -> Tensor
  ) throws {
    func run(_ type: ElementType) throws -> [[Double]] {
      let leaves = try inputs.enumerated().map { index, tensor in
        kept.contains(index) ? tensor : try tensor.converted(to: testCase.type).converted(to: type).requiringGradient()
      }
      let result = try operation(leaves)
      // Every element gets a weight of its own, so that a gradient in the wrong place shows.
      let seed = try RandomTensors(seed: 99).normal(result.shape).converted(to: testCase.type).converted(to: result.elementType)
      let wanted = leaves.indices.filter { !kept.contains($0) }
      let found = try gradients(of: [result], seeds: [seed], by: wanted.map { leaves[$0] })
      return [try result.doubles()] + (try found.map { try $0?.doubles() ?? [] })
    }
    let actual = try run(testCase.type)
    let expected = try run(.float64)
    for (a, e) in zip(actual, expected) {
      #expect(a.count == e.count)
      let scale = e.map(abs).max() ?? 0
      let distance = zip(a, e).map { abs($0 - $1) }.max() ?? 0
      #expect(distance <= testCase.tolerance * max(scale, 1), "\(testCase.type): \(distance) of \(scale)")
    }
  }

  private func normal(_ shape: [Int], seed: UInt64) throws -> Tensor { try RandomTensors(seed: seed).normal(shape) }

  @Test(arguments: cases, [1, 7, 31, 32, 64, 577]) func rmsNorm(testCase: Case, width: Int) throws {
    let inputs = [try normal([5, width], seed: 1), try normal([width], seed: 2)]
    try compare(inputs, testCase) { try $0[0].rmsNorm($0[1], epsilon: 1e-6) }
    try compare(inputs, testCase) { try $0[0].rmsNorm($0[1], epsilon: 1e-6, offset: 1) }
  }

  @Test(arguments: cases, [3, 64, 577]) func addingRMSNorm(testCase: Case, width: Int) throws {
    let inputs = [try normal([6, width], seed: 1), try normal([6, width], seed: 2), try normal([width], seed: 3)]
    try compare(inputs, testCase) { leaves in
      let (sum, normed) = try leaves[0].addingRMSNorm(leaves[1], leaves[2], epsilon: 1e-6)
      return try Tensor.concatenated([sum, normed])
    }
    // Only one of the two results takes part in the loss.
    try compare(inputs, testCase) { try $0[0].addingRMSNorm($0[1], $0[2], epsilon: 1e-6).normed }
  }

  @Test(arguments: cases, [1, 7, 31, 64, 577]) func layerNorm(testCase: Case, width: Int) throws {
    let inputs = [try normal([5, width], seed: 1), try normal([width], seed: 2), try normal([width], seed: 3)]
    try compare(inputs, testCase) { try $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-5) }
    try compare([inputs[0]], testCase) { try $0[0].layerNorm(weight: nil, bias: nil, epsilon: 1e-5) }
    // A mean far from zero, where sums of squares would cancel.
    let far = try normal([5, width], seed: 1).converted(to: testCase.type) + 30
    try compare([far] + inputs.dropFirst(), testCase) { try $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-5) }
  }

  @Test(arguments: cases, [3, 64, 577]) func addingLayerNorm(testCase: Case, width: Int) throws {
    let inputs = [
      try normal([6, width], seed: 1), try normal([6, width], seed: 2), try normal([width], seed: 3), try normal([width], seed: 4),
    ]
    try compare(inputs, testCase) { leaves in
      let (sum, normed) = try leaves[0].addingLayerNorm(leaves[1], weight: leaves[2], bias: leaves[3], epsilon: 1e-5)
      return try Tensor.concatenated([sum, normed])
    }
    // Only one of the two results takes part in the loss, or none has parameters.
    try compare(inputs, testCase) { try $0[0].addingLayerNorm($0[1], weight: $0[2], bias: $0[3], epsilon: 1e-5).normed }
    try compare(Array(inputs.prefix(2)), testCase) { try $0[0].addingLayerNorm($0[1], weight: nil, bias: nil, epsilon: 1e-5).normed }
  }

  @Test(arguments: cases, [Activation.silu, .gelu, .geluTanh, .relu]) func gatedActivation(testCase: Case, activation: Activation) throws {
    let inputs = [try normal([7, 45], seed: 4), try normal([7, 45], seed: 5)]
    try compare(inputs, testCase) { try $0[0].gatedActivation(activation, up: $0[1]) }
  }

  @Test func gatedActivationOfExtremes() throws {
    let gate = try Tensor([-1e4, -100, -20, 0, 20, 100, 1e4] as [Float], shape: [7])
    let result = try gate.gatedActivation(.silu, up: Tensor.ones([7])).floats()
    let expected: [Float] = [0, 0, -20 / (1 + exp(20)), 0, 20 / (1 + exp(-20)), 100, 1e4]
    #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-6 * abs($1) + 1e-30 })
    let notANumber = try Tensor([.nan] as [Float], shape: [1]).gatedActivation(.silu, up: Tensor.ones([1]))
    #expect(try !notANumber.isFinite())
  }

  @Test(arguments: cases) func rotary(testCase: Case) throws {
    let cosine = try normal([5, 3], seed: 6)
    let sine = try normal([5, 3], seed: 7)
    try compare([try normal([5, 4, 6], seed: 8), cosine, sine], testCase, leaving: [1, 2]) { try $0[0].rotated(cosine: $0[1], sine: $0[2]) }
  }

  @Test(arguments: cases, [nil, 3] as [Int?]) func packedAttention(testCase: Case, window: Int?) throws {
    // Samples of one token, of several, and an empty one; two query heads a key/value head.
    let bounds = PackedBounds(queries: [0, 1, 6, 6, 19])
    let gates = try normal([19, 4], seed: 12)
    let inputs = [try normal([19, 4, 8], seed: 9), try normal([19, 2, 8], seed: 10), try normal([19, 2, 8], seed: 11)]
    try compare(inputs, testCase) {
      try $0[0].packedAttention(keys: $0[1], values: $0[2], gates: nil, bounds: bounds, scale: 0.35, window: window)
    }
    try compare(inputs, testCase) {
      try $0[0].packedAttention(keys: $0[1], values: $0[2], gates: gates, bounds: bounds, scale: 0.35, window: window)
    }
    try compare(inputs + [gates], testCase) {
      let gate = $0[3].elementType == .bfloat16 ? try $0[3].converted(to: .float32) : $0[3]
      return try $0[0].packedAttention(keys: $0[1], values: $0[2], gates: gate, bounds: bounds, scale: 0.35, window: window)
    }
  }

  /// One sample beyond the length up to which attention is computed by whole matrix products, beside short ones.
  @Test(arguments: cases) func longSamplesBesideShortOnes(testCase: Case) throws {
    let inputs = [try normal([560, 4, 8], seed: 21), try normal([560, 2, 8], seed: 22), try normal([560, 2, 8], seed: 23)]
    try compare(inputs, testCase) {
      try $0[0].packedAttention(
        keys: $0[1], values: $0[2], gates: nil, bounds: PackedBounds(queries: [0, 1, 520, 520, 560]), scale: 0.35, window: nil)
    }
  }

  /// With cached keys a sample's queries are its last ones: the same numbers as computing everything at once.
  @Test(arguments: cases) func cachedKeys(testCase: Case) throws {
    let q = try normal([9, 2, 8], seed: 13).converted(to: testCase.type)
    let k = try normal([9, 2, 8], seed: 14).converted(to: testCase.type)
    let v = try normal([9, 2, 8], seed: 15).converted(to: testCase.type)
    let whole = try q.packedAttention(keys: k, values: v, gates: nil, bounds: PackedBounds(queries: [0, 4, 9]), scale: 0.3).floats()
    let tail = try Tensor.concatenated([q.narrowed(0, from: 2, length: 2), q.narrowed(0, from: 8, length: 1)])
    let part = try tail.packedAttention(
      keys: k, values: v, gates: nil, bounds: PackedBounds(queries: [0, 2, 3], keys: [0, 4, 9]), scale: 0.3
    ).floats()
    let expected = Array(whole[2 * 16..<4 * 16] + whole[8 * 16..<9 * 16])
    #expect(zip(part, expected).allSatisfy { abs($0 - $1) <= Float(testCase.tolerance) })
  }

  /// A token behind cached keys, which takes a kernel of its own: the numbers of float64, and the same bits whatever is computed beside it.
  @Test(arguments: cases, [(1, 8), (3, 20), (2, 40), (5, 64), (4, 7)])
  func writtenTokens(testCase: Case, shape: (groups: Int, width: Int)) throws {
    let (heads, counts) = (3, [1, 2, 63, 64, 65, 130, 31])
    let bounds = PackedBounds(queries: Array(0...counts.count), keys: counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) })
    let total = counts.reduce(0, +)
    let q = try normal([counts.count, heads * shape.groups, shape.width], seed: 51).converted(to: testCase.type)
    let k = try normal([total, heads, shape.width], seed: 52).converted(to: testCase.type)
    let v = try normal([total, heads, shape.width], seed: 53).converted(to: testCase.type)
    for window in [nil, 50] as [Int?] {
      func attend(_ type: ElementType, _ bounds: PackedBounds, _ rows: Range<Int>, _ keys: Range<Int>) throws -> [Float] {
        try withoutGradients {
          try q.narrowed(0, from: rows.lowerBound, length: rows.count).converted(to: type).packedAttention(
            keys: k.narrowed(0, from: keys.lowerBound, length: keys.count).converted(to: type),
            values: v.narrowed(0, from: keys.lowerBound, length: keys.count).converted(to: type), gates: nil, bounds: bounds, scale: 0.3,
            window: window
          ).floats()
        }
      }
      let written = try attend(testCase.type, bounds, 0..<counts.count, 0..<total)
      let expected = try attend(.float64, bounds, 0..<counts.count, 0..<total)
      #expect(zip(written, expected).allSatisfy { abs($0 - $1) <= Float(testCase.tolerance) })
      var first = 0
      for (number, count) in counts.enumerated() {
        let alone = try attend(testCase.type, PackedBounds(queries: [0, 1], keys: [0, count]), number..<number + 1, first..<first + count)
        #expect(alone == Array(written[number * alone.count..<(number + 1) * alone.count]))
        first += count
      }
    }
  }

  /// A sample that continues others sees their keys in front of its own: the same numbers as the samples written out.
  @Test(arguments: cases, [nil, 3] as [Int?]) func continuedSamples(testCase: Case, window: Int?) throws {
    // Samples of 4, 3, 2, 0 and 3 tokens; the second continues the first, the third the second, the fourth the first, the last nobody.
    let bounds = PackedBounds(queries: [0, 4, 7, 9, 9, 12], parents: [nil, 0, 1, 0, nil])
    let (q, k, v) = (try normal([12, 4, 8], seed: 31), try normal([12, 2, 8], seed: 32), try normal([12, 2, 8], seed: 33))
    func attend(_ rows: [Int], _ bounds: PackedBounds) throws -> [Float] {
      let rows = try Tensor(rows)
      let parts = try [q, k, v].map { try $0.converted(to: testCase.type).selecting(rows) }
      return try withoutGradients {
        try parts[0].packedAttention(keys: parts[1], values: parts[2], gates: nil, bounds: bounds, scale: 0.3, window: window).floats()
      }
    }
    let shared = try attend(Array(0..<12), bounds)
    let written = try attend(Array(0..<9), PackedBounds(queries: [0, 9])) + attend([9, 10, 11], PackedBounds(queries: [0, 3]))
    #expect(shared.count == written.count && zip(shared, written).allSatisfy { abs($0 - $1) <= Float(testCase.tolerance) })
  }

  @Test func continuedSamplesComeAfterTheirParentsAndHaveNoWayBack() throws {
    let q = try normal([4, 2, 8], seed: 1)
    for parents in [[nil, 1], [1, nil], [nil], [nil, 7]] as [[Int?]] {
      #expect(throws: TorchError.self) {
        try q.packedAttention(keys: q, values: q, gates: nil, bounds: PackedBounds(queries: [0, 2, 4], parents: parents), scale: 1)
      }
    }
    let asked = try q.detached().requiringGradient()
    #expect(throws: TorchError.self) {
      try asked.packedAttention(keys: q, values: q, gates: nil, bounds: PackedBounds(queries: [0, 2, 4], parents: [nil, 0]), scale: 1)
    }
  }

  @Test func attentionRefusesBoundsThatDoNotFit() throws {
    let q = try normal([4, 2, 8], seed: 1)
    func attend(_ bounds: PackedBounds) throws -> Tensor { try q.packedAttention(keys: q, values: q, gates: nil, bounds: bounds, scale: 1) }
    for bounds in [[0, 5], [0, 3], [1, 4], [0, 3, 2, 4], [], [0]] {
      #expect(throws: TorchError.self) { try attend(PackedBounds(queries: bounds)) }
    }
    #expect(throws: TorchError.self) { try attend(PackedBounds(queries: [0, 4], keys: [0, 2, 4])) }
  }

  @Test(arguments: cases, [1, 3, 100]) func linearCrossEntropy(testCase: Case, chunk: Int) throws {
    let targets = try Tensor([0, 36, 5, 5, 20, 1, 7])
    let weights = try Tensor([1, 0.5, 0, 2, 0.25, 1, 1] as [Float], shape: [7])
    let inputs = [try normal([7, 16], seed: 16), try normal([37, 16], seed: 17), try normal([37], seed: 18)]
    for softcap in [nil, 1.5] {
      try compare(inputs, testCase) {
        try $0[0].linearCrossEntropy(
          weight: $0[1], bias: $0[2], targets: targets, labelWeights: weights, chunk: chunk, softcap: softcap
        ).loss
      }
    }
    let error = #expect(throws: TorchError.self) {
      try inputs[0].linearCrossEntropy(weight: inputs[1], targets: Tensor([0, 1, 2, 3, 4, 5, 37]), labelWeights: weights, chunk: chunk)
    }
    #expect(error?.description.contains("outside the vocabulary") == true)
  }

  /// A weight of another type gives what its converted copy does, with all gradients; the last width takes several parts of the weight.
  @Test(arguments: cases, [(7, 5), (64, 33), (1024, 9000)])
  func linearWithAWeightOfAnotherType(testCase: Case, size: (inputs: Int, outputs: Int)) throws {
    let x = try normal([2, 3, size.inputs], seed: 21).converted(to: testCase.type)
    let seed = try normal([2, 3, size.outputs], seed: 24).converted(to: testCase.type)
    for stored in [ElementType.float16, .float32, .bfloat16] where stored != testCase.type {
      let weight = try normal([size.outputs, size.inputs], seed: 22).converted(to: stored)
      let bias = try normal([size.outputs], seed: 23).converted(to: testCase.type)
      func run(converted: Bool) throws -> [[Double]] {
        let leaves = try [x, weight, bias].map { try $0.requiringGradient() }
        let y = try leaves[0].linear(converted ? leaves[1].converted(to: testCase.type) : leaves[1], bias: leaves[2])
        #expect(y.elementType == testCase.type && y.shape == [2, 3, size.outputs])
        return [try y.doubles()] + (try gradients(of: [y], seeds: [seed], by: leaves).map { try $0?.doubles() ?? [] })
      }
      for (a, e) in zip(try run(converted: false), try run(converted: true)) {
        #expect(a.count == e.count)
        let scale = e.map(abs).max() ?? 0
        #expect((zip(a, e).map { abs($0 - $1) }.max() ?? 0) <= testCase.tolerance * max(scale, 1), "\(stored)")
      }
    }
  }

  /// More threads than rows, and rows that do not divide by the threads.
  @Test func threadsDoNotChangeTheResult() throws {
    let x = try normal([3, 40_000], seed: 19)
    let w = try normal([40_000], seed: 20)
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(1)
    let one = try x.rmsNorm(w, epsilon: 1e-6).floats()
    try Engine.setThreads(2)
    #expect(try x.rmsNorm(w, epsilon: 1e-6).floats() == one)
  }
}
