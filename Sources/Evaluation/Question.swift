/// One thing that a model is asked: a text, and either options to choose among or a text to write.
public struct Question: Sendable {
  /// The 0-based position in DATA of the item that it was made of.
  public var index: Int
  /// The dataset's own name of the item.
  public var id: String?
  /// The subject, where the benchmark has subjects.
  public var subject: String?
  /// In how many orders of its options the item is asked; more than 1 only where a benchmark asks so.
  public var rotations = 1
  /// Which of them this is: by how many places the options are turned, 0 as published.
  public var rotation = 0
  /// What stands before the question, the same for all questions of a subject: a header and the shots.
  public var preamble: String
  /// The question's own text.
  public var text: String
  /// What is wanted.
  public var task: Task

  /// What is wanted of the model.
  public enum Task: Sendable {
    /// The likeliest of some options.
    case choice(Choice)
    /// A text, of which an answer is extracted.
    case generation(Generation)
  }

  /// The prompt: preamble and question.
  public var prompt: String { preamble + text }

  /// A question about an item.
  init(_ item: Item, preamble: String, text: String, task: Task) {
    index = item.index
    id = item.id
    subject = item.subject
    self.preamble = preamble
    self.text = text
    self.task = task
  }
}

/// Options, one of which is right.
public struct Choice: Sendable, Hashable {
  /// One option.
  public struct Option: Sendable, Hashable {
    /// What answers and keys call it: a letter, or a number as the dataset counts.
    public var label: String
    /// The option as published. Its number of code points is the length by which `acc_norm` divides.
    public var text: String
    /// What stands before the continuation: the whole prompt, which only where the option itself fills a blank differs between options.
    public var context: String
    /// What the model is asked to find likely.
    public var continuation: String

    /// The whole text.
    public var whole: String { context + continuation }
  }

  /// What decides.
  public enum Decision: Sendable, Hashable {
    /// The least mean cross-entropy of the whole text: summed over its T - 1 predictions, divided by T (OpenCompass's `ppl`).
    case perplexity
    /// The greatest log-probability of the continuation (OpenCompass's `ll`, lm-evaluation-harness's `acc`).
    case likelihood
  }

  /// The options in the order in which they are compared: of equals the first wins.
  public var options: [Option]
  /// The position of the right one; nil where the key is not published.
  public var right: Int?
  /// What decides.
  public var decision: Decision
  /// Whether the choice by log-probability over length is reported too (`acc_norm`).
  public var reportsNormalized = false
}

/// A text to write, greedily, and the key of the answer that it should say.
public struct Generation: Sendable {
  /// Texts at the first of which the answer ends.
  public var stops: [String] = []
  /// The most new tokens.
  public var maximumTokens: Int
  /// The right answer; nil where it is not published.
  public var key: String?
  /// The rules that find the answer in the text, the one that counts first.
  public var rules: [ExtractionRule]
}
