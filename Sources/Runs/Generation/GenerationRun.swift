import Foundation
import Ground
public import LanguageModels
import Tokenizers

/// Goes on with one text, or with each of a file's: a model and prompts in, what the model writes out.
public struct GenerationRun: Run {
  public static let name = "generate"

  /// The model.
  public var model: ModelSettings
  /// The text to go on with; special tokens that the tokenizer puts before a text are added.
  public var prompt: String?
  /// A file of JSON lines in the place of `prompt`, each a text or an object with a text under `prompt`, as `headway data --write` writes them.
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

  public func mappingPaths(_ change: (String) -> String) -> GenerationRun {
    var run = self
    run.model = model.mappingPaths(change)
    run.prompts = prompts.map(change)
    return run
  }

  public func validate() throws {
    try model.validate()
    guard (prompt == nil) != (prompts == nil) else {
      throw SettingsError(
        "\(setting: Setting(CodingKeys.prompt.rawValue)) is a text to go on with and \(setting: Setting(CodingKeys.prompts.rawValue)) a file of them; name one of the two"
      )
    }
    func refuse(_ key: CodingKeys, _ takes: String) -> SettingsError { SettingsError("\(setting: Setting(key.rawValue)) takes \(takes)") }
    if settings.maximumTokens < 1 { throw refuse(.maximumTokens, "a number of tokens from 1 on, not \(settings.maximumTokens)") }
    if !(settings.temperature >= 0 && settings.temperature.isFinite) {
      throw refuse(.temperature, "a number from 0 on, not \(settings.temperature)")
    }
    if !(settings.topP > 0 && settings.topP <= 1) { throw refuse(.topP, "a number above 0 and up to 1, not \(settings.topP)") }
    if settings.topK < 0 { throw refuse(.topK, "a number of tokens from 0 on, not \(settings.topK)") }
    if batchSize < 1 { throw refuse(.batchSize, "a number of texts from 1 on, not \(batchSize)") }
    if settings.stops.contains("") { throw refuse(.stops, "a text that is not empty") }
    guard settings.temperature == 0 else { return }
    for (key, isGiven) in [(CodingKeys.topP, settings.topP < 1), (.topK, settings.topK > 0), (.seed, settings.seed != 0)] where isGiven {
      throw SettingsError(
        "\(setting: Setting(key.rawValue)) is for text that is drawn, and without a \(setting: Setting(CodingKeys.temperature.rawValue)) each token is the most likely one; set one above 0"
      )
    }
  }

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
    let texts = try generator.write(
      prompts, added: { try show(generator.settledText(of: $1)) }, shouldStop: monitor.shouldStop)
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

// MARK: - Settings as records have them

extension GenerationRun {
  enum CodingKeys: String, CodingKey {
    case prompt, prompts, temperature, seed
    case batchSize = "batch_size"
    case maximumTokens = "max_tokens"
    case stops = "stop"
    case topP = "top_p"
    case topK = "top_k"
    case keepsLogProbabilities = "logprobs"
  }

  public init(from decoder: any Decoder) throws {
    model = try ModelSettings(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    prompt = try values.decodeIfPresent(String.self, forKey: .prompt)
    prompts = try values.decodeIfPresent(String.self, forKey: .prompts)
    batchSize = try values.value(.batchSize, or: batchSize)
    settings.maximumTokens = try values.value(.maximumTokens, or: settings.maximumTokens)
    settings.stops = try values.value(.stops, or: settings.stops)
    settings.temperature = try values.value(.temperature, or: settings.temperature)
    settings.topP = try values.value(.topP, or: settings.topP)
    settings.topK = try values.value(.topK, or: settings.topK)
    settings.seed = try values.value(.seed, or: settings.seed)
    settings.keepsLogProbabilities = try values.value(.keepsLogProbabilities, or: false)
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    try model.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encodeIfPresent(prompt, forKey: .prompt)
    try values.encodeIfPresent(prompts, forKey: .prompts)
    try values.encode(batchSize, forKey: .batchSize)
    try values.encode(settings.maximumTokens, forKey: .maximumTokens)
    try values.encode(settings.stops, forKey: .stops)
    try values.encode(settings.temperature, forKey: .temperature)
    try values.encode(settings.topP, forKey: .topP)
    try values.encode(settings.topK, forKey: .topK)
    try values.encode(settings.seed, forKey: .seed)
    try values.encode(settings.keepsLogProbabilities, forKey: .keepsLogProbabilities)
  }
}
