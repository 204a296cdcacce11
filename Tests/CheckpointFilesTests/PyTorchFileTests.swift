import CheckpointFiles
import Ground
import Foundation
import Testing

/// The reader against files that PyTorch wrote, and against files that must be refused (scripts/goldens/pickles.py).
struct PyTorchFileTests {
  static let folder = "Fixtures/pickles"

  static func fixture(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: folder))
  }

  struct Sound: Decodable {
    enum Value: Decodable, Equatable {
      case truth(Bool), integer(Int64), hexadecimal(String)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
          self = .truth(value)
        } else if let value = try? container.decode(Int64.self) {
          self = .integer(value)
        } else {
          self = .hexadecimal(try container.decode(String.self))
        }
      }
    }
    struct Tensor: Decodable {
      let dtype: String
      let shape: [Int]
      let values: [Value]?
    }
    let files: [String: [String: Tensor]]
  }

  /// The values of a tensor in the golden's form, exactly.
  static func values(_ tensor: StoredTensor) throws -> [Sound.Value] {
    func numbers<Number: FixedWidthInteger>(_ type: Number.Type) throws -> [Number] {
      try tensor.withBytes { bytes in
        stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
          Number(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: type))
        }
      }
    }
    func hexadecimal(_ values: [Double]) -> [Sound.Value] { values.map { .hexadecimal(pythonHexadecimal($0)) } }
    switch tensor.elementType {
    case .float64: return hexadecimal(try numbers(UInt64.self).map(Double.init(bitPattern:)))
    case .float32: return hexadecimal(try numbers(UInt32.self).map { Double(Float(bitPattern: $0)) })
    case .bfloat16: return hexadecimal(try numbers(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) })
    case .float16: return hexadecimal(try numbers(UInt16.self).map { half($0) })
    case .int64: return try numbers(Int64.self).map { .integer($0) }
    case .int32: return try numbers(Int32.self).map { .integer(Int64($0)) }
    case .int16: return try numbers(Int16.self).map { .integer(Int64($0)) }
    case .int8: return try numbers(Int8.self).map { .integer(Int64($0)) }
    case .uint8: return try numbers(UInt8.self).map { .integer(Int64($0)) }
    case .bool: return try numbers(UInt8.self).map { .truth($0 == 1) }
    }
  }

  /// A half-precision number by its definition.
  static func half(_ bits: UInt16) -> Double {
    let sign: Double = bits >> 15 == 1 ? -1 : 1
    let exponent = Int(bits >> 10 & 31)
    let fraction = Double(bits & 1023) / 1024
    return exponent == 0 ? sign * fraction * 0x1p-14 : sign * (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
  }

  /// As Python's `float.hex` writes it.
  static func pythonHexadecimal(_ value: Double) -> String {
    let sign = value.sign == .minus ? "-" : ""
    guard value != 0 else { return "\(sign)0x0.0p+0" }
    let fraction = String(value.significandBitPattern, radix: 16)
    let padded = String(repeating: "0", count: 13 - fraction.count) + fraction
    return "\(sign)0x1.\(padded)p\(value.exponent < 0 ? "-" : "+")\(abs(Int(value.exponent)))"
  }

  @Test func readsWhatPyTorchWrites() throws {
    let sound = try JSONDecoder().decode(Sound.self, from: Data(contentsOf: Self.fixture("sound.json")))
    #expect(sound.files.count == 14)
    for (name, expected) in sound.files.sorted(by: { $0.key < $1.key }) {
      let file = try PyTorchFile(at: Self.fixture("sound/\(name)"))
      #expect(Set(file.tensors.map(\.name)) == Set(expected.keys), "\(name)")
      for (tensor, golden) in expected {
        let found = try #require(file[tensor], "\(name) \(tensor)")
        #expect(found.elementType.rawValue == golden.dtype, "\(name) \(tensor)")
        #expect(found.shape == golden.shape, "\(name) \(tensor)")
        #expect(found.elementCount == golden.shape.reduce(1, *))
        #expect(try found.withBytes { $0.count } == found.byteCount)
        if let values = golden.values { #expect(try Self.values(found) == values, "\(name) \(tensor)") }
      }
    }
  }

  @Test func keepsTheOrderAndSharesBytes() throws {
    let tied = try PyTorchFile(at: Self.fixture("sound/tied.bin"))
    #expect(tied.tensors.map(\.name) == ["embed_tokens.weight", "lm_head.weight", "half"])
    #expect(tied.tensors[0].byteRange == tied.tensors[1].byteRange)
    #expect(tied.tensors[2].byteRange.lowerBound == tied.tensors[0].byteRange.lowerBound)
    let views = try PyTorchFile(at: Self.fixture("sound/views.bin"))
    // Only views that do not lie in row-major order are copied.
    let copied = views.tensors.filter { $0.strides != nil }.map(\.name)
    #expect(copied == ["transposed", "columns", "step", "permuted", "inner", "ones", "diagonal", "unsqueezed"])
    #expect(try PyTorchFile(at: Self.fixture("sound/many.bin")).tensors.map(\.name) == (0..<300).map { "layers.\($0).weight" })
    let wide = try #require(try PyTorchFile(at: Self.fixture("sound/sizes.bin"))["wide"])
    #expect(try wide.withBytes { bytes in bytes.indices.allSatisfy { bytes[$0] == UInt8($0 & 255) } && bytes.count == 70_000 })
  }

  @Test func refusesAllElseInOneSentence() throws {
    struct Refused: Decodable { let files: [String: String] }
    let refused = try JSONDecoder().decode(Refused.self, from: Data(contentsOf: Self.fixture("refused.json")))
    #expect(refused.files.count > 80)
    for (name, phrase) in refused.files.sorted(by: { $0.key < $1.key }) {
      let url = try Self.fixture("refused/\(name)")
      let error = #expect(throws: CheckpointError.self, "\(name)") { try PyTorchFile(at: url) }
      let text = error?.description ?? ""
      #expect(text.contains(phrase), "\(name): \(text)")
      #expect(text.contains(name) && text.contains("; ") && !text.contains("\n") && text.count < 1000, "\(name): \(text)")
    }
    #expect(!FileManager.default.fileExists(atPath: "headway-executed"))
  }

  @Test func everyTruncationEndsInASentence() throws {
    let whole = try Data(contentsOf: Self.fixture("sound/state-dict.bin"))
    let url = temporaryFile("cut.bin")
    defer { try? FileManager.default.removeItem(at: url) }
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: url)
      #expect(throws: CheckpointError.self, "\(length)") { try PyTorchFile(at: url) }
    }
  }

  /// Limits that only a file of some size meets.
  @Test func boundsStepsAndMemory() throws {
    func message(_ pickle: [UInt8]) throws -> String {
      let url = temporaryFile("bomb.bin")
      defer { try? FileManager.default.removeItem(at: url) }
      try Data(ZipBuilder.checkpoint(pickle: pickle)).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try PyTorchFile(at: url) }
      return error?.problem ?? ""
    }
    func repeated(_ text: String, _ count: Int) -> [UInt8] { [0x80, 2] + Array(String(repeating: text, count: count).utf8) }
    #expect(try message(repeated("N", 510_000)).contains("500000 values at a time"))
    #expect(try message(repeated("(", 510_000)).contains("500000 marks"))
    #expect(try message([0x80, 2] + Array("]".utf8) + repeated("]a", 510_000).dropFirst(2)).contains("500000 containers"))
    #expect(try message([0x80, 2] + Array("]".utf8) + repeated("Na", 1_010_000).dropFirst(2)).contains("2000000 steps"))
    // 200,000 lists, each in the one before: a value is never walked deeper than the dictionary of tensors.
    let deep = Array(repeating: UInt8(ascii: "]"), count: 200_000) + Array(repeating: UInt8(ascii: "a"), count: 199_999)
    #expect(try message([0x80, 2] + deep + Array(".".utf8)).contains("holds a list instead of a dictionary"))
  }

  /// A file that torch.save wrote beyond 4 GiB, laid down with holes where it is zero.
  @Test func readsBeyondFourGibibytes() throws {
    struct Large: Decodable {
      struct Block: Decodable {
        let offset: UInt64
        let bytes: Data
      }
      let size: UInt64
      let blocks: [Block]
    }
    let large = try JSONDecoder().decode(Large.self, from: Data(contentsOf: Self.fixture("large.json")))
    let url = temporaryFile("large.bin")
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(FileManager.default.createFile(atPath: url.path(percentEncoded: false), contents: nil))
    let handle = try FileHandle(forWritingTo: url)
    try handle.truncate(atOffset: large.size)
    for block in large.blocks {
      try handle.seek(toOffset: block.offset)
      try handle.write(contentsOf: block.bytes)
    }
    try handle.close()
    let file = try PyTorchFile(at: url)
    let big = try #require(file["large"])
    #expect(big.shape == [1 << 32 + 4096] && big.elementType == .uint8)
    #expect(try big.withBytes { [$0[0], $0[1], $0[$0.count - 2], $0[$0.count - 1]] } == [3, 0, 0, 7])
    let after = try #require(file["after"])
    #expect(after.byteRange.lowerBound > 1 << 32)
    #expect(try Self.values(after) == (0..<5).map { .integer($0) })
  }

  @Test func missingFilesAndFoldersAreNamed() throws {
    #expect(throws: FileError.self) { try PyTorchFile(at: URL(filePath: "/no/such/file.bin")) }
    #expect(throws: FileError.self) { try PyTorchFile(at: FileManager.default.temporaryDirectory) }
  }
}

/// Lays stored entries into a zip archive, as torch.save does.
enum ZipBuilder {
  static func checkpoint(pickle: [UInt8], storages: [(key: String, bytes: [UInt8])] = [("0", [UInt8](repeating: 0, count: 16))]) -> [UInt8]
  {
    archive([("archive/data.pkl", pickle)] + storages.map { ("archive/data/\($0.key)", $0.bytes) })
  }

  static func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
      let start = file.count
      // Checksums are left out: the reader maps gigabytes and does not walk them.
      let common =
        short(20) + short(0) + short(0) + long(0) + long(0) + long(bytes.count) + long(bytes.count) + short(name.utf8.count) + short(0)
      file += long(0x0403_4b50) + common + Array(name.utf8) + bytes
      directory += long(0x0201_4b50) + short(20) + common + short(0) + short(0) + short(0) + long(0) + long(start) + Array(name.utf8)
    }
    let end =
      long(0x0605_4b50) + short(0) + short(0) + short(entries.count) + short(entries.count) + long(directory.count) + long(file.count)
      + short(0)
    return file + directory + end
  }

  private static func short(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  private static func long(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}
