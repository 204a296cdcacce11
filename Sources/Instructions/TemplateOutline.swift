import StrictJSON

/// The texts, fields and sections of a template, by which the size of what it makes of a record is bounded before it is made: sections
/// within sections multiply lists.
struct TemplateOutline: Sendable {
  private indirect enum Piece: Sendable {
    case text(bytes: Int)
    /// A field, by the last part of its name.
    case field(String)
    case section(String, [Piece])
  }

  /// The pieces of the template, then those of each open section from the outermost in.
  private var open: [(name: String, pieces: [Piece])] = [("", [])]
  private(set) var hasSections = false

  /// The sections that are open.
  var depth: Int { open.count - 1 }

  mutating func add(text bytes: Int) { open[open.count - 1].pieces.append(.text(bytes: bytes)) }

  mutating func add(field name: String) { open[open.count - 1].pieces.append(.field(Self.key(name))) }

  mutating func openSection(_ name: String) {
    hasSections = true
    open.append((Self.key(name), []))
  }

  /// Closes the innermost section; without one nothing happens.
  mutating func closeSection() {
    guard open.count > 1, let section = open.popLast() else { return }
    open[open.count - 1].pieces.append(.section(section.name, section.pieces))
  }

  /// The last part of a dotted name; "." alone stays.
  private static func key(_ name: String) -> String { name == "." ? name : name.split(separator: ".").last.map(String.init) ?? name }

  /// At least as many bytes as the template makes of a record's fields; `Int.max` where it is too much to count.
  func size(of fields: JSONObject) -> Int {
    var greatest = Greatest()
    greatest.add(.object(fields), named: "")
    // Sections are closed where the whole template is sound.
    return size(open[0].pieces, in: "", greatest)
  }

  /// - Parameter section: what "." stands for.
  private func size(_ pieces: [Piece], in section: String, _ greatest: Greatest) -> Int {
    var sum = 0
    for piece in pieces {
      let bytes: Int
      switch piece {
      case .text(let count): bytes = count
      case .field(let name): bytes = greatest.lengths[name == "." ? section : name] ?? 0
      case .section(let name, let inner):
        let name = name == "." ? section : name
        let count = max(1, greatest.counts[name] ?? 1)
        let (product, overflow) = count.multipliedReportingOverflow(by: max(1, size(inner, in: name, greatest)))
        bytes = overflow ? .max : product
      }
      let (total, overflow) = sum.addingReportingOverflow(bytes)
      guard !overflow else { return .max }
      sum = total
    }
    return sum
  }

  /// For each field name, wherever in the record it stands: the bytes of the longest text, and the elements of the longest list.
  private struct Greatest {
    var lengths: [String: Int] = [:]
    var counts: [String: Int] = [:]

    mutating func add(_ value: JSONValue, named name: String) {
      switch value {
      case .null: break
      case .bool, .int, .double: raise(\.lengths, name, to: 32)
      case .string(let text): raise(\.lengths, name, to: text.utf8.count)
      case .list(let elements):
        raise(\.counts, name, to: elements.count)
        for element in elements { add(element, named: name) }
      case .object(let object):
        for field in object.fields { add(field.value, named: field.name) }
      }
    }

    private mutating func raise(_ table: WritableKeyPath<Greatest, [String: Int]>, _ name: String, to value: Int) {
      if self[keyPath: table][name, default: 0] < value { self[keyPath: table][name] = value }
    }
  }
}
