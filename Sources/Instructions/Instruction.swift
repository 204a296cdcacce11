/// One sample: what the model is given, and what it should say.
public struct Instruction: Sendable, Hashable {
  /// The text without loss, verbatim: nothing is added or trimmed when it is encoded, apart from the tokenizer's own special tokens.
  public var prompt: String
  /// The text that carries the loss, verbatim. Empty where ``isAnswered`` is false.
  public var response: String
  /// What follows the response in a conversation of several turns; empty otherwise. See ``pieces``.
  public var turns: [Turn] = []
  /// Whether the end-of-sequence token follows the last piece. False where a chat form closes the last turn itself, and where there is
  /// no answer, so that an unanswered sample has no label at all.
  public var endsWithEndOfSequence = true
  /// False where the dataset publishes no answer for this sample (the test parts of Winogrande, HellaSwag and C-Eval): such a
  /// sample can be asked, but not be learned from or measured.
  public var isAnswered = true
  /// The task that the sample belongs to: the record's own where the format has such a field, otherwise the format's name.
  public var task: String?
  /// The dataset's own name of the sample, where it has one.
  public var id: String?
  /// What the sample is about or asks for, in the dataset's words: skills, subject, level.
  public var tags: [String] = []
  /// Broader tags, where the dataset has two kinds (FLASK's domains, Infinity Instruct's categories of skills).
  public var categories: [String] = []
  /// The language of the sample where the dataset names it (`zh-cn`, `en`).
  public var language: String?
  /// The options of a multiple-choice question, in their published order; empty otherwise.
  public var options: [String] = []
  /// The answer key, where there is one.
  public var answer: Answer?
  /// 0-based position in DATA: file order, counted before any limit or filter; bad records that were skipped are counted too.
  public var index: Int

  /// A sample of one turn.
  public init(prompt: String, response: String, task: String? = nil, id: String? = nil, index: Int = 0) {
    self.prompt = prompt
    self.response = response
    self.task = task
    self.id = id
    self.index = index
  }

  /// A stretch of text of a conversation.
  public struct Turn: Sendable, Hashable {
    /// The text, verbatim.
    public var text: String
    /// Whether the model is trained and measured on this text (an assistant's turn) or only given it.
    public var carriesLoss: Bool

    /// A stretch of text.
    public init(_ text: String, carriesLoss: Bool) {
      self.text = text
      self.carriesLoss = carriesLoss
    }
  }

  /// The texts in the order in which they are encoded, each with whether it carries loss: prompt, response, further turns.
  public var pieces: [Turn] {
    [Turn(prompt, carriesLoss: false), Turn(response, carriesLoss: true)] + turns
  }
}

/// The key that an answer is marked against.
public enum Answer: Sendable, Hashable {
  /// A number or expression, as the dataset writes it.
  case text(String)
  /// The 0-based position of the right one among ``Instruction/options``.
  case option(Int)
}
