import CheckpointFiles
import Testing
import Torch

/// Linear layers of few rows without gradients, which Headway multiplies itself, against libtorch's products.
@Suite struct LinearTests {
  /// Widths around the kernels' stretches and blocks, rows around their tiles.
  @Test(arguments: [ElementType.float32, .bfloat16])
  func productsEqualLibtorchs(type: ElementType) throws {
    let random = try RandomTensors(seed: 4)
    for (tokens, inputs, outputs) in [
      (1, 1, 1), (1, 7, 5), (2, 16, 4), (3, 33, 9), (4, 1024, 6), (5, 1037, 131), (7, 2100, 3), (64, 96, 10), (65, 31, 7), (200, 40, 6),
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
      // On processors that multiply bfloat16, more than 4 rows of it are libtorch's.
      for count in type == .float32 ? [2, 3, 7, 32] : [2, 3, 4] {
        #expect(try x.narrowed(0, from: 0, length: count).linear(weight).floats() == alone[..<count].flatMap { $0 }, "\(count)")
      }
    }
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
