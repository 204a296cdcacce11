public import Ground
public import Foundation

/// A checkpoint of PyTorch (`torch.save` of a dictionary of tensors, 1.6 and later), mapped into memory; values are read where they lie.
///
/// The file is a zip archive of stored entries: `data.pkl`, a pickle that names the tensors and says which storage each is a view of, and
/// `data/KEY`, the storages. The pickle is read by a machine that knows nothing but tensors: nothing in a file is ever executed.
public struct PyTorchFile: Sendable {
  /// The mapping; tensors made on it keep a reference to it.
  public let mapping: MappedFile
  /// The tensors in the order of the file's dictionary. Several may share bytes (tied weights).
  public let tensors: [StoredTensor]
  private let positions: [String: Int]

  /// The file.
  public var url: URL { mapping.url }
  /// The file's path, for messages.
  public var path: String { url.path(percentEncoded: false) }

  /// Maps the file and checks that every tensor's type, shape and place are sound.
  /// - Throws: `FileError` where the file cannot be mapped, `CheckpointError` where its contents are wrong or more than tensors.
  public init(at url: URL) throws {
    let mapping = try MappedFile(at: url)
    self.mapping = mapping
    let path = url.path(percentEncoded: false)
    do {
      let archive = try PyTorchFile.archive(mapping.bytes)
      let described = try PyTorchFile.description(archive, mapping.bytes)
      var tensors: [StoredTensor] = []
      tensors.reserveCapacity(described.count)
      var positions: [String: Int] = [:]
      for (name, tensor) in described {
        do {
          let (range, strides) = try PyTorchFile.place(of: tensor, in: archive)
          positions[name] = tensors.count
          tensors.append(
            StoredTensor(
              name: name, elementType: tensor.storage.elementType, shape: tensor.shape, mapping: mapping, byteRange: range, strides: strides
            ))
        } catch {
          throw CheckpointError(path: path, tensor: name.cut, problem: error.problem, remedy: error.remedy)
        }
      }
      self.tensors = tensors
      self.positions = positions
    } catch let error as CheckpointProblem {
      throw CheckpointError(path: path, problem: error.problem, remedy: error.remedy)
    }
  }

  /// The tensor of that name; nil where there is none.
  public subscript(name: String) -> StoredTensor? { positions[name].map { tensors[$0] } }

  /// The entries of the archive under its own folder, `data.pkl` and `data/KEY`.
  private struct Archive {
    let directory: ZipDirectory
    let folder: Substring

    func range(_ name: String) -> Range<Int>? { directory.entries["\(folder)/\(name)"] }
  }

  private static func archive(_ bytes: UnsafeRawBufferPointer) throws(CheckpointProblem) -> Archive {
    guard bytes.starts(with: [0x50, 0x4b, 3, 4]) else {
      // A pickle of the number 0x1950a86a20f9469cfc6c opens what torch.save wrote before 1.6.
      if bytes.dropFirst(2).starts(with: [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]) {
        throw CheckpointProblem(problem: "it is in the form that PyTorch wrote before 1.6, which Headway does not read", remedy: .convert)
      }
      throw CheckpointProblem(problem: "it is not a PyTorch checkpoint (a zip archive)")
    }
    let directory = try ZipDirectory(bytes)
    guard let slash = directory.firstName.firstIndex(of: "/") else {
      throw CheckpointProblem(problem: "it is a zip archive, but not of torch.save (its first entry is \(directory.firstName.shortened))")
    }
    let archive = Archive(directory: directory, folder: directory.firstName[..<slash])
    if archive.range("constants.pkl") != nil {
      throw CheckpointProblem(problem: "it is a TorchScript program, not a dictionary of tensors", remedy: .convert)
    }
    if let order = archive.range("byteorder"), !bytes[order].elementsEqual("little".utf8) {
      throw CheckpointProblem(problem: "its numbers are not in little-endian order", remedy: .convert)
    }
    return archive
  }

  private static func description(
    _ archive: Archive, _ bytes: UnsafeRawBufferPointer
  ) throws(CheckpointProblem) -> [(name: String, tensor: PickledTensor)] {
    guard let pickle = archive.range("data.pkl") else {
      throw CheckpointProblem(problem: "it is a zip archive without \("\(archive.folder)/data.pkl".shortened), which torch.save writes")
    }
    var reader = PickleReader(UnsafeRawBufferPointer(rebasing: bytes[pickle]))
    return try reader.read()
  }

  /// Where a tensor's elements lie in the file, and their strides unless they lie in row-major order.
  private static func place(of tensor: PickledTensor, in archive: Archive) throws(CheckpointProblem) -> (Range<Int>, [Int]?) {
    let storage = tensor.storage
    let width = storage.elementType.byteWidth
    guard let range = archive.range("data/\(storage.key)") else {
      throw CheckpointProblem(problem: "lies in the storage \(storage.key.shortened), which the file does not hold")
    }
    let (size, isTooLarge) = storage.count.multipliedReportingOverflow(by: width)
    guard !isTooLarge, size == range.count else {
      throw CheckpointProblem(
        problem: "lies in a storage of \(storage.count) \(storage.elementType) numbers, but the file holds \(range.count) bytes of it")
    }
    // Also of an empty tensor: its other extents multiply before they meet the zero.
    var byteCount = width
    for extent in tensor.shape {
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw CheckpointProblem(problem: "has the shape \(tensor.shape), more elements than can be counted") }
      byteCount = product
    }
    guard byteCount > 0 else { return (range.lowerBound..<range.lowerBound, nil) }
    var elements = 1
    var last = tensor.offset
    var rowMajorStride = 1
    var isRowMajor = true
    for (extent, stride) in zip(tensor.shape, tensor.strides).reversed() {
      // Where an extent is one, its stride says nothing.
      if extent != 1, stride != rowMajorStride { isRowMajor = false }
      let product = elements * extent
      let (distance, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, tooLate) = last.addingReportingOverflow(distance)
      guard !tooFar, !tooLate, sum < storage.count else {
        throw CheckpointProblem(
          problem: "of shape \(tensor.shape) and strides \(tensor.strides) reaches beyond its storage of \(storage.count) numbers")
      }
      elements = product
      last = sum
      rowMajorStride = product
    }
    guard last < storage.count else {
      throw CheckpointProblem(problem: "begins at \(tensor.offset), beyond its storage of \(storage.count) numbers")
    }
    guard elements <= storage.count else {
      throw CheckpointProblem(
        problem: "of shape \(tensor.shape) repeats the \(storage.count) numbers of its storage", remedy: "save it after .contiguous()")
    }
    let start = range.lowerBound + tensor.offset * width
    return (start..<range.lowerBound + (last + 1) * width, isRowMajor ? nil : tensor.strides)
  }
}
