public import Ground

/// A benchmark and the file of its questions, as `NAME=FILE`.
public struct NamedBenchmark: CodedAsText, Sendable, Hashable {
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

  /// `NAME=FILE`.
  public var description: String { "\(name)=\(file)" }

  /// What its text may be.
  public static let textForm = "a benchmark is written NAME=FILE"

  func mappingPaths(_ change: (String) -> String) -> NamedBenchmark {
    NamedBenchmark(name: name, file: HuggingFaceCache.changedPath(file, change))
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
