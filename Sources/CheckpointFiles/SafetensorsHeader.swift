import StrictJSON

/// What a safetensors header says, before its numbers are checked against each other.
struct SafetensorsHeader {
  struct Tensor {
    var name: String
    var elementType: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }
  var metadata: [String: String] = [:]
  var tensors: [Tensor] = []
}

/// What is wrong with a header's text.
struct SafetensorsHeaderError: Error {
  var tensor: String?
  var problem: String
}

extension SafetensorsHeader {
  /// Bounds on what a header may ask for in memory: a header of the greatest length has room for more than a million of each.
  private static let mostTensors = 500_000
  private static let mostMetadata = 100_000
  private static let mostDimensions = 64

  /// Reads a header: one JSON object of fixed form, so that depth and size are bounded by the grammar, duplicate names are seen, and no
  /// number passes through floating point.
  init(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsHeaderError) {
    var current: String?
    do throws(JSONError) {
      var scanner = JSONScanner(bytes.bindMemory(to: UInt8.self))
      var header = SafetensorsHeader()
      try header.read(&scanner, &current)
      try scanner.end()
      self = header
    } catch {
      throw SafetensorsHeaderError(
        tensor: current, problem: "\(current == nil ? "its header is damaged" : "is damaged in the header"): \(error)")
    }
  }

  /// - Parameter current: the tensor being read, for messages.
  private mutating func read(_ scanner: inout JSONScanner, _ current: inout String?) throws(JSONError) {
    var header = SafetensorsHeader()
    var names: Set<String> = []
    var hasMetadata = false
    // The reference implementation allows no space before the brace.
    guard scanner.peek() == UInt8(ascii: "{"), scanner.position == 0 else { throw scanner.error("it does not begin with {") }
    var tensor: String?
    defer { current = tensor }
    try scanner.object { (scanner, name) throws(JSONError) in
      if name == "__metadata__" {
        guard !hasMetadata else { throw scanner.error("__metadata__ is there twice") }
        hasMetadata = true
        header.metadata = try Self.metadata(&scanner)
      } else {
        tensor = name
        guard names.insert(name).inserted else { throw scanner.error("it is named twice") }
        guard header.tensors.count < Self.mostTensors else { throw scanner.error("there are more than \(Self.mostTensors) tensors") }
        header.tensors.append(try Self.tensor(named: name, &scanner))
        tensor = nil
      }
    }
    self = header
  }

  private static func metadata(_ scanner: inout JSONScanner) throws(JSONError) -> [String: String] {
    var metadata: [String: String] = [:]
    try scanner.object { (scanner, key) throws(JSONError) in
      guard scanner.peek() == UInt8(ascii: "\"") else { throw scanner.error("the metadata \(key.shortened) is not a text") }
      guard metadata.updateValue(try scanner.text(), forKey: key) == nil else {
        throw scanner.error("the metadata \(key.shortened) is there twice")
      }
      guard metadata.count <= mostMetadata else { throw scanner.error("there are more than \(mostMetadata) texts of metadata") }
    }
    return metadata
  }

  private static func tensor(named name: String, _ scanner: inout JSONScanner) throws(JSONError) -> Tensor {
    var elementType: String?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { (scanner, field) throws(JSONError) in
      switch field {
      case "dtype" where elementType == nil:
        guard scanner.peek() == UInt8(ascii: "\"") else { throw scanner.unexpected("a dtype") }
        elementType = try scanner.text()
      case "shape" where shape == nil: shape = try wholeNumbers(&scanner)
      case "data_offsets" where offsets == nil: offsets = try wholeNumbers(&scanner)
      case "dtype", "shape", "data_offsets": throw scanner.error("the field '\(field)' is there twice")
      default: throw scanner.error("the field \(field.shortened) is unknown")
      }
    }
    guard let elementType else { throw scanner.error("it has no dtype") }
    guard let shape else { throw scanner.error("it has no shape") }
    guard let offsets else { throw scanner.error("it has no data_offsets") }
    guard offsets.count == 2 else { throw scanner.error("it has \(offsets.count) data_offsets where two belong") }
    return Tensor(name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private static func wholeNumbers(_ scanner: inout JSONScanner) throws(JSONError) -> [Int] {
    var values: [Int] = []
    try scanner.list { scanner throws(JSONError) in
      guard values.count < mostDimensions else { throw scanner.error("there are more than \(mostDimensions) dimensions") }
      values.append(try scanner.wholeNumber())
    }
    return values
  }
}
