import Ground

/// A benchmark and the file of its questions, as `NAME=FILE`.
public struct NamedBenchmark: Codable, Sendable, Hashable {
  /// The benchmark's name.
  public var name: String
  /// Its questions, a file or folder in the published form.
  public var file: String

  /// A benchmark asked of a file.
  public init(name: String, file: String) {
    self.name = name
    self.file = file
  }

  /// Reads `NAME=FILE`; nil where it is not of that form.
  public init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    self.init(name: parts[0], file: parts[1])
  }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let named = NamedBenchmark(text) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "a benchmark is written NAME=FILE"))
    }
    self = named
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode("\(name)=\(file)")
  }

  /// Losses are measured by another setting.
  var isLoss: SettingsError {
    SettingsError(
      "the loss of other data is measured by \(setting: Setting("eval_data")); name a benchmark for \(setting: .evaluationBenchmark)")
  }
}

extension Setting {
  static let evaluationBenchmark = Setting("eval_benchmark")
}
