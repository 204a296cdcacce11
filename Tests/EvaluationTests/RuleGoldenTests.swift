import Foundation
import StrictJSON
import Testing

@testable import Evaluation

/// Rules of extraction and their arithmetic, held against the evaluators' own code.
@Suite struct RuleGoldenTests {
  /// The names under which the fixture holds the rules.
  private static let rules: [String: ExtractionRule] = [
    "last-number": .lastNumber, "strict-match": .strictMatch, "flexible-extract": .flexibleExtract,
    "mgsm/flexible-extract": .flexibleExtractWithoutPunctuation, "mgsm/remove_whitespace": .wholeOutput,
    "mgsm/number-behind-answer zh": .number(behind: "答案"), "mgsm/number-behind-answer de": .number(behind: "Antwort"),
    "number-behind-phrase zh": .cloze(saying: "答案是"), "number-behind-phrase en": .cloze(saying: "The answer is"),
    "first-option": .firstOption, "first-capital": .firstCapital, "boxed-or-said": .boxedOrSaid, "between-dollars": .betweenDollars,
  ]

  /// What the evaluators write where they found nothing.
  private static let nothing: Set = ["", "NULL", "[invalid]"]

  @Test func rulesReadWhatTheEvaluatorsRead() throws {
    let tables = try #require(try golden("rules.json")["rules"]?.list)
    #expect(Set(tables.compactMap { $0["rule"]?.string }) == Set(Self.rules.keys))
    for given in tables {
      let name = try #require(given["rule"]?.string)
      let rule = try #require(Self.rules[name])
      for row in try #require(given["table"]?.list) {
        let output = try #require(row["output"]?.string)
        let expected = row["answer"]?.string.flatMap { Self.nothing.contains($0) ? nil : $0 }
        let right = row["right"]?.texts ?? []
        for key in given["keys"]?.texts ?? [] {
          let verdict = rule.verdict(on: output, key: key)
          #expect((verdict.answer ?? "") == (expected ?? ""), "\(name) of \(output.debugDescription)")
          #expect(verdict.isCorrect == right.contains(key), "\(name) of \(output.debugDescription) for \(key)")
        }
      }
    }
  }

  @Test func answersInLaTeXTakeTheEvaluatorsForms() throws {
    for given in try #require(try golden("rules.json")["forms"]?.list) { try expectForms(given) }
  }

  private func expectForms(_ given: JSONValue) throws {
    let text = try #require(given["text"]?.string)
    #expect(LaTeXAnswer.normalized(text) == given["normalized"]?.string, "\(text)")
    #expect(LaTeXAnswer.hendrycksForm(of: text) == given["hendrycks"]?.string, "\(text)")
    #expect(LaTeXAnswer.minervaForm(of: text) == given["minerva"]?.string, "\(text)")
  }

  /// The whole of MATH, where a file of it was prepared (scripts/goldens/evaluation_rules.py --problems).
  @Test(.enabled(if: ProcessInfo.processInfo.environment["HEADWAY_MATH_RULES"] != nil)) func wholeDataset() throws {
    let path = try #require(ProcessInfo.processInfo.environment["HEADWAY_MATH_RULES"])
    let file = try JSONParser().parse(Array(try Data(contentsOf: URL(filePath: path))))
    for given in try #require(file["forms"]?.list) { try expectForms(given) }
    for given in try #require(file["read"]?.list) {
      let output = try #require(given["output"]?.string)
      #expect(ExtractionRule.boxedOrSaid.verdict(on: output, key: nil).answer == given["answer"]?.string, "\(output)")
      #expect(ExtractionRule.betweenDollars.verdict(on: output, key: nil).answer == given["dollars"]?.string, "\(output)")
    }
    for given in try #require(file["neighbours"]?.list) {
      let first = try #require(given["first"]?.string)
      let second = try #require(given["second"]?.string)
      #expect(LaTeXAnswer.areEquivalent(first, second) == given["opencompass"]?.bool, "\(first) and \(second)")
      #expect(LaTeXAnswer.areEquivalentByHendrycks(first, second) == given["hendrycks"]?.bool, "\(first) and \(second)")
    }
  }
}
