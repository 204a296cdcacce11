import Evaluation
public import Ground

/// Which benchmark is asked, and how.
public struct BenchmarkSettings: RecordedSettings, Hashable {
  /// The benchmark's name; `loss` is the mean loss of any dataset's responses.
  public var benchmark: String
  /// The way of asking: `opencompass` for the benchmark's default, a suffix of one of OpenCompass's configurations, or `lm-eval`; the default where nil.
  public var variant: String?
  /// Files of the dataset's training or dev part, of which the first items are shown before questions.
  public var shots: [String] = []
  /// How many shots; the variant's own number where nil.
  public var shotCount: Int?

  /// A benchmark with the defaults.
  public init(_ benchmark: String) { self.benchmark = benchmark }

  /// The name under which the mean loss of any dataset is asked for.
  public static let loss = "loss"

  /// Whether the mean loss of any dataset is asked for.
  public var isLoss: Bool { benchmark == Self.loss }

  /// The keys of a benchmark in records.
  public static let form: SettingsForm<BenchmarkSettings> = SettingsForm(
    BenchmarkSettings(""),
    [
      .setting("benchmark", \.benchmark, isRequired: true), .setting("variant", \.variant), .sources("shots", \.shots),
      .setting("shot_count", \.shotCount),
    ])

  /// The benchmark and the way of asking; nil for the mean loss.
  func chosen() throws -> (benchmark: any Benchmark, variant: any Variant)? {
    do {
      guard !isLoss else {
        guard variant == nil || variant == "opencompass" else {
          throw SettingsError("the mean loss of a dataset has no \(setting: .variant); leave it out")
        }
        return nil
      }
      guard let benchmark = Benchmarks.all.first(where: { $0.name == benchmark }) else {
        throw SettingsError(
          "\(setting: .benchmark) takes one of \((Benchmarks.all.map(\.name) + [Self.loss]).joined(separator: ", ")), not '\(benchmark)'")
      }
      return (benchmark, try benchmark.variant(variant))
    } catch let error as EvaluationError {
      throw SettingsError(error.message)
    }
  }

  /// Says which settings make no sense, alone and with the data.
  func validate(with data: DataSettings) throws {
    let chosen = try chosen()
    if let shotCount, !(0...1000).contains(shotCount) {
      throw SettingsError("\(setting: .shotCount) takes a number from 0 to 1000, not \(shotCount)")
    }
    guard let (benchmark, variant) = chosen else {
      guard shots.isEmpty, (shotCount ?? 0) == 0 else {
        throw SettingsError("\(setting: .benchmark.set(to: Self.loss)) has no place for shots; leave out \(setting: .shots)")
      }
      return
    }
    if variant.shots == nil, !shots.isEmpty || (shotCount ?? 0) > 0 {
      throw SettingsError("the variant \(variant.name) has no place for shots; ask it without \(setting: .shots)")
    }
    if let format = data.format, !benchmark.formats.contains(format) {
      throw SettingsError(
        "\(setting: .format) of \(benchmark.name) takes \(benchmark.formats.joined(separator: " or ")), not '\(format)'")
    }
    for (setting, isGiven) in [
      (Setting.template, data.template != nil), (.chat, data.chat != nil), (Setting("form"), data.form != nil),
      (.minimumTokens, data.minimumTokens != nil), (.maximumTokens, data.maximumTokens != nil),
    ] where isGiven {
      throw SettingsError("\(setting: setting) has no part in \(benchmark.name), whose variant writes the prompt; leave it out")
    }
  }
}

extension Setting {
  static let benchmark = Setting("benchmark")
  static let variant = Setting("variant")
  static let predictions = Setting("predictions")
}
