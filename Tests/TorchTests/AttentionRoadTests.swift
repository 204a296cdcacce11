import CheckpointFiles
import Testing
import Torch

/// Which of attention's roads a sample takes shows in the last bits of its numbers.
@Suite struct AttentionRoadTests {
  private struct Outcome: Equatable {
    var output: [Float]
    var gradients: [[Float]]
  }

  /// Attention of packed samples and its gradients by queries, keys, values and gates.
  private func attend(_ lengths: [Int], _ type: ElementType, window: Int?) throws -> Outcome {
    let bounds = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let tokens = lengths.reduce(0, +)
    let random = try RandomTensors(seed: 7)
    func leaf(_ shape: [Int], _ type: ElementType) throws -> Tensor {
      try random.normal(shape).converted(to: type).requiringGradient()
    }
    let leaves = [
      try leaf([tokens, 4, 16], type), try leaf([tokens, 2, 16], type), try leaf([tokens, 2, 16], type), try leaf([tokens, 4], .float32),
    ]
    let output = try leaves[0].packedAttention(
      keys: leaves[1], values: leaves[2], gates: leaves[3], bounds: PackedBounds(queries: bounds), scale: 0.25, window: window)
    let weights = try random.normal([tokens, 64]).converted(to: type)
    let found = try gradients(of: [(output * weights).converted(to: .float32).sum()], by: leaves)
    return Outcome(output: try output.floats(), gradients: try found.map { try $0?.floats() ?? [] })
  }

  /// A window that no key of a sample lies outside of changes not one bit: the sample takes the road that it takes without a window.
  @Test(arguments: [ElementType.float32, .bfloat16]) func aWindowLongerThanTheSampleCostsNothing(type: ElementType) throws {
    for lengths in [[70], [5, 1, 70], [600]] {
      let longest = lengths.max() ?? 0
      #expect(try attend(lengths, type, window: longest) == attend(lengths, type, window: nil), "\(lengths)")
      #expect(try attend(lengths, type, window: 4096) == attend(lengths, type, window: nil), "\(lengths)")
    }
  }

  /// Samples that a window does not cut are not changed by one that it does, nor are the rows of that one that see all keys before them.
  @Test(arguments: [ElementType.float32, .bfloat16]) func theWindowChangesNoOtherSample(type: ElementType) throws {
    let cut = try attend([40, 70, 64], type, window: 64)
    let whole = try attend([40, 70, 64], type, window: nil)
    let width = 64
    #expect(cut.output[..<(40 * width)] == whole.output[..<(40 * width)])
    #expect(cut.output[(110 * width)...] == whole.output[(110 * width)...])
    // In bfloat16 a processor may have two roads for the second sample.
    let before = 40 * width..<104 * width
    let furthest = zip(cut.output[before], whole.output[before]).map { abs($0 - $1) }.max() ?? 1
    #expect(furthest <= (type == .float32 ? 0 : 5e-2))
    #expect(cut.output[104 * width..<110 * width] != whole.output[104 * width..<110 * width])
  }

  /// A few queries after cached keys that lie anywhere, key by key, against the packed kernel over the same keys end to end.
  @Test(arguments: [ElementType.float32, .bfloat16], [nil, 9]) func stepsEqualThePackedKernel(type: ElementType, window: Int?) throws {
    let random = try RandomTensors(seed: 9)
    let q = try random.normal([6, 4, 20]).converted(to: type)
    let k = try random.normal([100, 2, 20]).converted(to: type)
    let v = try random.normal([100, 2, 20]).converted(to: type)
    // 1, 4 and 1 queries at the ends of 30, 17 and 2 keys.
    let (bounds, starts, counts) = ([0, 1, 5, 6], [60, 3, 95], [30, 17, 2])
    let steps = try withoutGradients {
      try q.packedAttention(
        keys: k, values: v, gates: nil, bounds: PackedBounds(queries: bounds, keyStarts: starts, keyCounts: counts), scale: 0.3,
        window: window)
    }
    func packed(_ x: Tensor) throws -> Tensor {
      try Tensor.concatenated(zip(starts, counts).map { try x.narrowed(0, from: $0, length: $1) })
    }
    let packedKernel = try q.packedAttention(
      keys: packed(k), values: packed(v), gates: nil, bounds: PackedBounds(queries: bounds, keys: [0, 30, 47, 49]), scale: 0.3,
      window: window)
    let furthest = zip(try steps.floats(), try packedKernel.floats()).map { abs($0 - $1) }.max() ?? .infinity
    #expect(furthest < (type == .float32 ? 1e-5 : 3e-2))
  }

  @Test func placesOutsideTheKeysAreRefused() throws {
    let x = try Tensor.ones([2, 1, 4])
    func attend(_ starts: [Int], _ counts: [Int]) throws -> Tensor {
      try x.packedAttention(
        keys: x, values: x, gates: nil, bounds: PackedBounds(queries: [0, 1, 2], keyStarts: starts, keyCounts: counts), scale: 1)
    }
    try withoutGradients {
      _ = try attend([0, 0], [2, 1])
      for (starts, counts) in [([0, 1], [2, 2]), ([-1, 0], [1, 1]), ([0, 0], [1, -1]), ([0, 0], [0, 1]), ([0], [1])] {
        #expect(throws: TorchError.self) { try attend(starts, counts) }
      }
    }
    // With gradients keys must lie end to end.
    #expect(throws: TorchError.self) { try attend([0, 0], [2, 1]) }
  }

  @Test func rowsAreWrittenInPlace() throws {
    let to = try Tensor.zeros([5, 2])
    try to.write(rowsAt: [3, 0], from: Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), bounds: [0, 1, 3])
    #expect(try to.floats() == [3, 4, 5, 6, 0, 0, 1, 2, 0, 0])
    for (starts, bounds) in [([4], [0, 2]), ([-1], [0, 1]), ([0], [0, 4]), ([0], [1]), ([0], [2, 1])] {
      #expect(throws: TorchError.self) {
        try to.write(rowsAt: starts, from: Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), bounds: bounds)
      }
    }
  }
}
