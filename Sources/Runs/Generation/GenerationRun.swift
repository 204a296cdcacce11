import Ground
public import LanguageModels
import Tokenizers

/// Goes on with a text: a model and a prompt in, what the model writes out.
public struct GenerationRun: Run {
  public static let name = "generate"

  /// The model.
  public var model: ModelSettings
  /// The text to go on with; special tokens that the tokenizer puts before a text are added.
  public var prompt: String
  /// How text is written.
  public var settings = GenerationSettings()

  /// Greedy text with the defaults.
  public init(model: String, prompt: String) {
    self.model = ModelSettings(model)
    self.prompt = prompt
  }

  public func mappingPaths(_ change: (String) -> String) -> GenerationRun {
    var run = self
    run.model = model.mappingPaths(change)
    return run
  }

  public func validate() throws {
    try model.validate()
    func refuse(_ key: CodingKeys, _ takes: String) -> SettingsError { SettingsError("\(setting: Setting(key.rawValue)) takes \(takes)") }
    if settings.maximumTokens < 1 { throw refuse(.maximumTokens, "a number of tokens from 1 on, not \(settings.maximumTokens)") }
    if !(settings.temperature >= 0 && settings.temperature.isFinite) {
      throw refuse(.temperature, "a number from 0 on, not \(settings.temperature)")
    }
    if !(settings.topP > 0 && settings.topP <= 1) { throw refuse(.topP, "a number above 0 and up to 1, not \(settings.topP)") }
    if settings.topK < 0 { throw refuse(.topK, "a number of tokens from 0 on, not \(settings.topK)") }
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
    let loaded = try model.load(monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: .max)
    for note in encoder.notes { monitor.warn("\(note)") }
    let generator = try TextGenerator(loaded, tokenizer, settings: settings, batchSize: 1, passTokens: model.batchTokens)
    let tokens = encoder.encode(prompt: prompt)
    let shape = loaded.decoder.shape
    if !shape.positionsEnd, tokens.count > shape.maximumPositions - settings.maximumTokens {
      monitor.note("note: prompt and text may grow longer than the \(shape.maximumPositions) tokens that the model was made for")
    }
    var shown = 0
    func show(_ text: String) throws {
      let bytes = text.utf8
      guard bytes.count > shown else { return }
      try monitor.wrote(String(decoding: bytes.dropFirst(shown), as: UTF8.self))
      shown = bytes.count
    }
    let texts = try generator.write(
      [tokens], added: { try show(generator.settledText(of: $1)) }, shouldStop: monitor.shouldStop)
    guard let text = texts.first ?? nil else { throw RunStopped(canResume: false) }
    try show(text.text)
    return GenerationResult(text: text.text, tokens: text.tokens, finish: text.finish)
  }
}

/// What `GenerationRun` wrote.
public struct GenerationResult: Codable, Sendable, Hashable {
  /// The new text up to the first stop text, without special tokens.
  public var text: String
  /// The new ids, with those that ended the text.
  public var tokens: [Int]
  /// Why it ended.
  public var finish: GeneratedText.Finish
}

// MARK: - Settings as records have them

extension GenerationRun {
  enum CodingKeys: String, CodingKey {
    case prompt, temperature, seed
    case maximumTokens = "max_tokens"
    case stops = "stop"
    case topP = "top_p"
    case topK = "top_k"
  }

  public init(from decoder: any Decoder) throws {
    model = try ModelSettings(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    prompt = try values.decode(String.self, forKey: .prompt)
    settings.maximumTokens = try values.value(.maximumTokens, or: settings.maximumTokens)
    settings.stops = try values.value(.stops, or: settings.stops)
    settings.temperature = try values.value(.temperature, or: settings.temperature)
    settings.topP = try values.value(.topP, or: settings.topP)
    settings.topK = try values.value(.topK, or: settings.topK)
    settings.seed = try values.value(.seed, or: settings.seed)
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    try model.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(prompt, forKey: .prompt)
    try values.encode(settings.maximumTokens, forKey: .maximumTokens)
    try values.encode(settings.stops, forKey: .stops)
    try values.encode(settings.temperature, forKey: .temperature)
    try values.encode(settings.topP, forKey: .topP)
    try values.encode(settings.topK, forKey: .topK)
    try values.encode(settings.seed, forKey: .seed)
  }
}
