import Ground
package import Yams

/// YAML that may come from elsewhere: run records and studies' files.
///
/// libYAML bounds how deep values lie in each other, and a file's size is checked before it is read. What is left are aliases: a few lines of `[*a, *a]`
/// stand for any number of values, and Yams goes through all of them wherever it compares keys or decodes.
package enum ForeignYAML {
  /// The most bytes of a file.
  package static let mostBytes = 1 << 24
  /// As many aliases, each in the value of the one before, make 3⁴ = 81 copies of what they stand for.
  static let mostAliases = 12

  /// The value of a text.
  /// - Parameters:
  ///   - name: the file, for messages.
  ///   - remedy: what to do where it is no YAML.
  /// - Throws: `RunError`.
  package static func node(_ text: String, named name: String, remedy: String) throws -> Node? {
    guard count(of: UInt8(ascii: "&"), in: text) == 0 || count(of: UInt8(ascii: "*"), in: text) <= mostAliases else {
      throw RunError("\(name) has more than \(mostAliases) aliases (*name), which may stand for any number of values; write the values out")
    }
    do { return try Yams.compose(yaml: text) } catch {
      throw RunError("\(name) is not YAML (\("\(error)".split(separator: "\n").first ?? "unreadable")); \(remedy)")
    }
  }

  /// How often the sign begins a word, as in an anchor or an alias. Texts count, too: only a parser knows where they end.
  private static func count(of sign: UInt8, in text: String) -> Int {
    var count = 0
    var before = UInt8(ascii: " ")
    var isSign = false
    for byte in text.utf8 {
      if isSign, !isBlank(byte), ![UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(byte) { count += 1 }
      isSign =
        byte == sign && (isBlank(before) || [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":")].contains(before))
      before = byte
    }
    return count
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 }
}
