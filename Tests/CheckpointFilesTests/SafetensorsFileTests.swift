import CheckpointFiles
import Ground
import Foundation
import Testing

/// The reader against files and values of the reference implementation, and against damaged files.
struct SafetensorsFileTests {
  struct Golden: Decodable {
    enum Value: Decodable {
      case integer(Int64), number(Double), boolean(Bool)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
          self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
          self = .integer(value)
        } else {
          self = .number(Double(try container.decode(String.self)) ?? .nan)
        }
      }
      var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .boolean(let value): value ? 1 : 0
        }
      }
    }
    struct Tensor: Decodable {
      let dtype: String
      let shape: [Int]
      let values: [Value]
    }
    let tensors: [String: Tensor]
  }

  static func fixture(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
  }

  @Test func readsEveryElementTypeAsTheReferenceDoes() throws {
    let file = try SafetensorsFile(at: Self.fixture("reference.safetensors"))
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Self.fixture("reference.json")))
    #expect(file.metadata == ["headway.备注": "引号\" 反斜线\\ \t😀"])
    #expect(file.tensors.count == golden.tensors.count)
    for (name, expected) in golden.tensors {
      let entry = try file.tensor(named: name)
      #expect(entry.elementType.rawValue == expected.dtype)
      #expect(entry.shape == expected.shape)
      #expect(entry.elementCount == expected.values.count)
      if entry.elementType.isFloatingPoint {
        // Exact: widening loses nothing.
        let doubles = try file.doubles(name)
        #expect(doubles == expected.values.map(\.double))
        #expect(try file.floats(name) == expected.values.map { Float($0.double) })
        #expect(zip(doubles, expected.values).allSatisfy { $0.sign == $1.double.sign })
      } else if entry.elementType != .bool {
        let expectedIntegers = expected.values.map { if case .integer(let value) = $0 { value } else { Int64.min } }
        #expect(try file.int64s(name) == expectedIntegers)
      } else {
        #expect(try file.bytes(of: entry).map { $0 != 0 } == expected.values.map { $0.double == 1 })
      }
    }
  }

  @Test func halfPrecisionIsExactForEveryBitPattern() throws {
    let patterns = Array(UInt16.min...UInt16.max)
    let url = temporaryFile("halves.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    let source = SafetensorsWriter.Source(name: "h", elementType: .float16, shape: [patterns.count]) { sink in
      try patterns.withUnsafeBytes { try sink.write($0) }
    }
    try SafetensorsWriter.write([source], to: url)
    let floats = try SafetensorsFile(at: url).floats("h")
    #if !(os(macOS) && arch(x86_64))
      let same = zip(patterns, floats).allSatisfy { bits, value in
        let expected = Float(Float16(bitPattern: bits))
        return expected.isNaN ? value.isNaN : expected.bitPattern == value.bitPattern
      }
      #expect(same)
    #endif
    #expect(floats.count == 65536)
  }

  @Test func tensorsAreInFileOrder() throws {
    let file = try SafetensorsFile(at: Self.fixture("reference.safetensors"))
    #expect(zip(file.tensors, file.tensors.dropFirst()).allSatisfy { $0.byteRange.upperBound == $1.byteRange.lowerBound })
    #expect(file.tensors.last?.byteRange.upperBound == file.mapping.count)
  }

  @Test func missingTensorAndWrongTypeAreNamed() throws {
    let file = try SafetensorsFile(at: Self.fixture("reference.safetensors"))
    #expect(throws: CheckpointError.self) { try file.floats("nothing") }
    let error = #expect(throws: CheckpointError.self) { try file.floats("int64") }
    #expect(error?.tensor == "int64")
    #expect(throws: CheckpointError.self) { try file.int64s("float32") }
  }

  // MARK: Damaged files

  /// A file made of a header and this many bytes of data.
  static func make(header: String, data: Int, length: UInt64? = nil) throws -> URL {
    let url = temporaryFile("damaged.safetensors")
    var bytes = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
    bytes.append(Data(header.utf8))
    bytes.append(Data(count: data))
    try bytes.write(to: url)
    return url
  }

  static func tensor(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let damaged: [(String, Int, String)] = [
    ("", 0, "does not begin with {"),
    ("{", 0, "field name"),
    (" {}", 0, "does not begin with {"),
    ("{}x", 0, "something follows the end"),
    ("[]", 0, "does not begin with {"),
    ("{\(tensor("a", "F32", "[2]", "[0,8]"))}", 7, "cut short"),
    ("{\(tensor("a", "F32", "[2]", "[0,8]"))}", 9, "belongs to none"),
    ("{\(tensor("a", "F32", "[2]", "[8,0]"))}", 8, "before it begins"),
    ("{\(tensor("a", "F32", "[2]", "[4,12]"))}", 12, "leaves a hole"),
    ("{\(tensor("a", "F32", "[2]", "[0,8]")),\(tensor("b", "F32", "[2]", "[4,12]"))}", 12, "overlaps"),
    ("{\(tensor("a", "F32", "[3]", "[0,8]"))}", 8, "takes 12"),
    ("{\(tensor("a", "F32", "[-2]", "[0,8]"))}", 8, "whole number"),
    ("{\(tensor("a", "F32", "[2.0]", "[0,8]"))}", 8, "not a whole number"),
    ("{\(tensor("a", "F32", "[02]", "[0,8]"))}", 8, "needless zero"),
    ("{\(tensor("a", "F32", "[4294967296,4294967296]", "[0,8]"))}", 8, "more elements than can be counted"),
    ("{\(tensor("a", "F32", "[99999999999999999999]", "[0,8]"))}", 8, "too large"),
    ("{\(tensor("a", "F32", "[2]", "[0,8,9]"))}", 8, "3 data_offsets"),
    ("{\(tensor("a", "Q4", "[2]", "[0,8]"))}", 8, "unknown element type"),
    ("{\(tensor("a", "F32", "[2]", "[0,8]")),\(tensor("a", "F32", "[2]", "[8,16]"))}", 16, "named twice"),
    (#"{"a":{"dtype":"F32","shape":[2]}}"#, 8, "no data_offsets"),
    (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "no shape"),
    (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "no dtype"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, 8, "is unknown"),
    (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "twice"),
    (#"{"a":[[[[[[[[[[]]]]]]]]]]}"#, 0, "an object should be"),
    (#"{"__metadata__":{"n":1}}"#, 0, "not a text"),
    (#"{"__metadata__":{"n":"1","n":"2"}}"#, 0, "twice"),
    (#"{"__metadata__":{},"__metadata__":{}}"#, 0, "twice"),
    (#"{"__metadata__":{"n":"\ud83d"}}"#, 0, "surrogate"),
    (#"{"__metadata__":{"n":"\x"}}"#, 0, "an escape"),
    ("{\"__metadata__\":{\"n\":\"\n\"}}", 0, "control character"),
    (#"{"__metadata__":{"n":"1}}"#, 0, "not closed"),
  ]

  @Test(arguments: damaged) func refusesADamagedHeader(header: String, data: Int, message: String) throws {
    let url = try Self.make(header: header, data: data)
    defer { try? FileManager.default.removeItem(at: url) }
    let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(at: url) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001, 3]) func refusesAnAbsurdHeaderLength(length: UInt64) throws {
    let url = try Self.make(header: "{}", data: 0, length: length)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(throws: CheckpointError.self) { try SafetensorsFile(at: url) }
  }

  @Test func refusesAFileThatIsTooShortEmptyMissingOrAFolder() throws {
    let url = temporaryFile("short.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    for count in [0, 7] {
      try Data(count: count).write(to: url)
      #expect(throws: CheckpointError.self) { try SafetensorsFile(at: url) }
    }
    #expect(throws: FileError.self) { try SafetensorsFile(at: url.appending(path: "missing")) }
    #expect(throws: FileError.self) { try SafetensorsFile(at: URL(filePath: "/")) }
  }

  @Test func headerSyntaxVariantsAreRead() throws {
    let header =
      "{ \"a\" :\t{ \"shape\" : [ 1 , 2 ] , \"data_offsets\":[0 ,8],\n\"dtype\":\"\\u00463\\u0032\"} , \"__metadata__\":{ \"\\ud83d\\ude00\" : \"\\/\\b\" } }  "
    let url = try Self.make(header: header, data: 8)
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try SafetensorsFile(at: url)
    #expect(file["a"]?.shape == [1, 2])
    #expect(file.metadata == ["😀": "/\u{8}"])
  }

  /// Random damage to a sound file either is refused or leaves a file whose every tensor can be read. `HEADWAY_FUZZ=N` runs N
  /// rounds instead of 500.
  @Test func survivesRandomDamage() throws {
    let rounds = ProcessInfo.processInfo.environment["HEADWAY_FUZZ"].flatMap(Int.init) ?? 500
    let sound = try Data(contentsOf: Self.fixture("reference.safetensors"))
    let headerCount = 8 + Int(sound.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\\u", "0", "9999999999999999999", "-1", "1e9", "F32", "BOOL", "\u{0}", "data_offsets",
    ]
    let url = temporaryFile("fuzz.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    // A fixed linear congruence, so that a failure can be repeated.
    var state: UInt64 = 20_240_607
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(bound, 1)))
    }
    var accepted = 0
    for _ in 0..<rounds {
      var bytes = sound
      for _ in 0...random(3) {
        let position = random(min(bytes.count, headerCount))
        switch random(5) {
        case 0 where !bytes.isEmpty: bytes[position] = UInt8(random(256))
        case 1: bytes.replaceSubrange(position..<min(bytes.count, position + random(12)), with: Data(pieces[random(pieces.count)].utf8))
        case 2: bytes = bytes.prefix(random(bytes.count))
        case 3 where bytes.count > 8: bytes[random(8)] = UInt8(random(256))
        default: bytes.append(contentsOf: [UInt8](repeating: 7, count: random(4)))
        }
      }
      try bytes.write(to: url)
      do {
        let file = try SafetensorsFile(at: url)
        accepted += 1
        for entry in file.tensors {
          #expect(try file.bytes(of: entry).count == entry.shape.reduce(entry.elementType.byteWidth, *))
          if entry.elementType.isFloatingPoint { #expect(try file.floats(entry.name).count == entry.elementCount) }
        }
      } catch let error as CheckpointError {
        #expect(!error.description.contains("\n"))
      }
    }
    #expect(accepted < rounds)
  }
}

/// A new name in the temporary folder.
func temporaryFile(_ name: String) -> URL {
  FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)-\(name)")
}
