import Foundation
import Instructions

/// What `DataSummaryRun` found in a dataset.
public struct DataSummary: Codable, Sendable, Hashable {
  /// The files that were read.
  public var files: [String]
  /// The format's name.
  public var format: String
  /// Whether the format was recognised rather than named.
  public var recognised: Bool
  /// What wrote the prompts.
  public var template: String
  /// The SHA-256 of the data.
  public var fingerprint: String
  /// Samples.
  public var count: Int
  /// Samples without a published answer.
  public var unanswered: Int
  /// Bad records that were passed over.
  public var skipped: Int
  /// Samples that the filter left out.
  public var filtered: Int
  /// Samples left out as equal to an earlier one.
  public var duplicates: Int
  /// Lengths of prompts in characters (Unicode scalars); nil without samples.
  public var promptCharacters: Lengths?
  /// Lengths of what carries loss.
  public var responseCharacters: Lengths?
  /// Lengths of whole samples in tokens; nil without a tokenizer.
  public var tokens: Lengths?
  /// The most tokens of a sample, beyond which it would be cut.
  public var maximumLength: Int
  /// Samples of more tokens than that; nil without a tokenizer.
  public var aboveMaxLength: Int?
  /// How often each task occurs.
  public var tasks: [String: Int]
  /// How often each language occurs.
  public var languages: [String: Int]
  /// How often each tag occurs.
  public var tags: [String: Int]
  /// How often each category occurs.
  public var categories: [String: Int]
  /// The file that the samples were written to.
  public var written: String?
  /// The first samples.
  public var samples: [Sample]

  enum CodingKeys: String, CodingKey {
    case files, format, recognised, template, fingerprint, count, unanswered, skipped, filtered, duplicates, tokens, tasks, languages, tags
    case categories, written, samples
    case promptCharacters = "prompt_characters"
    case responseCharacters = "response_characters"
    case maximumLength = "max_length"
    case aboveMaxLength = "above_max_length"
  }

  init(
    _ dataset: Dataset, _ counts: ReadingCounts, _ summary: DatasetSummary, _ first: [Instruction], maximumLength: Int,
    written: String?
  ) throws {
    files = dataset.fileNames
    format = dataset.formatName
    recognised = dataset.formatWasRecognised
    template = dataset.templateName
    fingerprint = try dataset.fingerprint()
    count = summary.count
    unanswered = summary.unanswered
    skipped = counts.skipped
    filtered = counts.filtered
    duplicates = counts.duplicates
    promptCharacters = Lengths(summary.promptCharacters)
    responseCharacters = Lengths(summary.responseCharacters)
    tokens = Lengths(summary.tokens)
    self.maximumLength = maximumLength
    aboveMaxLength = tokens == nil ? nil : summary.tokens.count(above: maximumLength)
    func table(_ names: DatasetSummary.NameCounts) -> [String: Int] {
      Dictionary(names.sorted.map { ($0.name, $0.count) }, uniquingKeysWith: +)
    }
    tasks = table(summary.tasks)
    languages = table(summary.languages)
    tags = table(summary.tags)
    categories = table(summary.categories)
    self.written = written
    samples = first.map(Sample.init)
  }

  /// How lengths are distributed.
  public struct Lengths: Codable, Sendable, Hashable {
    /// The least.
    public var min: Int
    /// The median.
    public var median: Int
    /// The mean.
    public var mean: Double
    /// The greatest.
    public var max: Int
    /// Their sum.
    public var total: Int
    /// `[from, up to, count]` a bar.
    public var histogram: [[Int]]

    init?(_ lengths: DatasetSummary.Lengths) {
      guard let least = lengths.minimum, let most = lengths.maximum, let middle = lengths.quantile(0.5), let mean = lengths.mean else {
        return nil
      }
      min = least
      max = most
      median = middle
      self.mean = mean
      total = lengths.total
      histogram = lengths.histogram.map { [$0.from, $0.upTo, $0.count] }
    }
  }

  /// A sample as it is read.
  public struct Sample: Codable, Sendable, Hashable {
    /// Its place in the data, counted from 0.
    public var index: Int
    /// The dataset's own name of it.
    public var id: String?
    /// The text that is given.
    public var prompt: String
    /// The text that carries loss; nil where there is no published answer.
    public var response: String?
    /// Further turns of a conversation, `["assistant" or "given", text]` each.
    public var turns: [[String]]
    /// What it is about.
    public var tags: [String]
    /// Broader tags.
    public var categories: [String]
    /// The options of a multiple-choice question.
    public var options: [String]
    /// The answer key.
    public var answer: String?
    /// The right one of the options, counted from 0.
    public var option: Int?

    init(_ instruction: Instruction) {
      index = instruction.index
      id = instruction.id
      prompt = instruction.prompt
      response = instruction.isAnswered ? instruction.response : nil
      turns = instruction.turns.map { [$0.carriesLoss ? "assistant" : "given", $0.text] }
      tags = instruction.tags
      categories = instruction.categories
      options = instruction.options
      if case .text(let key) = instruction.answer { answer = key }
      if case .option(let index) = instruction.answer { option = index }
    }
  }
}
