import Ground
import Instructions
public import StrictJSON

/// One item of a benchmark's dataset, as its prompts need it: a question to ask, or a shot to show.
public struct Item: Sendable, Hashable {
  /// The 0-based position in DATA.
  public var index: Int
  /// The dataset's own name of the item, where it has one.
  public var id: String?
  /// The question, verbatim.
  public var question: String
  /// The options of a multiple-choice question, in their published order; empty otherwise.
  public var options: [String]
  /// The position of the right option; nil where there are no options or the key is not published.
  public var right: Int?
  /// The right answer as the dataset gives it: a number, an expression, a letter; nil where it is not published.
  public var answer: String?
  /// The way to the answer in words, where the item has one; without the final phrase that says the answer.
  public var steps: String?
  /// The subject, where the dataset has subjects: tables are made by it, and shots chosen.
  public var subject: String?
  /// The language, two letters, where the dataset has several.
  public var language: String?
  /// The record's own fields, for what only one benchmark needs.
  public var fields: JSONObject

  /// An item.
  public init(
    index: Int = 0, id: String? = nil, question: String, options: [String] = [], right: Int? = nil, answer: String? = nil,
    steps: String? = nil, subject: String? = nil, language: String? = nil, fields: JSONObject = JSONObject()
  ) {
    self.index = index
    self.id = id
    self.question = question
    self.options = options
    self.right = right
    self.answer = answer
    self.steps = steps
    self.subject = subject
    self.language = language
    self.fields = fields
  }

  /// The item that a sample holds; its question is the field of that name.
  init(_ sample: Sample, question field: String = "question") throws(EvaluationError) {
    let instruction = sample.instruction
    guard let question = sample.fields[field]?.string else {
      throw EvaluationError("the sample at index \(instruction.index) has no field '\(field)'; give the benchmark's own files")
    }
    var right: Int?
    var answer: String?
    switch instruction.answer {
    case .option(let index): right = index
    case .text(let text): answer = text
    case nil: break
    }
    self.init(
      index: instruction.index, id: instruction.id, question: question, options: instruction.options, right: right, answer: answer,
      language: instruction.language, fields: sample.fields)
  }

  /// The text of one of the record's own fields; nil where there is none.
  func text(_ field: String) -> String? { fields[field]?.string }

  /// The letters of four options.
  static let letters = ["A", "B", "C", "D"]

  /// The letter of an option by its position, A for the first.
  static func letter(_ position: Int) -> String { position < 26 ? String(Unicode.Scalar(UInt8(65 + position))) : String(position + 1) }

  /// The options, a line each, without a last line feed: `A. …`.
  var optionLines: String { zip(Self.letters, options).map { "\($0). \($1)" }.joined(separator: "\n") }

  /// The letter of the right option; for a shot, which cannot do without.
  func rightLetter() throws(EvaluationError) -> String {
    guard let right else { throw missing("right option") }
    return Self.letter(right)
  }

  /// The text of the right option, for a shot.
  func rightOption() throws(EvaluationError) -> String {
    guard let right, options.indices.contains(right) else { throw missing("right option") }
    return options[right]
  }

  /// The published answer, for a shot.
  func publishedAnswer() throws(EvaluationError) -> String {
    guard let answer else { throw missing("answer") }
    return answer
  }

  private func missing(_ what: String) -> EvaluationError {
    EvaluationError("the shot at index \(index) has no \(what); take shots from a part of the dataset that is published with its answers")
  }
}
