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

  /// The road is chosen sample by sample: beside a sample that the window cuts, shorter ones stay on theirs.
  @Test(arguments: [ElementType.float32, .bfloat16]) func eachSampleHasItsOwnRoad(type: ElementType) throws {
    let cut = try attend([40, 70, 64], type, window: 64)
    let whole = try attend([40, 70, 64], type, window: nil)
    let width = 64
    #expect(cut.output[..<(40 * width)] == whole.output[..<(40 * width)])
    #expect(cut.output[(110 * width)...] == whole.output[(110 * width)...])
    // The first 64 rows of the second sample see all keys before them, but their last bits show that they took the other road.
    let before = 40 * width..<104 * width
    #expect(cut.output[before] != whole.output[before])
    let furthest = zip(cut.output[before], whole.output[before]).map { abs($0 - $1) }.max() ?? 1
    #expect(furthest < (type == .float32 ? 1e-5 : 5e-2))
  }
}
