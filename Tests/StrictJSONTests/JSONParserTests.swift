import StrictJSON
import Testing

@Suite struct JSONParserTests {
  let parser = JSONParser()

  static let sound: [(String, JSONValue)] = [
    ("null", JSONValue.null), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("9223372036854775807", 9_223_372_036_854_775_807),
    ("-9223372036854775808", .int(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.5", 1.5), ("-2e3", -2000.0),
    ("1E+2", 100.0), ("1e-400", 0.0), (#""""#, ""), (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{c}\n\r\tz")),
    (#""\u4e2d\u6587 \ud83d\ude42 中文 🙂""#, "中文 🙂 中文 🙂"), (#""\u0000""#, "\0"), ("[]", []), ("[1, [2], {}]", [1, [2], [:]]),
    (#"{"a": 1, "b": {"c": [null]}}"#, ["a": 1, "b": ["c": [nil]]]), (#"{"": 0}"#, ["": 0]), ("\"\u{FEFF}x\"", "\u{FEFF}x"),
  ]

  @Test(arguments: sound)
  func readsValues(text: String, value: JSONValue) throws {
    #expect(try parser.parse(text) == value)
  }

  @Test(arguments: [
    "", " ", "nul", "truex", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "1e999", "[1,]", "[1 2]", "[", "]", "{",
    "}",
    #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "{'a':1}", #"{"a":1 "b":2}"#, #"""#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#,
    #""\udc00\ud800""#, #""\ud800\u0041""#, "\"\n\"", "\"\t\"", "1 2", "[1]]", #"{"a":1,"a":2}"#, "\u{FEFF}1",
  ])
  func refusesWhatIsNoJSON(text: String) {
    #expect(throws: JSONError.self) { try parser.parse(text) }
  }

  @Test func refusesInvalidUTF8() {
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE4, 0xB8]] {
      #expect(throws: JSONError.self) { try parser.parse([0x22] + bytes + [0x22]) }
      #expect(throws: JSONError.self) { try parser.parse([0x22, 0x5C, 0x6E] + bytes + [0x22]) }
    }
  }

  @Test func limitsDepth() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try parser.parse(nested(128))
    #expect(throws: JSONError.self) { try parser.parse(nested(129)) }
    #expect(throws: JSONError.self) { try parser.parse(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try parser.parse(String(repeating: #"{"a":"#, count: 1_000_000)) }
  }

  @Test func namesTheByte() {
    #expect(throws: JSONError(offset: 6, problem: "'x' stands where a value should be")) { try parser.parse(#"{"a": x}"#) }
    #expect(throws: JSONError(offset: 8, problem: "the field 'a' is there twice")) { try parser.parse(#"{"a":1, "a":2}"#) }
  }

  @Test func keepsCanonicallyEquivalentNamesApart() throws {
    let value = try parser.parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    #expect(value.object?["\u{E9}"] == 1)
    #expect(value.object?["e\u{301}"] == 2)
    let many = "{" + (0..<100).map { "\"k\($0)\": \($0)" }.joined(separator: ",")
    #expect(try parser.parse(many + "}").object?["k99"] == 99)
    #expect(throws: JSONError.self) { try parser.parse(many + ",\"k7\":1}") }
  }

  @Test func readsPythonsNumbersOnRequest() throws {
    let lenient = JSONParser(acceptsNonFiniteNumbers: true)
    #expect(try lenient.parse("NaN").double?.isNaN == true)
    #expect(try lenient.parse("[Infinity, -Infinity]") == [.double(.infinity), .double(-.infinity)])
    #expect(throws: JSONError.self) { try lenient.parse("-NaN") }
  }

  @Test func writesWhatItReads() throws {
    let text = #"{"a":[1,-2.5,null,true,"\"\\\n\r\t\u0001中🙂"],"b":{},"c":[]}"#
    let value = try parser.parse(text)
    #expect(value.jsonText == text)
    #expect(try parser.parse(value.jsonText) == value)
    #expect(JSONValue.double(.nan).jsonText == "null")
  }

  /// Random edits of sound texts: whatever comes in, the parser answers with a value or an error, and a value survives writing and reading.
  @Test func survivesMutations() throws {
    let seeds = [
      #"{"question":"A \u4e2d \ud83d\ude42?","options":["a","b"],"n":[0,-1.5e3,9223372036854775807],"x":{"y":{"z":[[]]}},"t":true}"#,
      #"[{"a":null},{"a":"\\\"/"}]"#,
    ].map { Array($0.utf8) }
    let palette = Array(#"{}[]",:\u0123456789eE+-.tfn 中"#.utf8) + [0, 0x1F, 0x80, 0xFF]
    var random = SplitMix(state: 1)
    for round in 0..<fuzzRounds(20_000) {
      var bytes = seeds[round % seeds.count]
      for _ in 0...Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] = palette.randomElement(using: &random) ?? 0
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(palette.randomElement(using: &random) ?? 0, at: index)
        default: bytes.removeSubrange(index...)
        }
      }
      if let value = try? parser.parse(bytes) { #expect(try parser.parse(value.jsonText) == value, "\(bytes)") }
    }
  }
}
