import Ground
import Foundation
import StrictJSON
import Testing

@testable import Instructions

/// The folder of fixtures that lies in the test bundle.
let fixtures = Bundle.module.resourceURL.map { $0.appending(component: "Fixtures") } ?? URL(filePath: "Fixtures")

/// A fixture that is JSON.
func golden(_ name: String) throws -> JSONValue {
  try JSONParser().parse(Array(try Data(contentsOf: fixtures.appending(component: name))))
}

/// A folder for one test's files, removed with the value.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(component: "headway-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file, with the folders on its way, and gives its place.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> URL { try write(name, Array(text.utf8)) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> URL {
    let place = url.appending(path: name)
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: place)
    return place
  }

  /// The instructions of a text that is written to a file of this name.
  func instructions(_ name: String, _ text: String, options: DatasetOptions = DatasetOptions()) throws -> [Instruction] {
    try Dataset(at: [try write(name, text)], options: options).readAll()
  }
}

/// The message of the error that the body throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

/// All bytes of a source.
func bytes(of source: any ByteSource) throws -> [UInt8] {
  var all: [UInt8] = []
  while case let piece = try source.read(), !piece.isEmpty { all += piece }
  return all
}

/// All records of a reader; errors end the list.
func records(of reader: some RecordReader) throws -> [Record] {
  var reader = reader
  var records: [Record] = []
  while let record = try reader.next() { records.append(record) }
  return records
}

/// How many rounds a fuzzing test runs: `everyday` ones, or what HEADWAY_FUZZ_ROUNDS says.
func fuzzRounds(_ everyday: Int) -> Int {
  ProcessInfo.processInfo.environment["HEADWAY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? everyday
}

/// Bytes with one to four random edits: a byte changed, removed or put in, or the rest cut off.
func mutated(_ seed: [UInt8], palette: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
  var bytes = seed
  for _ in 0...random.integer(below: 4) where !bytes.isEmpty {
    let index = random.integer(below: bytes.count)
    let byte = random.integer(below: 2) == 0 ? palette[random.integer(below: palette.count)] : UInt8(random.integer(below: 256))
    switch random.integer(below: 8) {
    case 0...3: bytes[index] = byte
    case 4, 5: bytes.remove(at: index)
    case 6: bytes.insert(byte, at: index)
    default: bytes.removeSubrange(index...)
    }
  }
  return bytes
}
