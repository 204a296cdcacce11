import Foundation
public import Ground
import Instructions
import LanguageModels
import Tokenizers

/// Goes through a dataset once: what is in it, its first samples, and, where asked for, the same samples in Headway's own form.
public struct DataSummaryRun: Run, RecordedSettings {
  /// `headway data` and the keys of its record.
  public static let form: SettingsForm<DataSummaryRun> = SettingsForm(
    "data", DataSummaryRun([]),
    [
      .group(\.data), .setting("show", \.shown), .output("write", \.write), .source("tokenizer", \.tokenizer),
      .flag("overwrite", \.overwrite),
    ])

  /// The dataset.
  public var data: DataSettings
  /// How many of the first samples the result holds.
  public var shown = 3
  /// Where the samples go as JSON lines of prompt and response; nil for nowhere.
  public var write: String?
  /// The model whose tokenizer counts tokens; nil for none.
  public var tokenizer: String?
  /// Whether a file that is there is replaced by the one that is written.
  public var overwrite = false

  /// A summary with the defaults.
  public init(_ files: [String]) { data = DataSettings(files) }

  /// Refuses what reading refuses, and settings that count tokens where there is no tokenizer.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try data.validate()
    if shown < 0 { throw SettingsError("\(setting: Setting("show")) takes a number of samples from 0 on, not \(shown)") }
    guard tokenizer == nil else { return }
    for (key, isGiven) in [
      ("min_tokens", data.minimumTokens != nil), ("max_tokens", data.maximumTokens != nil), ("chat", data.chat == "own"),
    ] where isGiven {
      throw SettingsError(
        "\(setting: Setting(key, value: key == "chat" ? "own" : nil)) needs a model; name one by \(setting: Setting("tokenizer"))")
    }
  }

  /// Reads the dataset once, sample by sample.
  /// - Throws: `RunStopped`, `DataError` for a bad record that is not to be passed over, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> DataSummary {
    try validate()
    let tokenizer = try tokenizer.map { try Tokenizer.load(from: LanguageModel.tokenizerFolder(of: ModelFolder(named: $0)).url) }
    let dataset = try data.dataset(data.datasetOptions(tokenizer: tokenizer, of: self.tokenizer))
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    if let write {
      try outputs.claim(file: URL(filePath: write), as: .unmarked("a JSON Lines file"))
      try outputs.protect(data.inputs(dataset))
      if let name = self.tokenizer { try outputs.protect(ModelFolder(named: name).inputs) }
    }
    let writer = try write.map { try InstructionWriter(to: URL(filePath: $0)) }
    let reader = dataset.instructions()
    var summary = DatasetSummary()
    var first: [Instruction] = []
    while let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      summary.add(instruction, tokens: tokenizer.map { DataSettings.countTokens(instruction, $0) })
      if first.count < shown { first.append(instruction) }
      try writer?.write(instruction)
      if summary.count.isMultiple(of: 4096) { monitor.progress(RunProgress(completed: summary.count, total: nil, unit: "samples read")) }
    }
    try writer?.finish()
    if let warning = reader.limitWarning { monitor.warn(warning) }
    if summary.count == 0, let shortage = reader.shortage { monitor.warn("\(dataset.name): \(shortage)") }
    for error in reader.counts.skippedErrors { monitor.note("passed over: \(error)") }
    let result = try DataSummary(dataset, reader.counts, summary, first, maximumLength: data.maximumLength, written: write)
    var identity = RunIdentity()
    identity["data_fingerprint"] = result.fingerprint
    identity["format"] = result.format
    identity["template"] = result.template
    monitor.identify(identity)
    return result
  }
}
