import Foundation
public import Ground
public import LanguageModels
import Tokenizers

/// Continues one text, or each of a file's: a model and prompts in, what the model writes out.
public struct GenerationRun: Run, RecordedSettings {
  /// `headway generate` and the keys of its record.
  public static let form: SettingsForm<GenerationRun> = SettingsForm(
    "generate", GenerationRun(model: ""),
    [
      .group(\.model), .setting("prompt", \.prompt), .path("prompts", \.prompts), .setting("batch_size", \.batchSize),
      .setting("max_tokens", \.settings.maximumTokens), .setting("stop", \.settings.stops),
      .setting("temperature", \.settings.temperature), .setting("top_p", \.settings.topP), .setting("top_k", \.settings.topK),
      .setting("seed", \.settings.seed), .setting("logprobs", \.settings.keepsLogProbabilities),
    ])

  /// The model.
  public var model: ModelSettings
  /// The text to continue; special tokens that the tokenizer puts before a text are added.
  public var prompt: String?
  /// A file of JSON lines in place of `prompt`, each a text or an object with a text under `prompt`, as `headway data --write` writes them.
  public var prompts: String?
  /// The most texts that are written at once.
  public var batchSize = 8
  /// How text is written.
  public var settings = GenerationSettings()

  /// Greedy text with the defaults.
  public init(model: String, prompt: String? = nil, prompts: String? = nil) {
    self.model = ModelSettings(model)
    self.prompt = prompt
    self.prompts = prompts
  }

  /// Refuses numbers out of range, two kinds of prompts at once, and settings of drawing where nothing is drawn.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    guard (prompt == nil) != (prompts == nil) else {
      throw SettingsError(
        "\(setting: Setting("prompt")) is a text to continue and \(setting: Setting("prompts")) a file of them; name one of the two"
      )
    }
    func refuse(_ name: String, _ takes: String) -> SettingsError { SettingsError("\(setting: Setting(name)) takes \(takes)") }
    if settings.maximumTokens < 1 { throw refuse("max_tokens", "a number of tokens from 1 on, not \(settings.maximumTokens)") }
    if !(settings.temperature >= 0 && settings.temperature.isFinite) {
      throw refuse("temperature", "a number from 0 on, not \(settings.temperature)")
    }
    if !(settings.topP > 0 && settings.topP <= 1) { throw refuse("top_p", "a number above 0 and up to 1, not \(settings.topP)") }
    if settings.topK < 0 { throw refuse("top_k", "a number of tokens from 0 on, not \(settings.topK)") }
    if batchSize < 1 { throw refuse("batch_size", "a number of texts from 1 on, not \(batchSize)") }
    if settings.stops.contains("") { throw refuse("stop", "a text that is not empty") }
    guard settings.temperature == 0 else { return }
    for (name, isGiven) in [("top_p", settings.topP < 1), ("top_k", settings.topK > 0), ("seed", settings.seed != 0)] where isGiven {
      throw SettingsError(
        "\(setting: Setting(name)) is for text that is drawn, and without a \(setting: Setting("temperature")) each token is the most likely one; set one above 0"
      )
    }
  }

  /// Writes text; ``RunMonitor/wrote`` takes it as it comes, and of several prompts a line of JSON each, in their order.
  /// - Throws: `RunStopped`, `RunError` for a bad file of prompts, `ModelError`.
  public func run(_ monitor: RunMonitor) throws -> GenerationResult {
    try validate()
    let texts = try prompts.map { try PromptFile.texts(of: URL(filePath: $0)) } ?? [prompt ?? ""]
    let loaded = try model.load(monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: .max)
    for note in encoder.notes { monitor.warn("\(note)") }
    let generator = try TextGenerator(
      loaded, tokenizer, settings: settings, batchSize: prompts == nil ? 1 : batchSize, passTokens: model.batchTokens)
    let encoded = texts.map { encoder.encode(prompt: $0) }
    let shape = loaded.decoder.shape
    if !shape.positionsEnd, let longest = encoded.map(\.count).max(), longest > shape.maximumPositions - settings.maximumTokens {
      monitor.note("note: prompt and text may grow longer than the \(shape.maximumPositions) tokens that the model was made for")
    }
    let started = ContinuousClock.now
    let written = try prompts == nil ? one(encoded, generator, monitor) : all(encoded, generator, monitor)
    let passed = (ContinuousClock.now - started).components
    return GenerationResult(written, seconds: Double(passed.seconds) + Double(passed.attoseconds) * 1e-18)
  }

  /// Writes one text and tells it as it is written.
  private func one(_ prompts: [[Int]], _ generator: TextGenerator, _ monitor: RunMonitor) throws -> [GenerationResult.Text] {
    var shown = 0
    func show(_ text: String) throws {
      let bytes = text.utf8
      guard bytes.count > shown else { return }
      try monitor.wrote(String(decoding: bytes.dropFirst(shown), as: UTF8.self))
      shown = bytes.count
    }
    var growing = generator.shownText()
    let texts = try generator.write(
      prompts, added: { _, tokens in if let token = tokens.last { try show(growing.add(token)) } }, shouldStop: monitor.shouldStop)
    guard let text = texts.first ?? nil else { throw RunStopped(canResume: false) }
    try show(text.text)
    return [GenerationResult.Text(text)]
  }

  /// Writes a text for each prompt and tells each as a line of JSON, in the order of the prompts.
  private func all(_ prompts: [[Int]], _ generator: TextGenerator, _ monitor: RunMonitor) throws -> [GenerationResult.Text] {
    var waiting: [Int: GenerationResult.Text] = [:]
    var told = 0
    var completed = 0
    var tokens = 0
    let started = ContinuousClock.now
    let texts = try generator.write(
      prompts,
      finished: { number, text in
        completed += 1
        tokens += text.tokens.count
        waiting[number] = GenerationResult.Text(text)
        while let next = waiting.removeValue(forKey: told) {
          try monitor.wrote(String(decoding: HeadwayJSON.document(next), as: UTF8.self))
          told += 1
        }
        let seconds = max(1e-9, (ContinuousClock.now - started) / .seconds(1))
        monitor.progress(
          RunProgress(
            completed: completed, total: prompts.count, unit: "texts", tokensPerSecond: Double(tokens) / seconds,
            secondsLeft: seconds / Double(completed) * Double(prompts.count - completed)))
      }, shouldStop: monitor.shouldStop)
    let written = texts.compactMap { $0.map(GenerationResult.Text.init) }
    guard written.count == prompts.count else { throw RunStopped(canResume: false) }
    return written
  }
}

/// What `GenerationRun` wrote.
public struct GenerationResult: Codable, Sendable, Hashable {
  /// One text.
  public struct Text: Codable, Sendable, Hashable {
    /// The new text up to the first stop text, without special tokens.
    public var text: String
    /// The new ids, with those that ended the text.
    public var tokens: [Int]
    /// Why it ended.
    public var finish: GeneratedText.Finish
    /// The natural logarithm of each new token's probability under the model; nil where it was not asked for.
    public var logprobs: [Float]?

    init(_ written: GeneratedText) {
      text = written.text
      tokens = written.tokens
      finish = written.finish
      logprobs = written.logProbabilities.isEmpty ? nil : written.logProbabilities
    }
  }

  /// The texts in the order of the prompts.
  public var texts: [Text]
  /// New tokens of all texts.
  public var tokens: Int
  /// Seconds from the first prompt to the last token, without loading.
  public var seconds: Double
  /// New tokens a second.
  public var tokensPerSecond: Double

  enum CodingKeys: String, CodingKey {
    case texts, tokens, seconds
    case tokensPerSecond = "tokens_per_second"
  }

  init(_ texts: [Text], seconds: Double) {
    self.texts = texts
    self.seconds = seconds
    tokens = texts.reduce(0) { $0 + $1.tokens.count }
    tokensPerSecond = seconds > 0 ? Double(tokens) / seconds : 0
  }
}
