import StrictJSON
import Ground

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
    bytes = Lookahead(source)
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
      throw failure("this is not JSON: a list or an object should start here")
    }
  }

  /// Reads an object's members until its `data` list starts or the object ends.
  private mutating func members(of object: JSONObject, at place: RecordPlace) throws(DataError) -> Record? {
    var object = object
    var size = 0
    var values = 0
    if try bytes.skipWhitespace() == UInt8(ascii: "}") {
      bytes.advance()
      try finish()
      return Record(fields: object, place: place)
    }
    while true {
      guard try bytes.skipWhitespace() == UInt8(ascii: "\"") else { throw failure("a field name should stand here") }
      let written = try bytes.value(failure: failure)
      guard case .string(let field) = try parsed(written, &values) else { throw failure("a field name should stand here") }
      guard try bytes.skipWhitespace() == UInt8(ascii: ":") else {
        throw failure("':' should stand behind the field name \(listed([field]))")
      }
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
      guard !object.contains(field) else { throw failure("the field \(listed([field])) is there twice") }
      object.append(field, try parsed(value, &values))
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
    return try bytes.withBytes(value) { bytes throws(DataError) in try record(from: bytes, at: place) }
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

  /// The value of a member.
  /// - Parameter values: how many values the object has so far.
  private func parsed(_ member: Range<Int>, _ values: inout Int) throws(DataError) -> JSONValue {
    let before = values
    let (value, count) = try bytes.withBytes(member) { bytes throws(DataError) in
      do throws(JSONError) {
        var scanner = JSONScanner(bytes, options: dataParser, valueCount: before)
        let value = try scanner.value()
        try scanner.end()
        return (value, scanner.valueCount)
      } catch {
        throw failure("the JSON is broken: \(error)")
      }
    }
    values = count
    return value
  }

  /// An error behind which the document's structure is lost.
  private func failure(_ problem: Message) -> DataError {
    .file("\(name):\(bytes.line)", problem: problem)
  }
}
