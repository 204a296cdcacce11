import StrictJSON

/// A JSON file that is one document: a list of records, an object whose `data` is a list of records (SQuAD), or an object
/// that is a record itself (a problem of MATH). Lists are read element by element, in the memory of one element.
struct JSONDocumentReader: RecordReader {
  private var bytes: Lookahead
  private let name: String
  private var state = State.start

  private enum State {
    case start
    /// In the list of records: before the first element, or behind one; `inObject` when the list is an object's `data`.
    case firstElement(inObject: Bool)
    case laterElement(inObject: Bool)
    case end
  }

  init(_ source: any ByteSource, name: String) {
    bytes = Lookahead(source, name: name)
    self.name = name
  }

  mutating func next() throws(DataError) -> Record? {
    while true {
      switch state {
      case .start:
        if let record = try start() { return record }
      case .firstElement(let inObject), .laterElement(let inObject):
        if let record = try element(inObject: inObject) { return record }
      case .end:
        return nil
      }
    }
  }

  /// Enters the document. Gives a record where the document is one.
  private mutating func start() throws(DataError) -> Record? {
    try bytes.leaveOutByteOrderMark()
    switch try bytes.skipWhitespace() {
    case UInt8(ascii: "["):
      bytes.advance()
      state = .firstElement(inObject: false)
      return nil
    case UInt8(ascii: "{"):
      let place = RecordPlace(file: name, number: bytes.line)
      bytes.advance()
      return try members(of: JSONObject(), at: place)
    default:
      throw failure("this is no JSON: a list or an object should start here")
    }
  }

  /// Reads an object's members until its `data` list starts or the object ends.
  private mutating func members(of object: JSONObject, at place: RecordPlace) throws(DataError) -> Record? {
    var object = object
    var size = 0
    if try bytes.skipWhitespace() == UInt8(ascii: "}") {
      bytes.advance()
      try finish()
      return Record(fields: object, place: place)
    }
    while true {
      guard try bytes.skipWhitespace() == UInt8(ascii: "\"") else { throw failure("a field name should stand here") }
      guard case .string(let field) = try parsed(try bytes.value(failure: failure)) else { throw failure("a field name should stand here") }
      guard try bytes.skipWhitespace() == UInt8(ascii: ":") else { throw failure("':' should stand behind the field name '\(field)'") }
      bytes.advance()
      let first = try bytes.skipWhitespace()
      if field == "data", first == UInt8(ascii: "[") {
        bytes.advance()
        state = .firstElement(inObject: true)
        return nil
      }
      let value = try bytes.value(failure: failure)
      size += value.count
      guard size <= RecordLimits.bytes else {
        throw failure("the object is larger than \(RecordLimits.bytes >> 20) MiB and has no list 'data'")
      }
      guard object[field] == nil else { throw failure("the field '\(field)' is there twice") }
      object.fields.append(JSONObject.Field(field, try parsed(value)))
      switch try bytes.skipWhitespace() {
      case UInt8(ascii: ","): bytes.advance()
      case UInt8(ascii: "}"):
        bytes.advance()
        try finish()
        return Record(fields: object, place: place)
      default: throw failure("',' or '}' should stand here")
      }
    }
  }

  /// The next element of the list; nil at its end.
  private mutating func element(inObject: Bool) throws(DataError) -> Record? {
    var first = try bytes.skipWhitespace()
    if first == UInt8(ascii: "]") {
      bytes.advance()
      if inObject { try skipMembers() }
      try finish()
      return nil
    }
    if case .laterElement = state {
      guard first == UInt8(ascii: ",") else { throw failure("',' or ']' should stand between two records") }
      bytes.advance()
      first = try bytes.skipWhitespace()
      if first == UInt8(ascii: "]") { throw failure("a record should stand behind the ','") }
    }
    let place = RecordPlace(file: name, number: bytes.line)
    let value = try bytes.value(failure: failure)
    state = .laterElement(inObject: inObject)
    return try record(from: value, at: place)
  }

  /// Passes over what stands behind the `data` list.
  private mutating func skipMembers() throws(DataError) {
    while true {
      switch try bytes.skipWhitespace() {
      case UInt8(ascii: "}"):
        bytes.advance()
        return
      case UInt8(ascii: ","):
        bytes.advance()
        guard try bytes.skipWhitespace() == UInt8(ascii: "\"") else { throw failure("a field name should stand here") }
        _ = try bytes.value(failure: failure)
        guard try bytes.skipWhitespace() == UInt8(ascii: ":") else { throw failure("':' should stand here") }
        bytes.advance()
        try bytes.skipWhitespace()
        _ = try bytes.value(failure: failure)
      default: throw failure("',' or '}' should stand here")
      }
    }
  }

  private mutating func finish() throws(DataError) {
    state = .end
    if try bytes.skipWhitespace() != nil {
      throw failure("something follows the end of the document (a record a line? then name it .jsonl)")
    }
  }

  private func parsed(_ value: [UInt8]) throws(DataError) -> JSONValue {
    do throws(JSONError) { return try dataParser.parse(value) } catch { throw failure("the JSON is broken: \(error)") }
  }

  /// An error behind which the document's structure is lost.
  private func failure(_ problem: String) -> DataError {
    .file("\(name):\(bytes.line)", problem: problem)
  }
}

/// A window onto a stream of bytes that finds where JSON values end.
private struct Lookahead {
  private let source: any ByteSource
  private let name: String
  private var buffer: [UInt8] = []
  private var position = 0
  private var atEnd = false
  /// The line of the cursor, counted from 1.
  private(set) var line = 1

  init(_ source: any ByteSource, name: String) {
    self.source = source
    self.name = name
  }

  mutating func advance() { position += 1 }

  mutating func leaveOutByteOrderMark() throws(DataError) {
    while buffer.count < 3, !atEnd { try fill() }
    if buffer.starts(with: byteOrderMark) { position = 3 }
  }

  /// Moves to the next byte that is not white space, and gives it; nil at the end.
  @discardableResult
  mutating func skipWhitespace() throws(DataError) -> UInt8? {
    while true {
      while position < buffer.count {
        let byte = buffer[position]
        guard isJSONWhitespace(byte) else { return byte }
        if byte == 0x0A { line += 1 }
        position += 1
      }
      if atEnd { return nil }
      buffer.removeAll(keepingCapacity: true)
      position = 0
      try fill()
    }
  }

  /// The bytes of the value at the cursor, which moves behind it. Only brackets and quotes are looked at: whether the value
  /// is sound is for the parser to say.
  mutating func value(failure: (String) -> DataError) throws(DataError) -> [UInt8] {
    if position > 0 {
      buffer.removeSubrange(..<position)
      position = 0
    }
    var scan = ValueScan()
    var index = 0
    var lines = 0
    while true {
      var end: Int?
      buffer.withUnsafeBufferPointer { bytes in
        while index < bytes.count {
          let byte = bytes[index]
          if byte == 0x0A { lines += 1 }
          if scan.ends(before: byte) {
            if byte == 0x0A { lines -= 1 }
            end = index
            return
          }
          index += 1
          if scan.ends(with: byte) {
            end = index
            return
          }
        }
      }
      if let end {
        guard end > 0 else { throw failure("a value should stand here") }
        line += lines
        position = end
        return Array(buffer[..<end])
      }
      if atEnd {
        guard !buffer.isEmpty, scan.isScalar else { throw failure("the file ends inside a value") }
        position = buffer.count
        return buffer
      }
      guard buffer.count <= RecordLimits.bytes else { throw failure("a record is larger than \(RecordLimits.bytes >> 20) MiB") }
      try fill()
    }
  }

  private mutating func fill() throws(DataError) {
    let more = try source.read()
    if more.isEmpty { atEnd = true } else { buffer.append(contentsOf: more) }
  }
}

/// Follows brackets and quotes through the bytes of one value.
private struct ValueScan {
  private var depth = 0
  private var inString = false
  private var escaped = false
  private var started = false
  /// Whether the value is a bare word or number, which only what follows it ends.
  var isScalar: Bool { started && depth == 0 && !inString }

  /// Whether a scalar has ended before this byte.
  mutating func ends(before byte: UInt8) -> Bool {
    guard depth == 0, !inString else { return false }
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09: return true
    default: return false
    }
  }

  /// Whether this byte is the last of a list, an object or a string.
  mutating func ends(with byte: UInt8) -> Bool {
    started = true
    if inString {
      if escaped {
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: "\"") {
        inString = false
        return depth == 0
      }
      return false
    }
    switch byte {
    case UInt8(ascii: "\""):
      inString = true
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      depth += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"):
      depth -= 1
      return depth == 0
    default: break
    }
    return false
  }
}
