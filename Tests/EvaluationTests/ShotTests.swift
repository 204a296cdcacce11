import Ground
import StrictJSON
import Testing

@testable import Evaluation

/// Which shots are shown, and what is refused.
@Suite struct ShotTests {
  @Test func everyBenchmarkAsksWithItsOwnShots() throws {
    for benchmark in Benchmarks.all {
      for variant in benchmark.variants {
        let shots = try Shots(for: variant)
        #expect(shots.areOwn == (shots.count > 0) && variant.title(with: shots).hasSuffix("own shots") == shots.areOwn)
        #expect(shots.count == 0 || (variant.shots?.own.count ?? 0) >= shots.count, "\(benchmark.name) \(variant.name)")
      }
      #expect(Set(benchmark.variants.map(\.name)).count == benchmark.variants.count)
    }
    #expect(try Benchmarks.named("mmlu").variant("opencompass").name == "ppl_ac766d")
    #expect(throws: EvaluationError.self) { try Benchmarks.named("glue") }
    #expect(throws: EvaluationError.self) { try Benchmarks.named("cmath").variant("lm-eval") }
  }

  @Test func ownShotsAreRight() {
    for shot in OwnShots.wordProblems + OwnShots.chineseWordProblems {
      #expect(ExtractionRule.lastNumber.find(shot.steps ?? "")?.text == shot.answer, "\(shot.question)")
    }
    for shot in OwnShots.competitionProblems { #expect(ExtractionRule.boxed.find(shot.steps ?? "")?.text == shot.answer) }
    for shot in OwnShots.choices + OwnShots.chineseChoices {
      #expect(shot.options.count == 4 && shot.options.indices.contains(shot.right ?? -1))
    }
  }

  @Test func shotsAreTheFirstOfTheirSubject() throws {
    let variant = try Benchmarks.named("mmlu").variant(nil)
    let given = (0..<6).map {
      Item(index: $0, question: "\($0)", options: ["a", "b", "c", "d"], right: 0, subject: $0.isMultiple(of: 2) ? "x" : "y")
    }
    let shots = try Shots(for: variant, given: given, count: 2)
    #expect(try shots.first(ofSubject: "y").map(\.index) == [1, 3] && !shots.areOwn)
    #expect(throws: EvaluationError.self) { try shots.first(ofSubject: "z") }
    #expect(throws: EvaluationError.self) { try Shots(for: variant, given: given, count: 4).first(ofSubject: "x") }
    #expect(throws: EvaluationError.self) { try Shots(for: variant, given: given, count: -1) }
    #expect(try Shots(for: variant, count: 0).first(ofSubject: "x").isEmpty)
  }

  @Test func variantsWithoutPlaceForShotsRefuseThem() throws {
    let variant = try Benchmarks.named("hellaswag").variant(nil)
    #expect(throws: EvaluationError.self) { try Shots(for: variant, given: []) }
    #expect(throws: EvaluationError.self) { try Shots(for: variant, count: 3) }
    #expect(try Shots(for: variant, count: 0).count == 0)
    let unwritten = try Benchmarks.named("arc").variant("lm-eval")
    #expect(throws: EvaluationError.self) { try Shots(for: unwritten, count: 1).first(of: "arc") }
  }

  @Test func harnessNeedsTheTwoPartsOfAHellaSwagContext() throws {
    let benchmark = try Benchmarks.named("hellaswag")
    let variant = try benchmark.variant("lm-eval")
    let text = "Roof work: A man sits on a roof. he\n1\na.\nb.\nc.\nd.\n"
    let item = try #require(try items(benchmark, ["val.txt": .string(text)]).first)
    let error = #expect(throws: EvaluationError.self) { try variant.questions(of: item, shots: Shots(for: variant)) }
    #expect(error?.description.contains("ctx_a") == true)
  }
}
