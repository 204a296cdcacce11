import CheckpointFiles
import Testing
import Torch

/// Linear layers of few rows without gradients, which Headway multiplies itself, against libtorch's products.
@Suite struct LinearTests {
  /// Widths around the kernels' stretches and blocks (16 to 64 and 1,024), rows around their tiles (1 to 8, several of a size) and chunks (96).
  @Test(arguments: [ElementType.float32, .bfloat16])
  func productsEqualLibtorchs(type: ElementType) throws {
    let random = try RandomTensors(seed: 4)
    for (tokens, inputs, outputs) in [
      (1, 1, 1), (1, 7, 5), (2, 16, 4), (3, 33, 9), (4, 1024, 6), (5, 1037, 131), (6, 2048, 97), (7, 2100, 3), (8, 70, 195),
      (8, 3000, 101), (9, 1025, 193), (13, 64, 98), (32, 2049, 5), (33, 200, 7), (64, 96, 10), (65, 31, 7), (200, 40, 6),
    ] {
      let x = try random.normal([tokens, inputs]).converted(to: type)
      let weight = try random.normal([outputs, inputs]).converted(to: type)
      let bias = try random.normal([outputs]).converted(to: type)
      func wide(_ tensor: Tensor) throws -> Tensor { try tensor.converted(to: .float64) }
      for added in [nil, bias] {
        let found = try withoutGradients { try x.linear(weight, bias: added).doubles() }
        let exact = try wide(x).linear(wide(weight), bias: added.map(wide)).doubles()
        // Sums of products of numbers about 1: float32's last places, and bfloat16's one rounding at the end.
        let scale = Double(inputs).squareRoot() + 1
        for (a, b) in zip(found, exact) {
          #expect(abs(a - b) <= (type == .float32 ? 2e-6 * scale : 4e-3 * abs(b) + 2e-6 * scale), "\(tokens) × \(inputs) × \(outputs)")
        }
        #expect(found.count == exact.count)
      }
    }
  }

  /// A row has the same bits alone and beside others.
  @Test(arguments: [ElementType.float32, .bfloat16]) func rowsDoNotDependOnEachOther(type: ElementType) throws {
    let random = try RandomTensors(seed: 5)
    let x = try random.normal([32, 1500]).converted(to: type)
    let weight = try random.normal([37, 1500]).converted(to: type)
    try withoutGradients {
      let alone = try (0..<32).map { try x.narrowed(0, from: $0, length: 1).linear(weight).floats() }
      // More than 4 rows of bfloat16 go another way on some processors.
      for count in type == .float32 ? [2, 3, 5, 6, 7, 8, 9, 20, 32] : [2, 3, 4] {
        #expect(try x.narrowed(0, from: 0, length: count).linear(weight).floats() == alone[..<count].flatMap { $0 }, "\(count)")
      }
    }
  }

  /// Several layers at once give the bits that each gives alone, few rows and many.
  @Test(arguments: [ElementType.float32, .bfloat16]) func layersTogetherEqualLayersAlone(type: ElementType) throws {
    let random = try RandomTensors(seed: 8)
    let layers: [(weight: Tensor, bias: Tensor?)] = try [(2, false), (700, true), (1, true), (33, false)].map { outputs, hasBias in
      (
        try random.normal([outputs, 300]).converted(to: type),
        hasBias ? try random.normal([outputs]).converted(to: type) : nil
      )
    }
    try withoutGradients {
      for tokens in [1, 3, 70] {
        let x = try random.normal([tokens, 300]).converted(to: type)
        let together = try x.linear(layers)
        #expect(together.count == layers.count)
        for (found, layer) in zip(together, layers) { #expect(try found.floats() == x.linear(layer.weight, bias: layer.bias).floats()) }
      }
      #expect(try random.normal([1, 300]).linear([]).isEmpty)
    }
    #expect(throws: TorchError.self) {
      try random.normal([1, 300]).linear([(random.normal([2, 300]), nil), (random.normal([2, 299]), nil)])
    }
  }

  /// Products and their gradients on a tape, at the borders of what is multiplied at a time (strips of 6, 8 and 12 rows, blocks of 16 and 32 columns, 256, 512
  /// and 2,048 numbers deep, parts of 128 and 256 columns and 1,024 rows), against float64. Where a type's products are libtorch's, these are what is held.
  @Test(arguments: [ElementType.float32, .bfloat16])
  func gradientsEqualThoseInDoublePrecision(type: ElementType) throws {
    let random = try RandomTensors(seed: 6)
    for (tokens, inputs, outputs) in [
      (1, 1, 1), (3, 5, 1), (1, 300, 7), (8, 256, 32), (9, 257, 33), (33, 255, 31), (70, 513, 290), (130, 64, 600), (1030, 40, 17),
      (49, 1, 65), (13, 2049, 35), (1027, 33, 129), (12, 4100, 3),
    ] {
      let x = try random.normal([tokens, inputs]).converted(to: type)
      let weight = try random.normal([outputs, inputs]).converted(to: type)
      let bias = try random.normal([outputs]).converted(to: type)
      let seed = try random.normal([tokens, outputs]).converted(to: type)
      func results(_ element: ElementType) throws -> [[Double]] {
        let leaves = try [x, weight, bias].map { try $0.converted(to: element).requiringGradient() }
        let y = try leaves[0].linear(leaves[1], bias: leaves[2])
        let found = try gradients(of: [y], seeds: [seed.converted(to: element)], by: leaves)
        return try [y.doubles()] + found.map { try #require(try $0?.doubles()) }
      }
      for (number, (found, exact)) in zip(try results(type), try results(.float64)).enumerated() {
        #expect(found.count == exact.count)
        // The greatest error of some 100,000 sums, which grows with what is summed up: inputs, outputs and, by weight and bias, tokens. A long sum's
        // roundings are of parts that grow as well.
        let terms = Double([inputs, outputs, tokens, tokens][number])
        let error = 4e-6 * (terms.squareRoot() + 1) + 1e-7 * terms
        for (a, b) in zip(found, exact) where abs(a - b) > error + (type == .float32 ? 0 : 4e-3 * abs(b)) {
          Issue.record("\(tokens) × \(inputs) × \(outputs), result \(number): \(a), not \(b)")
          break
        }
      }
    }
  }

  /// A weight that was laid out gives the same bits, both ways, and is read itself once it has changed.
  @Test(arguments: [ElementType.float32, .bfloat16]) func laidOutWeightsChangeNoBit(type: ElementType) throws {
    let random = try RandomTensors(seed: 10)
    for (tokens, inputs, outputs) in [
      (1, 1, 1), (40, 5, 1), (40, 31, 33), (70, 513, 290), (41, 1025, 64), (45, 64, 2049), (1030, 67, 259), (130, 4100, 35), (0, 8, 8),
    ] {
      let x = try random.normal([tokens, inputs]).converted(to: type)
      let weight = try random.normal([outputs, inputs]).converted(to: type)
      let bias = try random.normal([outputs]).converted(to: type)
      let seed = try random.normal([tokens, outputs]).converted(to: type)
      func results() throws -> [[Float]] {
        let input = try x.detached().requiringGradient()
        let y = try input.linear(weight, bias: bias)
        let found = try #require(try gradients(of: [y], seeds: [seed], by: [input])[0])
        return [try y.floats(), try found.floats()]
      }
      let expected = try results()
      try weight.layOutForGradients()
      #expect(try results() == expected, "\(tokens) × \(inputs) × \(outputs)")
    }
    #expect(throws: TorchError.self) { try random.normal([3]).layOutForGradients() }

    // A weight that was written over, and one that an update changed with its copy.
    let seed = try random.normal([50, 70]).converted(to: type)
    func gradient(_ weight: Tensor) throws -> [Float] {
      let input = try Tensor.zeros([50, 60]).converted(to: type).requiringGradient()
      return try #require(try gradients(of: [input.linear(weight)], seeds: [seed], by: [input])[0]).floats()
    }
    let weight = try random.normal([70, 60]).converted(to: type), other = try random.normal([70, 60]).converted(to: type)
    try weight.layOutForGradients()
    try Tensor.overwrite([weight], with: [other])
    #expect(try gradient(weight) == gradient(other))
    let copy = try other.copied(as: type)
    try copy.layOutForGradients()
    let optimizer = try AdamW([other.copied(as: .float32)], options: .init())
    try Tensor.overwrite(optimizer.gradients, with: [random.normal([70, 60])])
    try optimizer.update(learningRate: 0.1, gradientDivisor: 1, copies: [copy])
    #expect(try gradient(copy) == gradient(copy.copied(as: type)))
    #expect(try gradient(copy) != gradient(other))
  }

  /// Gradients by a weight that are added up elsewhere: twice the same batch adds twice as much, and nothing is left for the engine.
  @Test(arguments: [ElementType.float32, .bfloat16]) func gradientsAreAddedUp(type: ElementType) throws {
    let random = try RandomTensors(seed: 7)
    let x = try random.normal([90, 70]).converted(to: type)
    let seed = try random.normal([90, 40]).converted(to: type)
    let leaf = try random.normal([40, 70]).converted(to: type).requiringGradient()
    let total = try Tensor.zeros([40, 70], elementType: .float32)
    try leaf.collectGradient(into: total)
    let expected = try seed.converted(to: .float64).transposed(0, 1).matrixProduct(x.converted(to: .float64)).doubles()
    for count in 1...2 {
      try backpropagate(from: [x.linear(leaf)], seeds: [seed])
      for (a, b) in zip(try total.doubles(), expected) {
        // libtorch rounds a batch's gradient to bfloat16 before it is added.
        #expect(abs(a - Double(count) * b) <= (type == .float32 ? 1e-4 : 1e-4 + 8e-3 * abs(b)))
      }
    }
    #expect(try leaf.takeGradient() == nil)
  }

  /// A weight or an input that is not finite shows.
  @Test func whatIsNotFiniteStays() throws {
    let found = try withoutGradients {
      [
        try Tensor([1, .nan] as [Float], shape: [1, 2]).linear(Tensor([1, 1, 0, 1] as [Float], shape: [2, 2])),
        try Tensor([1, 1] as [Float], shape: [1, 2]).linear(Tensor([1, .infinity] as [Float], shape: [1, 2])),
      ]
    }
    for tensor in found { #expect(try !tensor.isFinite()) }
  }
}
