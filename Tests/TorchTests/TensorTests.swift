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
