import Foundation
import Ground
import Runs
import Yams

/// One mapping of a study's file: values by key, and errors that name key and place.
struct StudySection {
  private let mapping: Node.Mapping
  /// Where it stands, for messages: `study.yaml: tasks.gsm8k`.
  let place: String

  /// Reads a mapping and refuses keys that are none of its own.
  init(_ node: Node?, _ place: String, _ keys: [StudyKey]) throws {
    guard let node, node.null == nil else {
      mapping = [:]
      self.place = place
      return
    }
    guard let mapping = node.mapping else { throw RunError("\(place) should hold keys and values; see headway study new") }
    self.mapping = mapping
    self.place = place
    for (key, _) in mapping {
      let name = key.string ?? "?"
      guard keys.contains(where: { $0.name == name }) else {
        throw RunError("\(place) has the key '\(name)', which is none there; \(StudyKeys.remedy(for: name, among: keys))")
      }
    }
  }

  /// The value of a key; nil where it is missing or null.
  func node(_ key: String) -> Node? { mapping[Node(key)].flatMap { $0.null == nil ? $0 : nil } }

  private func wrong(_ key: String, _ wanted: String) -> RunError { RunError("\(place): '\(key)' takes \(wanted)") }

  func string(_ key: String) throws -> String? {
    guard let node = node(key) else { return nil }
    guard let text = node.scalar?.string, !text.isEmpty else { throw wrong(key, "a text") }
    return text
  }

  func requiredString(_ key: String) throws -> String {
    guard let text = try string(key) else { throw RunError("\(place) has no '\(key)'; give it one") }
    return text
  }

  /// A text, or a list of texts.
  func strings(_ key: String) throws -> [String]? {
    guard let node = node(key) else { return nil }
    if let text = node.scalar?.string { return [text] }
    let texts = node.sequence?.compactMap { $0.scalar?.string }
    guard let texts, texts.count == node.sequence?.count else { throw wrong(key, "a text or a list of texts") }
    return texts
  }

  func integer(_ key: String, atLeast least: Int) throws -> Int? {
    guard let node = node(key) else { return nil }
    guard let number = node.scalar.flatMap({ Int($0.string) }), number >= least else { throw wrong(key, "a whole number from \(least) on") }
    return number
  }

  /// A whole number, or a list of them.
  func integers(_ key: String, atLeast least: Int) throws -> [Int]? {
    guard let node = node(key) else { return nil }
    let parts = node.sequence.map(Array.init) ?? [node]
    let numbers = parts.compactMap { $0.scalar.flatMap { Int($0.string) } }.filter { $0 >= least }
    guard !parts.isEmpty, numbers.count == parts.count, Set(numbers).count == numbers.count else {
      throw wrong(key, "different whole numbers from \(least) on")
    }
    return numbers
  }

  func number(_ key: String, _ wanted: String, _ holds: (Double) -> Bool) throws -> Double? {
    guard let node = node(key) else { return nil }
    guard let number = node.scalar.flatMap({ Double($0.string) }), number.isFinite, holds(number) else {
      throw wrong(key, "a number \(wanted)")
    }
    return number
  }

  func truth(_ key: String) throws -> Bool? {
    guard let node = node(key) else { return nil }
    guard let truth = node.bool else { throw wrong(key, "true or false") }
    return truth
  }

  /// One of the values of a type.
  func choice<Value: RawRepresentable<String>>(_ key: String, _ values: [Value]) throws -> Value? {
    guard let text = try string(key) else { return nil }
    return try choice(text, key, values)
  }

  func choice<Value: RawRepresentable<String>>(_ text: String, _ key: String, _ values: [Value]) throws -> Value {
    let names = values.map(\.rawValue)
    guard let value = values.first(where: { $0.rawValue == text }) else {
      throw wrong(key, "one of \(names.joined(separator: ", ")), not '\(text)'")
    }
    return value
  }

  /// What a type reads from a text.
  func text<Value: CodedAsText>(_ key: String, of type: Value.Type) throws -> Value? {
    guard let text = try string(key) else { return nil }
    guard let value = Value(text) else { throw RunError("\(place): '\(key)' is '\(text)'; \(Value.textForm)") }
    return value
  }

  /// A mapping inside this one; without keys where it is missing.
  func section(_ key: String, _ keys: [StudyKey]) throws -> StudySection { try StudySection(node(key), "\(place): \(key)", keys) }

  /// A list of mappings.
  func sections(_ key: String, _ keys: [StudyKey]) throws -> [StudySection] {
    guard let node = node(key) else { return [] }
    guard let list = node.sequence else { throw wrong(key, "a list") }
    return try list.enumerated().map { index, node in
      let name = node.mapping?["name"]?.string ?? "\(index)"
      return try StudySection(node, "\(place): \(key).\(name)", keys)
    }
  }

  /// Texts by text.
  func texts(_ key: String) throws -> [String: String]? {
    guard let node = node(key) else { return nil }
    guard let mapping = node.mapping else { throw wrong(key, "keys and texts") }
    var found: [String: String] = [:]
    for (name, value) in mapping {
      guard let name = name.string, let text = value.scalar?.string else { throw wrong(key, "keys and texts") }
      found[name] = text
    }
    return found
  }

  /// What a library reads from the whole mapping, keys of others left out.
  func decode<Value: Decodable>(_ type: Value.Type, without others: Set<String>) throws -> Value {
    let own = Node(mapping.filter { !others.contains($0.key.string ?? "") }.map { ($0.key, $0.value) })
    do { return try YAMLDecoder().decode(type, from: own) } catch let error as DecodingError {
      throw RunError("\(place): \(error.sentence)")
    }
  }
}
