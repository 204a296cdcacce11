import Foundation
import Instructions
import Testing

@testable import Evaluation

/// Data of prompts and responses asked as it is.
struct ExactTests {
  private func questions(_ lines: String) throws -> [Question] {
    let folder = try TemporaryFolder()
    try folder.write("pairs.jsonl", lines)
    let exact = try Benchmarks.named("exact")
    let reader = try Dataset(at: [folder.url], options: DatasetOptions(format: "pairs")).instructions()
    var questions: [Question] = []
    let variant = try exact.variant(nil)
    let shots = try Shots(for: variant)
    while let sample = try reader.nextSample() { questions += try variant.questions(of: exact.item(of: sample), shots: shots) }
    return questions
  }

  @Test func promptsAreVerbatimAndResponsesWhole() throws {
    let asked = try questions(
      #"{"prompt": "Input: a \nAnswer: ", "response": "é", "task": "flip", "id": "q1"}"# + "\n" + #"{"prompt": "b"}"# + "\n")
    #expect(asked.map(\.prompt) == ["Input: a \nAnswer: ", "b"])
    #expect(asked.map(\.id) == ["q1", nil] && asked.map(\.subject) == ["flip", "pairs"])
    guard case .generation(let generation) = asked[0].task, case .generation(let unknown) = asked[1].task else {
      Issue.record("no text is asked for")
      return
    }
    #expect(generation.key == "é" && unknown.key == nil && generation.stops.isEmpty && generation.rules.count == 1)
    let rule = generation.rules[0]
    #expect(rule.verdict(on: " é\n", key: "é").isCorrect == true)
    #expect(rule.verdict(on: "e\u{301}", key: "é").isCorrect == false)
    #expect(rule.verdict(on: "éé", key: "é").isCorrect == false)
    #expect(rule.verdict(on: " ", key: "é") == RuleVerdict(rule: "whole-text", answer: nil, isCorrect: false, isAnswered: false))
    #expect(rule.verdict(on: "x", key: nil).isCorrect == nil)
  }
}
