import Foundation
import StrictJSON
import Testing

@testable import Tokenizers

/// The fixtures: tokenizers of every form with what Hugging Face gives for hard texts.
enum Goldens {
  /// One tokenizer and its expected results.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var begin: Int?
    var end: Int?
    var template: String?
    var size: Int
    /// Ids of each text, with special tokens.
    var ids: [[Int]]
    /// Ids of the empty text with special tokens.
    var around: [Int]
    /// Text of every third list of ids.
    var decoded: [String]
    /// The same without special tokens.
    var skipped: [String]

    var testDescription: String { name }
    var folder: URL { Goldens.folder.appendingPathComponent("tokenizers/\(name)") }
  }

  static let folder = Bundle.module.bundleURL.appendingPathComponent("Fixtures")

  /// The hard texts.
  static let texts: [String] = (try? json("texts.json").list?.compactMap(\.string)) ?? []

  /// Every tokenizer; empty where the fixtures cannot be read, which a test of its own reports.
  static let cases: [Case] = {
    guard let fields = try? json("ids.json")["tokenizers"]?.object?.fields else { return [] }
    return fields.map { field in
      func ids(_ value: JSONValue?) -> [Int] { value?.list?.compactMap(\.int) ?? [] }
      func texts(_ name: String) -> [String] { field.value[name]?.list?.compactMap(\.string) ?? [] }
      return Case(
        name: field.name, begin: field.value["begin"]?.int, end: field.value["end"]?.int, template: field.value["template"]?.string,
        size: field.value["size"]?.int ?? 0, ids: field.value["ids"]?.list?.map { ids($0) } ?? [],
        around: ids(field.value["around"]?.list?.first), decoded: texts("decoded"), skipped: texts("skipped"))
    }
  }()

  private static func json(_ name: String) throws -> JSONValue {
    try JSONParser().parse(Data(contentsOf: folder.appendingPathComponent(name)))
  }

  /// The files of a tokenizer, to be changed and read again.
  static func files(_ name: String) throws -> [String: Data] {
    let folder = folder.appendingPathComponent("tokenizers/\(name)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.appendingPathComponent($0))) })
  }

  /// A file's text with `old` replaced, to make a file that asks for something else.
  static func replacing(_ old: String, with new: String, in file: String, of name: String) throws -> [String: Data] {
    var files = try files(name)
    let text = String(decoding: files[file] ?? Data(), as: UTF8.self)
    guard text.contains(old) else { throw Missing(text: old) }
    files[file] = Data(text.replacingOccurrences(of: old, with: new).utf8)
    return files
  }

  /// The text that a test wanted to replace is not in the fixture.
  struct Missing: Error { var text: String }
}
