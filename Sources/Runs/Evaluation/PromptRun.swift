import Instructions
import Evaluation
public import Ground
import LanguageModels
import Tokenizers

/// Shows one item of a benchmark exactly as a model is asked it.
public struct PromptRun: Run, RecordedSettings {
  /// `headway evaluate --show` and the keys of its settings; it writes nothing, and so no record.
  public static let form: SettingsForm<PromptRun> = SettingsForm(
    "evaluate --show", PromptRun(EvaluationRun(model: "", benchmark: "", data: []), index: 0),
    [
      .group(\.evaluation), .setting("show", \.index, isRequired: true),
    ])

  /// The evaluation that would ask it.
  public var evaluation: EvaluationRun
  /// The item's position in the data, counted from 0.
  public var index: Int

  /// A look at one item.
  public init(_ evaluation: EvaluationRun, index: Int) {
    self.evaluation = evaluation
    self.index = index
  }

  /// Refuses what the evaluation refuses, an index below 0, and `loss`, which asks nothing.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try evaluation.validate()
    if evaluation.benchmark.isLoss {
      throw SettingsError(
        "\(setting: .show) shows questions, which \(setting: .benchmark.set(to: BenchmarkSettings.loss)) has none of; leave it out")
    }
    if index < 0 { throw SettingsError("\(setting: .show) takes an index from 0 on, not \(index)") }
  }

  /// Encodes the item's questions; no weight is read but the shape of the model.
  /// - Returns: one prompt, or several where the benchmark asks an item in several ways.
  /// - Throws: `RunError` where no question is asked of the item.
  public func run(_ monitor: RunMonitor) throws -> [ShownPrompt] {
    try validate()
    guard let (benchmark, variant) = try evaluation.benchmark.chosen() else { return [] }
    let questions = try BenchmarkQuestions(evaluation.benchmark, evaluation.data, benchmark, variant, monitor)
    let asked = questions.questions.filter { $0.index == index }
    guard !asked.isEmpty else {
      throw RunError(
        "\(questions.dataset.name): no question is asked of the item at index \(index); \(setting: .show) takes the index of one of its items"
      )
    }
    let model = try evaluation.model.load(monitor)
    let tokenizer = try Tokenizer.load(from: model.tokenizerFolder.url)
    let encoder = try QuestionEncoder(tokenizer, of: model, for: variant, maximumLength: evaluation.maximumLength)
    return asked.map { ShownPrompt($0, encoder) }
  }
}

/// A question as a model is asked it: `--show` prints it.
public struct ShownPrompt: Codable, Sendable, Hashable {
  /// The position in the data, counted from 0.
  public var index: Int
  /// The dataset's own name of the item.
  public var id: String?
  /// The prompt, verbatim.
  public var prompt: String
  /// The prompt's token ids, where a text is to be written.
  public var tokens: [Int]?
  /// The options of a choice.
  public var options: [Option]?
  /// The right answer.
  public var gold: String?
  /// Whether tokens were cut off on the left because the prompt does not fit.
  public var truncated: Bool

  /// One option.
  public struct Option: Codable, Sendable, Hashable {
    /// The option as published.
    public var text: String
    /// What stands before the continuation, where that is not the prompt.
    public var context: String?
    /// What the model is asked to find likely.
    public var continuation: String
    /// The token ids of all of it.
    public var tokens: [Int]
    /// The place of the continuation's first token among them.
    public var first: Int
  }

  init(_ question: Question, _ encoder: QuestionEncoder) {
    index = question.index
    id = question.id
    prompt = question.prompt
    switch question.task {
    case .choice(let choice):
      let encoded = encoder.encode(choice)
      options = zip(choice.options, encoded).map {
        Option(
          text: $0.text, context: $0.context == question.prompt ? nil : $0.context, continuation: $0.continuation, tokens: $1.tokens,
          first: $1.continuation)
      }
      gold = choice.right.map { choice.options[$0].label }
      truncated = encoded.contains(where: \.isCut)
    case .generation(let generation):
      let encoded = encoder.encode(prompt: question.prompt, newTokens: generation.maximumTokens)
      tokens = encoded.tokens
      gold = generation.key
      truncated = encoded.isCut
    }
  }
}

extension Setting {
  static let show = Setting("show")
}
