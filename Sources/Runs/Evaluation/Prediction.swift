import Evaluation
import Foundation
import Ground
import Instructions

/// One line of a predictions file: what became of one question.
public struct Prediction: Codable, Sendable, Hashable {
  /// The position in the data, counted from 0.
  public var index: Int
  /// The dataset's own name of the item.
  public var id: String?
  /// By how many places the options are turned, where a question is asked in several orders of them.
  public var rotation: Int?
  /// The prompt, verbatim.
  public var prompt: String
  /// The options of a choice.
  public var options: [Option]?
  /// The text that was written.
  public var output: String?
  /// The answer that counts.
  public var answer: String?
  /// The right answer.
  public var gold: String?
  /// Whether it is right; nil where the right one is not published.
  public var correct: Bool?
  /// What each rule of extraction read, by its name; nil for choices.
  public var rules: [String: String]?

  /// What was measured for an option.
  public struct Option: Codable, Sendable, Hashable {
    /// The option as published.
    public var text: String
    /// Of the continuation, in nats, summed over its tokens.
    public var logprob: Double
    /// The number that decides.
    public var score: Double
    /// Tokens of the continuation.
    public var tokens: Int
  }

  enum CodingKeys: CodingKey {
    case index, id, rotation, prompt, options, output, answer, gold, correct, rules
  }

  init(_ question: Question, _ reply: BenchmarkReply, _ verdict: Verdict) {
    index = question.index
    id = question.id
    rotation = question.rotations > 1 ? question.rotation : nil
    prompt = question.prompt
    if case .choice(let choice) = question.task, case .options(let found) = reply.content {
      options = zip(choice.options, found).map {
        Option(text: $0.text, logprob: $1.logProbability, score: $1.score, tokens: $1.tokens)
      }
    }
    if case .text(let text, _) = reply.content { output = text }
    answer = verdict.answer
    gold = verdict.key
    correct = verdict.isCorrect
    if !verdict.rules.isEmpty {
      rules = Dictionary(verdict.rules.compactMap { rule in rule.answer.map { (rule.rule, $0) } }) { first, _ in first }
    }
  }

  /// The loss of a sample's response.
  init(_ sample: Instruction, logProbability: Double, labels: Int) {
    index = sample.index
    id = sample.id
    prompt = sample.prompt
    options = [
      Option(text: sample.response, logprob: logProbability, score: -logProbability / Double(max(1, labels)), tokens: labels)
    ]
  }

  /// Keys that a question has no value for are null, so that all lines have the same ones.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(index, forKey: .index)
    try values.encode(id, forKey: .id)
    try values.encodeIfPresent(rotation, forKey: .rotation)
    try values.encode(prompt, forKey: .prompt)
    try values.encodeIfPresent(options, forKey: .options)
    try values.encodeIfPresent(output, forKey: .output)
    try values.encode(answer, forKey: .answer)
    try values.encode(gold, forKey: .gold)
    try values.encode(correct, forKey: .correct)
    try values.encodeIfPresent(rules, forKey: .rules)
  }
}

extension OutputKind {
  /// The predictions of an evaluation, known by the keys of their first line.
  static let predictions = OutputKind("predictions of an evaluation") { url in
    let beginning = OutputKind.beginning(of: url, 1 << 20)
    guard let end = beginning.firstIndex(of: 10),
      let line = try? JSONSerialization.jsonObject(with: beginning[..<end]) as? [String: Any]
    else { return false }
    return Set(["index", "id", "prompt", "answer", "gold", "correct"]).isSubset(of: line.keys)
  }
}
