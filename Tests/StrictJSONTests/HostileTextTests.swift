import StrictJSON
import Testing

/// Texts that are made to take long or much.
@Suite(.timeLimit(.minutes(1))) struct HostileTextTests {
  @Test func valuesAreCounted() throws {
    let parser = JSONParser(valueLimit: 5)
    #expect(try parser.parse("[1,2,3,4]").list?.count == 4)
    #expect(try parser.parse(#"{"a":{"b":[1]},"c":2}"#).object?.fields.count == 2)
    for text in ["[1,2,3,4,5]", "[[],[],[],[],[]]", #"{"a":{"b":[1]},"c":[2]}"#] {
      #expect(throws: JSONError.self) { try parser.parse(text) }
    }
  }

  @Test func objectsOfManyFieldsAreReadInLinearTime() throws {
    let fields = (0..<200_000).map { "\"f\($0)\":\($0)" }.joined(separator: ",")
    let object = try #require(try JSONParser().parse("{\(fields)}").object)
    for index in stride(from: 0, to: 200_000, by: 7) { #expect(object["f\(index)"] == .int(index)) }
    #expect(object["f200000"] == nil)
    #expect(throws: JSONError.self) { try JSONParser().parse("{\(fields),\"f7\":1}") }
  }

  @Test func repeatedNamesCountAsForPythonOnRequest() throws {
    let parser = JSONParser(acceptsRepeatedNames: true)
    #expect(try parser.parse(#"{"a":1,"b":2,"a":3}"#) == ["a": 3, "b": 2])
    let many = (0..<100).map { "\"f\($0)\":1" }.joined(separator: ",")
    #expect(try parser.parse("{\(many),\"f50\":2}").object?["f50"] == 2)
  }

  @Test func byteOrderMarkIsReadOnRequest() throws {
    let parser = JSONParser(acceptsByteOrderMark: true)
    #expect(try parser.parse("\u{FEFF}[1]") == [1])
    #expect(try parser.parse("[\"\u{FEFF}\"]") == ["\u{FEFF}"])
    #expect(throws: JSONError.self) { try parser.parse("\u{FEFF}\u{FEFF}[1]") }
    #expect(throws: JSONError.self) { try parser.parse("[\u{FEFF}1]") }
  }

  @Test func numbersOfManyDigits() throws {
    let digits = String(repeating: "1", count: 1_000_000)
    #expect(throws: JSONError.self) { try JSONParser().parse("0.\(digits)") }
    #expect(throws: JSONError.self) { try JSONParser().parse("1e\(digits)") }
    #expect(try JSONParser().parse("0.\(digits.prefix(4000))").double != nil)
  }

  /// Alternating marks of two classes are what sorting them takes longest for.
  @Test func marksInARow() throws {
    func text(_ count: Int, _ marks: [String] = ["\u{301}", "\u{323}"]) -> String {
      "\"a" + (0..<count).map { marks[$0 % marks.count] }.joined() + "b\""
    }
    _ = try JSONParser().parse(text(256))
    for marks in [
      ["\u{301}", "\u{323}"], ["\u{5B0}", "\u{5C1}"], ["\u{302A}", "\u{3099}"], ["\u{1D165}", "\u{1D167}"], ["\u{FE20}", "\u{FE27}"],
    ] {
      #expect(throws: JSONError.self) { try JSONParser().parse(text(300, marks)) }
      #expect(throws: JSONError.self) { try JSONParser().parse("{\(text(300, marks)):1}") }
    }
    // Anything between them ends the row.
    for between in ["a", " ", "中", "한", "🙂", "é", "\u{200D}"] {
      _ = try JSONParser().parse(text(3000, [String(repeating: "\u{301}\u{323}", count: 40) + between]))
    }
  }

  /// Strings at every offset of the eight bytes that are looked at together.
  @Test func stringsEndWhereTheyEnd() throws {
    for length in 0..<40 {
      let filler = String(repeating: "x", count: length)
      for (tail, value) in [("", ""), ("é", "é"), (#"\n"#, "\n"), (#"\""#, "\""), ("中\\\\", "中\\"), ("\u{7F}", "\u{7F}")] {
        #expect(try JSONParser().parse("[\"\(filler)\(tail)\",1]") == [.string(filler + value), 1])
        #expect(try JSONParser().parse("[\"\(tail)\(filler)\",1]") == [.string(value + filler), 1])
      }
      for broken in ["\u{1F}", "\n", "\u{0}"] {
        #expect(throws: JSONError.self) { try JSONParser().parse("[\"\(filler)\(broken)xxxxxxxx\"]") }
      }
      for bytes: [UInt8] in [[0x80], [0xC3], [0xED, 0xA0, 0x80], [0xFF]] {
        #expect(throws: JSONError.self) { try JSONParser().parse(Array("\"\(filler)".utf8) + bytes + Array("\"".utf8)) }
      }
      #expect(throws: JSONError.self) { try JSONParser().parse("\"\(filler)") }
    }
  }
}

/// Pulling values one by one gives what the tree gives.
@Suite struct JSONScannerTests {
  private func scan<Value>(_ text: String, _ body: (inout JSONScanner) throws(JSONError) -> Value) throws -> Value {
    try Array(text.utf8).withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      let value = try body(&scanner)
      try scanner.end()
      return value
    }
  }

  @Test func readsListsAndObjects() throws {
    let text = #" { "names" : ["a", "\u00e9\n", "中"] , "sizes":[0 ,12], "rest": {"x": [1, {}]}} "#
    var names: [String] = []
    var sizes: [Int] = []
    var rest: JSONValue?
    try scan(text) { scanner throws(JSONError) in
      try scanner.object { scanner, name throws(JSONError) in
        switch name {
        case "names":
          try scanner.list { scanner throws(JSONError) in try scanner.string { names.append(String(decoding: $0, as: UTF8.self)) } }
        case "sizes": try scanner.list { scanner throws(JSONError) in sizes.append(try scanner.wholeNumber()) }
        default: rest = try scanner.value()
        }
      }
    }
    #expect(names == ["a", "é\n", "中"])
    #expect(sizes == [0, 12])
    #expect(rest == ["x": [1, [:]]])
  }

  @Test(arguments: ["-1", "01", "1.0", "1e3", "99999999999999999999", "x", "", "\"1\""]) func wholeNumbersAreWhole(text: String) {
    #expect(throws: JSONError.self) { try scan(text) { scanner throws(JSONError) in try scanner.wholeNumber() } }
  }

  @Test(arguments: ["[", "[1", "[1,]", "[1 2]", "[1]]", "{}", "1"]) func brokenListsAreRefused(text: String) {
    #expect(throws: JSONError.self) {
      try scan(text) { scanner throws(JSONError) in try scanner.list { scanner throws(JSONError) in _ = try scanner.wholeNumber() } }
    }
  }

  /// Values cut at every place into two pieces end where the parser says they end.
  @Test(arguments: [#"{"a":"]}\"\\","b":[1,{"c":null}]}"#, #""te\"xt""#, "[[],[[]]]", "-12.5e3", "true"]) func extents(text: String) throws
  {
    let bytes = Array(text.utf8) + Array(", 7".utf8)
    var extent = JSONExtent()
    var end: Int?
    for (index, byte) in bytes.enumerated() {
      if extent.ends(before: byte) {
        end = index
        break
      }
      if extent.ends(with: byte) {
        end = index + 1
        break
      }
    }
    #expect(end == text.utf8.count)
  }
}
