import Ground
import Foundation

/// `config.json`: values by key, with errors that name file and key.
public struct Configuration: Sendable {
  private let values: [String: Value]
  /// Where the file lies, for messages.
  let path: String
  private let prefix: String

  /// Reads the folder's `config.json`, or another file of its kind.
  public init(of folder: ModelFolder, file: String = "config.json") throws {
    let url = folder.file(file)
    let path = url.path(percentEncoded: false)
    guard let data = try? Data(contentsOf: url) else {
      throw ModelError("\(path) cannot be read; a Hugging Face model folder has a \(file)")
    }
    guard let values = try? JSONDecoder().decode([String: Value].self, from: data) else {
      throw ModelError("\(path) is not a JSON object; download the file again")
    }
    self.init(values: values, path: path, prefix: "")
  }

  private init(values: [String: Value], path: String, prefix: String) {
    self.values = values
    self.path = path
    self.prefix = prefix
  }

  /// The keys that are there and not null.
  public var keys: [String] { values.filter { $0.value != .null }.keys.sorted() }

  /// Whether a key has a value that switches something on: neither missing nor null, false, or empty.
  func isSet(_ key: String) -> Bool {
    switch values[key] {
    case nil, .null, .boolean(false): false
    case .string(let text): !text.isEmpty
    case .array(let list): !list.isEmpty
    case .object(let object): !object.isEmpty
    case .boolean, .number: true
    }
  }

  /// A value that must be there.
  public func integer(_ key: String) throws -> Int {
    guard let value = try optionalInteger(key) else { throw missing(key) }
    return value
  }
  /// A whole number, or nil where the key is missing or null.
  public func optionalInteger(_ key: String) throws -> Int? {
    guard let value = present(key) else { return nil }
    guard let integer = value.integer else { throw wrong(key, "a whole number") }
    return integer
  }
  /// A whole number of at least 1, with an upper limit that no published model comes near, so that a hostile file cannot ask for endless memory.
  public func size(_ key: String, limit: Int = 1 << 24) throws -> Int {
    let value = try integer(key)
    guard (1...limit).contains(value) else { throw wrong(key, "between 1 and \(limit), not \(value)") }
    return value
  }
  /// A number, or nil.
  public func optionalDouble(_ key: String) throws -> Double? {
    guard let value = present(key) else { return nil }
    guard case .number(let number) = value else { throw wrong(key, "a number") }
    return number
  }
  /// A number that must be there.
  public func double(_ key: String) throws -> Double {
    guard let value = try optionalDouble(key) else { throw missing(key) }
    return value
  }
  /// A truth value; `fallback` where the key is missing or null.
  public func boolean(_ key: String, default fallback: Bool) throws -> Bool {
    guard let value = present(key) else { return fallback }
    guard case .boolean(let truth) = value else { throw wrong(key, "true or false") }
    return truth
  }
  /// A text, or nil.
  public func optionalString(_ key: String) throws -> String? {
    guard let value = present(key) else { return nil }
    guard case .string(let text) = value else { throw wrong(key, "a text") }
    return text
  }
  /// A list of texts, or nil.
  public func optionalStrings(_ key: String) throws -> [String]? {
    guard let value = present(key) else { return nil }
    guard case .array(let list) = value else { throw wrong(key, "a list of texts") }
    return try list.map {
      guard case .string(let text) = $0 else { throw wrong(key, "a list of texts") }
      return text
    }
  }
  /// A whole number, or the first of a list of them, or nil: as `eos_token_id` is written.
  public func firstInteger(_ key: String) throws -> Int? {
    if case .array(let list) = present(key) {
      guard let first = list.first else { return nil }
      guard let integer = first.integer else { throw wrong(key, "a whole number or a list of them") }
      return integer
    }
    return try optionalInteger(key)
  }
  /// An object inside this one, or nil.
  public func optionalSection(_ key: String) throws -> Configuration? {
    guard let value = present(key) else { return nil }
    guard case .object(let values) = value else { throw wrong(key, "an object") }
    return Configuration(values: values, path: path, prefix: "\(prefix)\(key).")
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
    ModelError("\(path) has no '\(prefix)\(key)'; check the file against the published one")
  }
  private func present(_ key: String) -> Value? {
    guard let value = values[key], value != .null else { return nil }
    return value
  }

  /// Any JSON value. Foundation's decoder keeps truth values and numbers apart, which its untyped reader does not do on every platform.
  private enum Value: Decodable, Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([Value])
    case object([String: Value])

    init(from decoder: any Swift.Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let truth = try? container.decode(Bool.self) {
        self = .boolean(truth)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .string(text)
      } else if let list = try? container.decode([Value].self) {
        self = .array(list)
      } else {
        self = .object(try container.decode([String: Value].self))
      }
    }

    var integer: Int? {
      guard case .number(let number) = self else { return nil }
      return Int(exactly: number)
    }
  }
}
