/// Settings that a record holds flat, under the names of their options.
///
/// Every key is said once, in ``form``: from it settings are read and written, strangers among the keys are known, and paths are followed.
///
///     struct Reading: RecordedSettings {
///       var file: String
///       var limit: Int?
///       var seed: UInt64 = 0
///
///       static let form: SettingsForm<Reading> = SettingsForm(
///         Reading(file: ""), [.path("file", \.file), .setting("limit", \.limit), .setting("seed", \.seed)])
///     }
public protocol RecordedSettings: Codable, Sendable {
  /// The keys in the order in which they are written, and what reading begins with.
  static var form: SettingsForm<Self> { get }
}

extension RecordedSettings {
  /// Reads settings; a key that is missing or null keeps its default.
  /// - Throws: `DecodingError` where a required key is missing, or a value is not of its setting's kind.
  public init(from decoder: any Decoder) throws { try self.init(readingFrom: decoder, except: []) }

  /// Writes every setting that has a value.
  public func encode(to encoder: any Encoder) throws { try write(to: encoder, except: []) }

  init(readingFrom decoder: any Decoder, except absent: Set<String>) throws {
    self = Self.form.blank
    let values = try decoder.container(keyedBy: SettingName.self)
    for key in Self.form.keys where absent.isDisjoint(with: key.names) { try key.read(&self, values, decoder) }
  }

  func write(to encoder: any Encoder, except absent: Set<String>) throws {
    var values = encoder.container(keyedBy: SettingName.self)
    for key in Self.form.keys where absent.isDisjoint(with: key.names) { try key.write(self, &values, encoder) }
  }

  /// The same settings with every path of a file changed: how a record keeps paths relative to itself.
  public func mappingPaths(_ change: (String) -> String) -> Self {
    var settings = self
    for key in Self.form.keys { key.map(&settings, change) }
    return settings
  }

  /// The names of all keys, in order.
  public static var names: [String] { form.keys.flatMap(\.names) }

  /// Names of which one takes the place of the others.
  public static var alternatives: [[String]] { form.keys.flatMap(\.alternatives) }

  /// The folder that is written; nil for none.
  public var outputFolder: String? { Self.form.keys.lazy.compactMap { $0.folder(self) }.first }

  /// The files that are written, in the order of their keys.
  public var outputs: [String] { Self.form.keys.compactMap { $0.output(self) } }
}

/// The keys of settings, and what reading them begins with.
public struct SettingsForm<Settings: Sendable>: Sendable {
  /// The command whose record has these settings; empty for settings that are part of others.
  public let command: String
  let blank: Settings
  let keys: [SettingKey<Settings>]

  /// The form of a command's settings.
  /// - Parameters:
  ///   - command: the command whose record has them.
  ///   - blank: settings at their defaults; what it has for required keys is never seen.
  ///   - keys: the settings, in the order in which a record has them.
  public init(_ command: String, _ blank: Settings, _ keys: [SettingKey<Settings>]) {
    self.command = command
    self.blank = blank
    self.keys = keys
  }

  /// The form of settings that are part of others.
  /// - Parameters:
  ///   - blank: settings at their defaults; what it has for required keys is never seen.
  ///   - keys: the settings, in the order in which a record has them.
  public init(_ blank: Settings, _ keys: [SettingKey<Settings>]) { self.init("", blank, keys) }
}

/// The name of a setting in a record.
struct SettingName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer {
  /// The value of a key, or its default where it is left out.
  public func value<Value: Decodable>(_ key: Key, or fallback: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? fallback
  }
}
