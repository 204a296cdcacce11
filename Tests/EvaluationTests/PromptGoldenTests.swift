import Instructions
import StrictJSON
import Testing

@testable import Evaluation

/// What is asked, held to the byte against what OpenCompass's and lm-evaluation-harness's own code makes of the same files.
@Suite struct PromptGoldenTests {
  @Test func promptsAreTheEvaluatorsOwn() throws {
    let cases = try #require(try golden("prompts.json")["cases"]?.list)
    #expect(cases.count > 50)
    for given in cases {
      let benchmark = try Benchmarks.named(try #require(given["benchmark"]?.string))
      let variant = try benchmark.variant(try #require(given["variant"]?.string))
      let title = "\(benchmark.name) \(variant.name)"
      let shown = try given["shots"]?.object.map { try items(benchmark, .object($0)) }
      let shots = try Shots(for: variant, given: shown, count: given["count"]?.int)
      let questions = try items(benchmark, try #require(given["files"])).flatMap { try variant.questions(of: $0, shots: shots) }
      let asked = try #require(given["asked"]?.list)
      #expect(questions.count == asked.count, "\(title)")
      for (question, asked) in zip(questions, asked) {
        #expect(shown != nil || question.preamble.isEmpty || variant.name == "lm-eval", "\(title)")
        switch question.task {
        case .choice(let choice): expect(choice, asked, title)
        case .generation(let generation):
          #expect(question.prompt.isExactly(try #require(asked["prompt"]?.string)), "\(title): \(question.prompt)")
          #expect(generation.stops == asked["stops"]?.texts && generation.maximumTokens == asked["tokens"]?.int, "\(title)")
          #expect(generation.key == asked["key"]?.string, "\(title)")
        }
      }
    }
  }

  /// Patterns are measured on MathBench's choices as the evaluator asks them, options in the published order.
  @Test func mathBenchIsReadAsItIsAsked() throws {
    let cases = try #require(try golden("prompts.json")["cases"]?.list).filter { $0["benchmark"]?.string == "mathbench" }
    var compared = 0
    for given in cases {
      let samples = try samples(MathBench(), try #require(given["files"])).filter { !$0.instruction.options.isEmpty }
      let asked = try #require(given["asked"]?.list).compactMap { $0["prompt"]?.string }
      guard !samples.isEmpty else { continue }
      #expect(asked.count == 4 * samples.count)
      for (index, sample) in samples.enumerated() {
        #expect(sample.instruction.prompt.isExactly(asked[4 * index]), "\(sample.instruction.prompt)")
        compared += 1
      }
    }
    #expect(compared > 0)
  }

  private func expect(_ choice: Choice, _ asked: JSONValue, _ title: String) {
    #expect(choice.right == asked["right"]?.int, "\(title)")
    if let whole = asked["whole"]?.texts {
      #expect(
        choice.decision == .perplexity && choice.options.map { Array($0.whole.utf8) } == whole.map { Array($0.utf8) }, "\(title): \(choice)"
      )
    } else {
      let pairs = (asked["pairs"]?.list ?? []).map(\.texts)
      #expect(choice.decision == .likelihood && choice.options.map { [$0.context, $0.continuation] } == pairs, "\(title): \(choice)")
    }
  }
}
