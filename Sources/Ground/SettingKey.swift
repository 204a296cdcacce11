/// A key of settings: its name, and where its value lies.
public struct SettingKey<Settings>: Sendable {
  typealias Reading = @Sendable (inout Settings, KeyedDecodingContainer<SettingName>, any Decoder) throws -> Void
  typealias Writing = @Sendable (Settings, inout KeyedEncodingContainer<SettingName>, any Encoder) throws -> Void

  let names: [String]
  let read: Reading
  let write: Writing
  var alternatives: [[String]] = []
  var map: @Sendable (inout Settings, (String) -> String) -> Void = { _, _ in }
  var output: @Sendable (Settings) -> String? = { _ in nil }
  var folder: @Sendable (Settings) -> String? = { _ in nil }

  /// A setting. It keeps its default where a record leaves it out, and is left out where it is nil.
  /// - Parameters:
  ///   - name: its key in a record.
  ///   - path: where it lies in the settings.
  ///   - isRequired: whether a record must have it.
  ///   - writesNil: whether it is written as null where it is nil, since another group has a key of this name.
  public static func setting<Value: Codable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, isRequired: Bool = false, writesNil: Bool = false
  ) -> SettingKey {
    let key = SettingName(stringValue: name)
    return SettingKey(
      names: [name],
      read: { settings, values, _ in
        if let value = try isRequired ? values.decode(Value.self, forKey: key) : values.decodeIfPresent(Value.self, forKey: key) {
          settings[keyPath: path] = value
        }
      },
      write: { settings, values, _ in
        let value = settings[keyPath: path]
        if !writesNil, (value as? any MissingValue)?.isMissing == true { return }
        try values.encode(value, forKey: key)
      })
  }

  /// A setting that is written only where it differs from its default: one that most runs have no need of.
  public static func rare<Value: Codable & Equatable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, unless plain: Value
  ) -> SettingKey {
    let whole = setting(name, path)
    return SettingKey(
      names: whole.names, read: whole.read,
      write: { settings, values, encoder in
        if settings[keyPath: path] != plain { try whole.write(settings, &values, encoder) }
      })
  }

  /// A switch that is written only where it is on.
  public static func flag(_ name: String, _ path: any WritableKeyPath<Settings, Bool> & Sendable) -> SettingKey {
    rare(name, path, unless: false)
  }

  /// The path of a file or folder, which a record must have.
  public static func path(_ name: String, _ path: any WritableKeyPath<Settings, String> & Sendable) -> SettingKey {
    setting(name, path, isRequired: true).mapping { $0[keyPath: path] = $1($0[keyPath: path]) }
  }

  /// The path of a file or folder.
  public static func path(_ name: String, _ path: any WritableKeyPath<Settings, String?> & Sendable) -> SettingKey {
    setting(name, path).mapping { $0[keyPath: path] = $0[keyPath: path].map($1) }
  }

  /// The path of what is written, which a record must have.
  public static func output(_ name: String, _ path: any WritableKeyPath<Settings, String> & Sendable) -> SettingKey {
    var key = Self.path(name, path)
    key.output = { $0[keyPath: path] }
    return key
  }

  /// The path of what is written.
  public static func output(_ name: String, _ path: any WritableKeyPath<Settings, String?> & Sendable) -> SettingKey {
    var key = Self.path(name, path)
    key.output = { $0[keyPath: path] }
    return key
  }

  /// The folder that is written, which a record must have and in which it lies.
  public static func folder(_ name: String, _ path: any WritableKeyPath<Settings, String> & Sendable) -> SettingKey {
    var key = Self.path(name, path)
    key.folder = { $0[keyPath: path] }
    return key
  }

  /// A model or dataset by its path, or by its name in the Hugging Face cache; a record must have it.
  public static func source(_ name: String, _ path: any WritableKeyPath<Settings, String> & Sendable) -> SettingKey {
    setting(name, path, isRequired: true).mapping { $0[keyPath: path] = HuggingFaceCache.changedPath($0[keyPath: path], $1) }
  }

  /// A model or dataset by its path, or by its name in the Hugging Face cache.
  public static func source(_ name: String, _ path: any WritableKeyPath<Settings, String?> & Sendable) -> SettingKey {
    setting(name, path).mapping { settings, change in
      settings[keyPath: path] = settings[keyPath: path].map { HuggingFaceCache.changedPath($0, change) }
    }
  }

  /// Datasets by their paths, or by their names in the Hugging Face cache.
  public static func sources(
    _ name: String, _ path: any WritableKeyPath<Settings, [String]> & Sendable, isRequired: Bool = false
  ) -> SettingKey {
    setting(name, path, isRequired: isRequired).mapping { settings, change in
      settings[keyPath: path] = settings[keyPath: path].map { HuggingFaceCache.changedPath($0, change) }
    }
  }

  /// The same key with a closure that changes the paths in its value.
  public func mapping(_ map: @escaping @Sendable (inout Settings, (String) -> String) -> Void) -> SettingKey {
    var key = self
    key.map = map
    return key
  }

  /// Settings that lie among the others, under keys of their own.
  /// - Parameters:
  ///   - path: where they lie.
  ///   - absent: keys that have no part here; their settings stay at their defaults.
  public static func group<Value: RecordedSettings>(
    _ path: any WritableKeyPath<Settings, Value> & Sendable, except absent: Set<String> = []
  ) -> SettingKey {
    var key = SettingKey(
      names: Value.names.filter { !absent.contains($0) },
      read: { settings, _, decoder in settings[keyPath: path] = try Value(readingFrom: decoder, except: absent) },
      write: { settings, _, encoder in try settings[keyPath: path].write(to: encoder, except: absent) })
    key.alternatives = Value.alternatives
    key.map = { $0[keyPath: path] = $0[keyPath: path].mappingPaths($1) }
    return key
  }

  /// Settings that lie among the others, and are there where their first key is.
  public static func group<Value: RecordedSettings>(_ path: any WritableKeyPath<Settings, Value?> & Sendable) -> SettingKey {
    let names = Value.names
    var key = SettingKey(
      names: names,
      read: { settings, values, decoder in
        let first = names.first.map(SettingName.init(stringValue:))
        if let first, try values.holds(first) { settings[keyPath: path] = try Value(from: decoder) }
      }, write: { settings, _, encoder in try settings[keyPath: path]?.encode(to: encoder) })
    key.alternatives = Value.alternatives
    key.map = { $0[keyPath: path] = $0[keyPath: path]?.mappingPaths($1) }
    return key
  }

  /// A value that one of several keys says.
  public static func oneOf<Value: Codable & Sendable>(_ names: [String], _ path: any WritableKeyPath<Settings, Value> & Sendable)
    -> SettingKey
  {
    var key = SettingKey(
      names: names, read: { settings, _, decoder in settings[keyPath: path] = try Value(from: decoder) },
      write: { settings, _, encoder in try settings[keyPath: path].encode(to: encoder) })
    key.alternatives = [names]
    return key
  }

  /// Two settings of which one takes the other's place: where a record has either, both are as it says.
  public static func either<First: Codable & Sendable, Second: Codable & Sendable>(
    _ first: String, _ firstPath: any WritableKeyPath<Settings, First?> & Sendable, or second: String,
    _ secondPath: any WritableKeyPath<Settings, Second?> & Sendable
  ) -> SettingKey {
    let keys = [SettingName(stringValue: first), SettingName(stringValue: second)]
    let (one, other) = (setting(first, firstPath), setting(second, secondPath))
    var key = SettingKey(
      names: [first, second],
      read: { settings, values, _ in
        guard try keys.contains(where: values.holds) else { return }
        settings[keyPath: firstPath] = try values.decodeIfPresent(First.self, forKey: keys[0])
        settings[keyPath: secondPath] = try values.decodeIfPresent(Second.self, forKey: keys[1])
      },
      write: { settings, values, encoder in
        try one.write(settings, &values, encoder)
        try other.write(settings, &values, encoder)
      })
    key.alternatives = [[first, second]]
    return key
  }
}

extension KeyedDecodingContainer<SettingName> {
  /// Whether a key has a value.
  fileprivate func holds(_ name: SettingName) throws -> Bool { try contains(name) && !decodeNil(forKey: name) }
}

/// A value that may be missing.
private protocol MissingValue {
  var isMissing: Bool { get }
}

extension Optional: MissingValue {
  fileprivate var isMissing: Bool { self == nil }
}
