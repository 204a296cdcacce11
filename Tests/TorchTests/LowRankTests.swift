import CheckpointFiles
import Foundation
import Testing
import Torch

/// What an adapter adds to a linear layer, held against PEFT's layer (scripts/goldens/adapters.py) and against its composition in float64.
@Suite struct LowRankTests {
  private let golden: SafetensorsFile
  init() throws {
    golden = try SafetensorsFile(
      at: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/adapters/layer.safetensors"))
  }
  private func tensor(_ name: String, _ type: ElementType = .float32) throws -> Tensor {
    try Tensor(mapping: golden.tensor(named: name), of: golden).converted(to: type)
  }

  /// Two float32 sums of another order may fall on two sides of a rounding boundary of bfloat16: one entry in fifty may differ, by one step (2⁻⁷ of its size).
  /// Computing the adapter in bfloat16 instead makes more than one in five differ.
  @Test func aLayerInBFloat16IsPEFTs() throws {
    let base = try tensor("base", .bfloat16)
    let leaves = try [tensor("x", .bfloat16), tensor("A"), tensor("B")].map { try $0.requiringGradient() }
    let scale = try tensor("scale").scalar()
    let result = try base.addingLowRank(of: leaves[0], down: leaves[1], up: leaves[2], scale: scale)
    #expect(result.elementType == .bfloat16)
    func differing(_ actual: [Float], _ expected: [Float]) -> Int {
      zip(actual, expected).count { one, other in
        #expect(abs(one - other) <= 0x1p-7 * max(abs(other), 0x1p-6))
        return one != other
      }
    }
    let expected = try tensor("result").floats()
    #expect(try differing(result.floats(), expected) * 50 <= expected.count)
    #expect(zip(try tensor("rounded.result").floats(), expected).count { $0 != $1 } * 5 > expected.count)

    let found = try gradients(of: [result], seeds: [tensor("gradient", .bfloat16)], by: leaves)
    let byX = try #require(found[0])
    #expect(byX.elementType == .bfloat16)
    #expect(try differing(byX.floats(), tensor("by.x").floats()) * 50 <= byX.count)
    for (gradient, name) in zip(found.dropFirst(), ["by.A", "by.B"]) {
      let actual = try #require(gradient)
      #expect(actual.elementType == .float32)
      // Sums of 13 products: a few roundings of float32.
      let expected = try tensor(name).floats()
      let scale = expected.map(abs).max() ?? 0
      #expect(zip(try actual.floats(), expected).allSatisfy { abs($0 - $1) <= 1e-6 * scale }, "\(name)")
    }
  }

  @Test func inFloat64ItIsItsComposition() throws {
    func normal(_ shape: [Int], _ seed: UInt64) throws -> Tensor {
      try RandomTensors(seed: seed).normal(shape).converted(to: .float64).requiringGradient()
    }
    let leaves = try [normal([5, 7], 1), normal([5, 9], 2), normal([3, 9], 3), normal([7, 3], 4)]
    let seed = try RandomTensors(seed: 5).normal([5, 7]).converted(to: .float64)
    let actual = try leaves[0].addingLowRank(of: leaves[1], down: leaves[2], up: leaves[3], scale: 1.5)
    let expected = try leaves[0] + leaves[1].linear(leaves[2]).linear(leaves[3]) * 1.5
    #expect(zip(try actual.doubles(), try expected.doubles()).allSatisfy { abs($0 - $1) < 1e-12 })
    let by = try gradients(of: [actual], seeds: [seed], by: leaves)
    for (one, other) in zip(by, try gradients(of: [expected], seeds: [seed], by: leaves)) {
      #expect(zip(try #require(one).doubles(), try #require(other).doubles()).allSatisfy { abs($0 - $1) < 1e-12 })
    }
    #expect(throws: TorchError.self) { try leaves[0].addingLowRank(of: leaves[1], down: leaves[3], up: leaves[2], scale: 1) }
  }

  /// With A and B the identity and x ones, the layer adds the mask itself.
  private func mask(_ dropout: Dropout, rows: Int = 64, width: Int = 33) throws -> [Float] {
    var identity = [Float](repeating: 0, count: width * width)
    for place in 0..<width { identity[place * (width + 1)] = 1 }
    let unit = try Tensor(identity, shape: [width, width])
    return try Tensor.zeros([rows, width]).addingLowRank(of: Tensor.ones([rows, width]), down: unit, up: unit, scale: 1, dropout: dropout)
      .floats()
  }

  @Test func dropoutLeavesOutTheShareAndIsTheSameAgain() throws {
    let dropout = Dropout(rate: 0.2, key: 7, position: 5)
    let first = try mask(dropout)
    #expect(try mask(dropout) == first)
    #expect(first.allSatisfy { $0 == 0 || $0 == 1.25 })
    // 2,112 draws: five standard deviations.
    #expect(abs(Double(first.count { $0 == 0 }) - 0.2 * 2112) < 5 * (2112 * 0.2 * 0.8).squareRoot())
    // A generator that keeps 32 bits of what it starts from repeats itself here.
    for other in [
      Dropout(rate: 0.2, key: 7, position: 5 + 1 << 32), Dropout(rate: 0.2, key: 7 + 1 << 32, position: 5),
      Dropout(rate: 0.2, key: 7, position: 5 + 4096 << 20), Dropout(rate: 0.2, key: 7, position: 6),
    ] {
      // Two masks that have nothing to do with each other agree in 68% of their places.
      #expect(abs(Double(zip(try mask(other), first).count { $0 == $1 }) / 2112 - 0.68) < 0.06)
    }
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(1)
    let large = try mask(dropout, rows: 2000)
    try Engine.setThreads(3)
    #expect(try mask(dropout, rows: 2000) == large)
  }

  /// The way back leaves out what the way forward left out.
  @Test func gradientsGoThroughTheSameMask() throws {
    let x = try Tensor.ones([8, 6]).requiringGradient()
    let a = try RandomTensors(seed: 1).normal([2, 6]).requiringGradient()
    let b = try RandomTensors(seed: 2).normal([4, 2]).requiringGradient()
    let dropout = Dropout(rate: 0.5, key: 1, position: 1)
    var identity = [Float](repeating: 0, count: 36)
    for place in 0..<6 { identity[place * 7] = 1 }
    let unit = try Tensor(identity, shape: [6, 6])
    let mask = try Tensor.zeros([8, 6]).addingLowRank(of: Tensor.ones([8, 6]), down: unit, up: unit, scale: 1, dropout: dropout)
    let actual = try Tensor.zeros([8, 4]).addingLowRank(of: x, down: a, up: b, scale: 2, dropout: dropout)
    let expected = try (x * mask).linear(a).linear(b) * 2
    let seed = try RandomTensors(seed: 3).normal([8, 4])
    let found = try gradients(of: [actual], seeds: [seed], by: [x, a, b])
    for (one, other) in zip(found, try gradients(of: [expected], seeds: [seed], by: [x, a, b])) {
      #expect(zip(try #require(one).floats(), try #require(other).floats()).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }
}
