public import Foundation
internal import Mustache
public import StrictJSON
import Ground

/// A user's own form of prompt: a Mustache template of `{{field}}`s, rendered as text (nothing is escaped: `<` stays `<`).
///
/// What stands behind the comment `{{!response}}` is the response; a template without it makes the prompt only, and the
/// format's own response stays. The fields are those of the record and those that its format derives. `{{{field}}}` and `{{&field}}` mean the
/// same as `{{field}}`; sections (`{{#field}}…{{/field}}`, `{{^field}}…{{/field}}`) work; partials, blocks, changed delimiters and
/// transformations are refused. One line break at the end of the file, which editors add, does not count.
public struct PromptTemplate: Sendable {
  /// The file's name.
  public let name: String

  private let prompt: Part
  private let response: Part?

  /// One rendered side of the template.
  private struct Part: Sendable {
    var template: MustacheTemplate
    /// Fields that must be in every record: those outside of sections.
    var needed: [String]
    var outline: TemplateOutline
  }

  /// Reads a template file.
  public init(at url: URL) throws(DataError) {
    let name = url.relativePath
    var bytes: [UInt8] = []
    let source = try FileBytes(url, name: name)
    while case let piece = try source.read(), !piece.isEmpty {
      bytes += piece
      guard bytes.count <= Self.mostBytes else {
        throw .file(name, problem: "is larger than \(Self.mostBytes >> 10) KiB, so it is not a template")
      }
    }
    let text: String
    do throws(ForeignText.Problem) { text = try foreignText(bytes) } catch { throw .file(name, problem: Message(error.rawValue)) }
    try self.init(text, name: url.lastPathComponent)
  }

  /// - Parameters:
  ///   - text: the template itself.
  ///   - name: its name in messages.
  public init(_ text: String, name: String) throws(DataError) {
    self.name = name
    guard text.utf8.count <= Self.mostBytes, text.utf8.count(where: { $0 == UInt8(ascii: "{") }) <= Self.mostBraces else {
      throw .file(name, problem: "has more than \(Self.mostBytes >> 10) KiB or \(Self.mostBraces) braces '{', so it is not a template")
    }
    var text = text
    if text.hasSuffix("\r\n") { text.removeLast() } else if text.hasSuffix("\n") { text.removeLast() }
    let mark = "{{!response}}"
    let sides = text.components(separatedBy: mark)
    guard sides.count <= 2 else { throw .file(name, problem: "the mark \(mark) is there twice") }
    prompt = try PromptTemplate.part(sides[0], name: name)
    response = sides.count == 2 ? try PromptTemplate.part(sides[1], name: name) : nil
    guard !prompt.needed.isEmpty || response?.needed.isEmpty == false || text.contains("{{#") else {
      throw .file(name, problem: "the template names no {{field}}")
    }
  }

  /// The rendered prompt, and the rendered response where the template has one.
  public func render(_ fields: JSONObject, at place: RecordPlace) throws(DataError) -> (prompt: String, response: String?) {
    let context = PromptTemplate.context(.object(fields))
    return (
      try PromptTemplate.render(prompt, context, fields, at: place),
      try response.map { part throws(DataError) in try PromptTemplate.render(part, context, fields, at: place) }
    )
  }

  private static func render(_ part: Part, _ context: Any, _ fields: JSONObject, at place: RecordPlace) throws(DataError) -> String {
    let record = Record(fields: fields, place: place)
    for field in part.needed {
      switch record[field] {
      case nil:
        throw .field(
          place, name: field, problem: "is named in the template but missing (there are \(listed(fields.names)))")
      case .list?, .object?:
        throw .field(place, name: field, problem: "is \(record[field]?.kind ?? ""), which the template cannot show as {{\(field)}}")
      default: break
      }
    }
    guard part.outline.size(of: fields) <= mostRendered else {
      throw .record(place, problem: "the template would make a text of more than \(mostRendered >> 20) MiB of it")
    }
    let text = part.template.render(context)
    return text.hasSuffix(sentinel) ? String(text.dropLast(sentinel.count)) : text
  }

  /// Reading a template takes time in proportion to its length times its braces.
  private static let mostBytes = 1 << 16
  private static let mostBraces = 1 << 11
  /// The bytes of a prompt or a response.
  private static let mostRendered = 64 << 20

  /// Mustache drops white space at the end of a template, so each part ends with this private character, which is taken off again.
  private static let sentinel = "\u{F8FF}"

  private static func part(_ text: String, name: String) throws(DataError) -> Part {
    guard !text.contains(sentinel) else { throw .file(name, problem: "holds the private character U+F8FF") }
    let (needed, outline) = try tags(in: text, name: name)
    do {
      return Part(
        template: try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + text + sentinel), needed: needed, outline: outline)
    } catch {
      throw .file(name, problem: "the template is broken (a section that is not closed, or a tag without '}}')")
    }
  }

  /// The fields named outside of sections, and the outline. Tags that reach beyond the record are refused.
  private static func tags(in text: String, name: String) throws(DataError) -> (needed: [String], outline: TemplateOutline) {
    var names: [String] = []
    var outline = TemplateOutline()
    var rest = text[...]
    var line = 1
    var counted = text.startIndex
    while let start = rest.range(of: "{{") {
      line += text[counted..<start.lowerBound].count { $0.isNewline }
      counted = start.lowerBound
      let place = "\(name):\(line)"
      outline.add(text: rest[..<start.lowerBound].utf8.count)
      var body = rest[start.upperBound...]
      let isTriple = body.first == "{"
      guard let end = body.range(of: isTriple ? "}}}" : "}}") else {
        throw .file(place, problem: "a tag is not closed by '\(isTriple ? "}}}" : "}}")'")
      }
      rest = body[end.upperBound...]
      body = body[..<end.lowerBound]
      let kind = body.first ?? " "
      let label = (isTriple || "#^/&!>$<=%".contains(kind) ? body.dropFirst() : body).trimmingCharacters(in: .whitespaces)
      switch kind {
      case "!": continue
      case ">", "<", "$", "=", "%":
        throw .file(place, problem: "the template uses the tag {{\(kind)…}}; only fields and sections are allowed")
      case "/":
        outline.closeSection()
        continue
      default: break
      }
      let characters = label.unicodeScalars
      let parts = label.split(separator: ".", omittingEmptySubsequences: false)
      let isName =
        parts.allSatisfy { !$0.isEmpty && Int($0) == nil }
        && characters.allSatisfy { !"(){}".unicodeScalars.contains($0) && !$0.properties.isWhitespace }
      guard isName || (label == "." && outline.depth > 0) else { throw .file(place, problem: "\(listed([label])) is not a field name") }
      if kind == "#" || kind == "^" {
        outline.openSection(label)
        guard outline.depth <= 16 else { throw .file(place, problem: "sections are nested deeper than 16") }
      } else {
        outline.add(field: label)
        if outline.depth == 0 { names.append(label) }
      }
    }
    outline.add(text: rest.utf8.count)
    return (names, outline)
  }

  /// The fields as Mustache takes them. Null is absent, so that sections see it as false.
  private static func context(_ value: JSONValue) -> Any {
    switch value {
    case .null: ""
    case .bool(let value): value
    case .int(let value): String(value)
    case .double(let value): String(value)
    case .string(let value): value
    case .list(let elements): elements.map(context)
    case .object(let object):
      Dictionary(
        object.fields.filter { $0.value != .null && $0.value != "" }.map { ($0.name, context($0.value)) },
        uniquingKeysWith: { first, _ in first })
    }
  }
}
