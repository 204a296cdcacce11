import Foundation
import Ground
import StrictJSON

/// `config.json`: values by key, with errors that name file and key.
public struct ModelConfiguration: Sendable {
  private let values: [String: JSONValue]
  /// Where the file lies, for messages.
  let path: String
  private let prefix: String
  /// The keys that the file itself states, null ones too.
  private let stated: Set<String>

  /// The most bytes of a file. Published ones have some kilobytes.
  private static let sizeLimit = 16 << 20

  /// Reads the folder's `config.json`, or another file of its kind.
  public init(of folder: ModelFolder, file: String = "config.json") throws {
    let url = folder.file(file)
    let path = url.path(percentEncoded: false)
    guard folder.contains(file) else {
      throw ModelError("\(path) is not there; a Hugging Face model folder has a \(file)")
    }
    let mapped = try MappedFile(at: url)
    guard mapped.count <= ModelConfiguration.sizeLimit else {
      throw ModelError("\(path) has \(mapped.count >> 20) MiB, which no \(file) has; download the file again")
    }
    // Python writes NaN and Infinity, which is why they are read; whoever asks for a number gets finite ones only.
    let parser = JSONParser(acceptsNonFiniteNumbers: true)
    let value: JSONValue
    do {
      value = try withExtendedLifetime(mapped) { try parser.parse(mapped.bytes) }
    } catch {
      throw ModelError("\(path) is not a JSON object: \(error); download the file again")
    }
    guard let object = value.object else { throw ModelError("\(path) is not a JSON object but \(value.kind); download the file again") }
    self.init(object, path: path, prefix: "")
  }

  private init(_ object: JSONObject, path: String, prefix: String) {
    let fields = object.fields.map { ($0.name, $0.value) }
    self.init(values: Dictionary(fields) { first, _ in first }, path: path, prefix: prefix, stated: Set(object.names))
  }

  private init(values: [String: JSONValue], path: String, prefix: String, stated: Set<String>) {
    self.values = values
    self.path = path
    self.prefix = prefix
    self.stated = stated
  }

  /// The keys that are there and not null.
  public var keys: [String] { values.filter { $0.value != .null }.keys.sorted() }

  /// Whether the file itself states the key; otherwise its value is the architecture's default.
  public func states(_ key: String) -> Bool { stated.contains(key) }

  /// Whether a key has a value that switches something on: neither missing nor null, false, or empty.
  func isSet(_ key: String) -> Bool {
    switch values[key] {
    case nil, .null, .bool(false): false
    case .string(let text): !text.isEmpty
    case .list(let list): !list.isEmpty
    case .object(let object): !object.fields.isEmpty
    case .bool, .int, .double: true
    }
  }

  /// A value as it stands; nil where the key is missing.
  func value(_ key: String) -> JSONValue? { values[key] }

  /// A value that must be there.
  public func integer(_ key: String) throws -> Int {
    guard let value = try optionalInteger(key) else { throw missing(key) }
    return value
  }
  /// A whole number, or nil where the key is missing or null.
  public func optionalInteger(_ key: String) throws -> Int? {
    guard let value = present(key) else { return nil }
    guard let integer = value.int else { throw wrong(key, "a whole number") }
    return integer
  }
  /// A cap on logits (Gemma 2 and 3); nil for none.
  func softcap(_ key: String) throws -> Double? {
    guard let cap = try optionalDouble(key) else { return nil }
    guard cap > 0 else { throw wrong(key, "greater than 0, or null for none") }
    return cap
  }
  /// A whole number of at least 1, with an upper limit that no published model comes near, so that a hostile file cannot ask for endless memory.
  public func size(_ key: String, limit: Int = 1 << 24) throws -> Int {
    let value = try integer(key)
    guard (1...limit).contains(value) else { throw wrong(key, "between 1 and \(limit), not \(value)") }
    return value
  }
  /// A finite number, or nil.
  public func optionalDouble(_ key: String) throws -> Double? {
    guard let value = present(key) else { return nil }
    guard let number = value.double, number.isFinite else { throw wrong(key, "a number") }
    return number
  }
  /// A number that must be there.
  public func double(_ key: String) throws -> Double {
    guard let value = try optionalDouble(key) else { throw missing(key) }
    return value
  }
  /// A truth value that must be there.
  public func boolean(_ key: String) throws -> Bool {
    guard let value = present(key) else { throw missing(key) }
    guard let truth = value.bool else { throw wrong(key, "true or false") }
    return truth
  }
  /// A truth value; `fallback` where the key is missing or null.
  public func boolean(_ key: String, default fallback: Bool) throws -> Bool { present(key) == nil ? fallback : try boolean(key) }

  /// A text, or nil.
  public func optionalString(_ key: String) throws -> String? {
    guard let value = present(key) else { return nil }
    guard let text = value.string else { throw wrong(key, "a text") }
    return text
  }
  /// A text that must be there.
  public func string(_ key: String) throws -> String {
    guard let text = try optionalString(key) else { throw missing(key) }
    return text
  }
  /// A list of texts, or nil.
  public func optionalStrings(_ key: String) throws -> [String]? {
    guard let value = present(key) else { return nil }
    guard let list = value.list else { throw wrong(key, "a list of texts") }
    return try list.map {
      guard let text = $0.string else { throw wrong(key, "a list of texts") }
      return text
    }
  }
  /// A whole number, or the first of a list of them, or nil: as `eos_token_id` is written.
  public func firstInteger(_ key: String) throws -> Int? { try integers(key).first }

  /// The whole number or numbers of a key that takes one or a list; none where it is missing or null.
  public func integers(_ key: String) throws -> [Int] {
    guard let list = present(key)?.list else { return try optionalInteger(key).map { [$0] } ?? [] }
    return try list.map {
      guard let integer = $0.int else { throw wrong(key, "a whole number or a list of them") }
      return integer
    }
  }

  /// A list of finite numbers that must be there.
  func doubles(_ key: String) throws -> [Double] {
    guard let list = present(key)?.list else { throw present(key) == nil ? missing(key) : wrong(key, "a list of numbers") }
    return try list.map {
      guard let number = $0.double, number.isFinite else { throw wrong(key, "a list of numbers") }
      return number
    }
  }

  /// An object inside this one, or nil.
  public func optionalSection(_ key: String) throws -> ModelConfiguration? {
    guard let value = present(key) else { return nil }
    guard let object = value.object else { throw wrong(key, "an object") }
    return ModelConfiguration(object, path: path, prefix: "\(prefix)\(key).")
  }

  /// The same file with these values and no others, as an architecture understands it.
  func replacing(values: [String: JSONValue]) -> ModelConfiguration {
    ModelConfiguration(values: values, path: path, prefix: prefix, stated: stated)
  }

  /// An error about one key of the file.
  public func wrong(_ key: String, _ expectation: String) -> ModelError {
    ModelError("\(path): '\(prefix)\(key)' must be \(expectation); check the file against the published one")
  }
  /// An error about something that the file asks for and Headway does not do.
  public func unsupported(_ what: String) -> ModelError {
    ModelError("\(path) asks for \(what), which Headway does not compute; use a model without it")
  }
  private func missing(_ key: String) -> ModelError {
    guard values[key] == nil else { return wrong(key, "given, not null") }
    return ModelError("\(path) has no '\(prefix)\(key)'; check the file against the published one")
  }
  private func present(_ key: String) -> JSONValue? {
    guard let value = values[key], value != .null else { return nil }
    return value
  }
}
