import Foundation
import StrictJSON
import Testing

@testable import Evaluation

/// Sums over verdicts: accuracies, standard errors, subjects, orders of options.
@Suite struct ScoreboardTests {
  private func near(_ value: Double?, _ expected: Double?) -> Bool {
    guard let value, let expected else { return value == nil && expected == nil }
    return abs(value - expected) < 1e-12
  }

  @Test func standardErrorsAreTheHarnesss() throws {
    let sums = try #require(try golden("rules.json")["sums"])
    let groups = (sums["groups"]?.list ?? []).map { group in
      let verdicts = (group.list ?? []).compactMap(\.int)
      return Accuracy(correct: verdicts.reduce(0, +), of: verdicts.count)
    }
    let errors = (sums["stderr"]?.list ?? []).compactMap(\.double)
    #expect(zip(groups, errors).allSatisfy { near($0.standardError, $1) })
    #expect(near(groups.pooledStandardError, sums["pooled"]?.double))
    #expect(near(groups.unweightedStandardError, sums["unweighted"]?.double))
    #expect(near(groups.unweightedMean, (0.6 + 0.25 + 1) / 3))
    #expect(Accuracy(correct: 1, of: 1).standardError == nil && Accuracy().value == nil)
    #expect([Accuracy(correct: 1, of: 2), Accuracy(correct: 1, of: 1)].pooledStandardError == nil)
  }

  @Test func ordersOfOptionsAreOpenCompasss() throws {
    let given = try #require(try golden("rules.json")["sums"]?["circular"])
    let keys = given["keys"]?.texts ?? []
    var board = Scoreboard()
    for (place, prediction) in (given["predictions"]?.texts ?? []).enumerated() {
      let generation = Generation(maximumTokens: 1, key: keys[place], rules: [.firstOption])
      var question = Question(Item(index: place / 4, question: "?"), preamble: "", text: "?", task: .generation(generation))
      question.rotations = 4
      question.rotation = place % 4
      board.add(generation.verdict(on: prediction), on: question)
    }
    #expect(near(board.circular.asPublished.value, given["acc_1"]?.double))
    #expect(near(board.circular.allOrders.value, given["acc_4"]?.double))
    #expect(near(board.circular.perfect.value, given["perf_4"]?.double))
    // The one accuracy counts every item once, as published.
    #expect(board.accuracy == board.circular.asPublished && board.accuracy.count == 3)
  }

  private func choice(_ decision: Choice.Decision, right: Int? = 1) -> Choice {
    let options = ["yes", "perhaps"].map { Choice.Option(label: $0, text: $0, context: "Q", continuation: $0) }
    return Choice(options: options, right: right, decision: decision, reportsNormalized: true)
  }

  @Test func optionsAreComparedByWhatDecides() {
    let likely = choice(.likelihood).verdict(logProbabilities: [-3, -6], scores: [-3, -6])
    #expect(likely.answer == "yes" && likely.key == "perhaps" && likely.isCorrect == false && likely.margin == 3)
    // Over length -3 / 3 is less than -6 / 7.
    #expect(likely.isCorrectNormalized == true)
    #expect(choice(.perplexity).verdict(logProbabilities: [-3, -6], scores: [1.5, 1.2]).answer == "perhaps")
    // Of equals the first wins.
    #expect(choice(.perplexity).verdict(logProbabilities: [0, 0], scores: [2, 2]).answer == "yes")
    let unpublished = choice(.likelihood, right: nil).verdict(logProbabilities: [-1, -2], scores: [-1, -2])
    #expect(unpublished.isCorrect == nil && unpublished.key == nil && unpublished.isCorrectNormalized == nil)
  }

  @Test func boardKeepsSubjectsRulesAndWhatDoesNotCount() throws {
    var board = Scoreboard()
    func ask(_ subject: String?, _ output: String, key: String?) {
      let generation = Generation(maximumTokens: 1, key: key, rules: [.lastNumber, .lastNumberWithCommas])
      let question = Question(Item(question: "?", subject: subject), preamble: "", text: "?", task: .generation(generation))
      board.add(generation.verdict(on: output), on: question)
    }
    ask("a", "1,200", key: "1200")
    ask("a", "7", key: "7")
    ask("b", "nothing", key: "1")
    ask("b", "5", key: nil)
    #expect(board.accuracy == Accuracy(correct: 1, of: 3) && board.unanswered == 1 && board.withoutKey == 1)
    #expect(board.rules.map(\.name) == ["last-number", "last-number-with-commas"])
    #expect(board.rules.map(\.accuracy.correct) == [1, 2] && board.rules.map(\.unanswered) == [1, 1])
    #expect(board.subjects.map(\.accuracy) == [Accuracy(correct: 1, of: 2), Accuracy(correct: 0, of: 1)])
    let question = Question(Item(question: "?"), preamble: "", text: "?", task: .choice(choice(.likelihood)))
    board.add(choice(.likelihood).verdict(logProbabilities: [-1, -1], scores: [-1, -1 - 9e-6]), on: question)
    #expect(board.close == 1)
  }

  @Test func resultIsWrittenAsTheContractSays() throws {
    let benchmark = try Benchmarks.named("gsm8k")
    let variant = try benchmark.variant(nil)
    var board = Scoreboard()
    let generation = Generation(maximumTokens: 1, key: "1", rules: [.lastNumber])
    for output in ["1", "2", "no"] {
      board.add(
        generation.verdict(on: output),
        on: Question(Item(question: "?", subject: "s"), preamble: "", text: "?", task: .generation(generation)))
    }
    let result = EvaluationResult(
      benchmark, variant, shots: try Shots(for: variant), extraction: ["last-number"], board: board, leftOut: 0, truncated: 2)
    let json = try JSONParser().parse(Array(try JSONEncoder().encode(result)))
    #expect(json["benchmark"]?.string == "gsm8k" && json["variant"]?.string == "opencompass gen_1d7fe4, own shots")
    #expect(json["shots"]?.int == 4 && json["extraction"]?.string == "last-number" && json["metric"]?.string == "accuracy")
    #expect(near(json["value"]?.double, 1.0 / 3) && json["count"]?.int == 3 && json["correct"]?.int == 1)
    #expect(near(json["stderr"]?.double, (2.0 / 9 / 2).squareRoot()) && json["unanswered"]?.int == 1 && json["truncated"]?.int == 2)
    #expect(json["rules"]?["last-number"]?["correct"]?.int == 1 && json["subjects"]?["s"]?["count"]?.int == 3)
    #expect(json["acc_norm"] == nil && json["circular"] == nil)
  }
}
