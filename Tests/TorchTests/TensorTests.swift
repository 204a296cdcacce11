import CheckpointFiles
import Foundation
import Testing
import Torch

@Suite struct TensorTests {
  @Test func elementsComeBackAsTheyWereGiven() throws {
    let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(tensor.shape == [2, 3])
    #expect(try tensor.floats() == [1, 2, 3, 4, 5, 6])
    #expect(try tensor.transposed(0, 1).floats() == [1, 4, 2, 5, 3, 6])
    #expect(try tensor.converted(to: .bfloat16).doubles() == [1, 2, 3, 4, 5, 6])
  }

  @Test func emptyTensors() throws {
    let tensor = try Tensor([] as [Float], shape: [0, 3])
    #expect(try tensor.floats().isEmpty)
    #expect(try tensor.sum().scalar() == 0)
  }

  @Test func errorsNameTheOperationAndTheShapes() throws {
    let a = try Tensor.ones([2, 3])
    let b = try Tensor.ones([4, 5])
    let error = #expect(throws: TorchError.self) { try a.matrixProduct(b) }
    #expect(error?.description.hasPrefix("matrix product([2, 3] Float, [4, 5] Float): ") == true)
    #expect(error?.description.contains("\n") == false)
    #expect(throws: TorchError.self) { try Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
    #expect(throws: TorchError.self) { try a.reshaped([7]) }
    #expect(throws: TorchError.self) { try a.embedding(Tensor([5])) }
  }

  @Test func gradientsOfALoss() throws {
    let x = try Tensor([1, 2, 3] as [Double], shape: [3]).requiringGradient()
    let unused = try Tensor.ones([2]).requiringGradient()
    let found = try gradients(of: [(x * x).sum()], by: [x, unused])
    #expect(try found[0]?.doubles() == [2, 4, 6])
    #expect(found[1] == nil)
    let silent = try withoutGradients { try x * x }
    #expect(!silent.requiresGradient)
    #expect(throws: TorchError.self) { try gradients(of: [silent.sum()], by: [x]) }
  }

  @Test func mappedMemoryIsReadInPlaceAndNotCopied() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "mapped-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    // An odd number of header bytes puts the numbers at an odd address.
    try SafetensorsWriter.write([.init(name: "x", shape: [2, 2], floats: [1, 2, 3, 4])], to: url)
    var tensor: Tensor?
    do {
      let file = try SafetensorsFile(at: url)
      tensor = try Tensor(mapping: file.tensor(named: "x"), of: file)
    }
    // The file object is gone; the mapping lives as long as the tensor.
    #expect(tensor?.isMapped == true)
    #expect(try tensor?.transposed(0, 1).isMapped == true)
    #expect(try tensor?.floats() == [1, 2, 3, 4])
  }

  @Test func seedsGiveTheSameNumbersAgain() throws {
    let first = try RandomTensors(seed: 7).normal([8]).floats()
    #expect(try RandomTensors(seed: 7).normal([8]).floats() == first)
    #expect(try RandomTensors(seed: 8).normal([8]).floats() != first)
    // All 64 bits count.
    #expect(try RandomTensors(seed: 7 + 1 << 32).normal([8]).floats() != first)
  }

  /// Added up in float32, 2²⁴ squares give 0.9993 of this norm. The exact one is that of a float32 0.1, whose square float64 rounds by 1e-16.
  @Test(arguments: [ElementType.float32, .bfloat16]) func normsOfManyElementsAreExact(type: ElementType) throws {
    let many = try Tensor.full(0.1, shape: [1 << 24], elementType: type)
    let few = try Tensor.full(2, shape: [3], elementType: type)
    let element = try many.narrowed(0, from: 0, length: 1).scalar()
    let expected = (Double(1 << 24) * element * element + 12).squareRoot()
    let norm = try Tensor.norm(of: [many, few])
    #expect(abs(norm / expected - 1) < 1e-12)
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(before == 1 ? 2 : 1)
    #expect(try Tensor.norm(of: [many, few]) == norm)
    #expect(try Tensor.norm(of: []) == 0)
    #expect(try Tensor.norm(of: [few, Tensor.full(6, shape: [1], elementType: .float64)]) == 12.0.squareRoot() * 2)
    // Beyond float32's range, but not beyond its square root.
    #expect(try Tensor.norm(of: [Tensor.full(1e30, shape: [2], elementType: type)]) > 1.4e30)
  }

  @Test func unknownDevicesAreNamed() {
    #expect(throws: TorchError.self) { try Device(named: "tpu") }
    #expect(throws: TorchError.self) { try Device(named: "cuda:-1") }
    #expect(throws: TorchError.self) { try Device(named: "cuda:x") }
    #expect((try? Device(named: "cpu")) == .cpu)
  }

  @Test func segmentsAreSummedInFloat32() throws {
    let rows = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]).converted(to: .bfloat16)
    let sums = try rows.segmentSums(bounds: [0, 1, 1, 3])
    #expect(sums.elementType == .float32)
    #expect(try sums.floats() == [1, 2, 0, 0, 8, 10])
  }
}
