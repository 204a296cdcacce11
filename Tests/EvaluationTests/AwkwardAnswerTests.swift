import Testing

@testable import Evaluation

/// Outputs that rules are known to stumble over, with what each rule makes of them, checked by hand.
@Suite struct AwkwardAnswerTests {
  /// What ``ExtractionRule/lastNumber``, ``lastNumberWithCommas``, ``strictMatch`` and ``flexibleExtract`` read.
  private static let numbers: [(output: String, opencompass: String?, headway: String?, strict: String?, flexible: String?)] = [
    ("The answer is 18.", "18", "18", nil, "18."),
    // Commas between thousands: the plain rule reads what follows the last one.
    ("She makes $1,200 a day.", "200", "1200", nil, "$1,200"),
    ("It weighs 12,500,000 g.", "000", "12500000", nil, "12,500,000"),
    // Commas that are none.
    ("The digits are 1,2,3", "3", "3", nil, "1,2,3"),
    ("It takes 3 days, 4 hours", "4", "4", nil, "4"),
    // Units and signs that touch the number.
    ("That is 45kg", "45", "45", nil, "45"),
    ("It costs 5$", "5", "5", nil, "5$"),
    ("It is 12%", "12", "12", nil, "12"),
    // Negative numbers, and hyphens that are no signs.
    ("The temperature is -5", "-5", "-5", nil, "-5"),
    ("Read pages 3-5", "-5", "5", nil, "-5"),
    ("It fell to −7", "7", "-7", nil, "7"),
    // Two numbers.
    ("Either 10 or 20", "20", "20", nil, "20"),
    ("#### 10 or 20", "20", "20", "10", "20"),
    ("#### 5\n#### 6", "6", "6", "5", "6"),
    // Full width.
    ("答案是１２", "１２", "12", nil, nil),
    ("答案是１，２００", "２００", "1200", nil, nil),
    // Decimals, and a point at the end of a sentence.
    ("It is 1,234.50.", "234.50", "1234.50", nil, "1,234.50."),
    ("It is .5", "5", "5", nil, ".5"),
    // The next question is none of the answer.
    ("So 7.\nQuestion: What is 9?", "7", "7", nil, "9"),
    // No answer.
    ("I do not know.", nil, nil, nil, nil),
    ("", nil, nil, nil, nil),
  ]

  @Test func numbersAreReadAsEachRuleSays() {
    for row in Self.numbers {
      let read = [ExtractionRule.lastNumber, .lastNumberWithCommas, .strictMatch, .flexibleExtract].map { $0.find(row.output)?.text }
      #expect(read == [row.opencompass, row.headway, row.strict, row.flexible], "\(row.output)")
    }
  }

  @Test func numbersAreComparedByValueOrAsText() {
    #expect(ExtractionRule.lastNumber.agrees("18.0", "18") && ExtractionRule.lastNumber.agrees("１８", "18"))
    #expect(!ExtractionRule.lastNumber.agrees("18.1", "18") && !ExtractionRule.lastNumber.agrees("200", "1200"))
    #expect(ExtractionRule.flexibleExtract.agrees("$1,200.", "1200") && !ExtractionRule.flexibleExtract.agrees("18.0", "18"))
    #expect(ExtractionRule.strictMatch.agrees("18.", "18"))
  }

  /// What ``ExtractionRule/firstOption``, ``firstCapital`` and ``letterAlone`` read.
  private static let letters: [(output: String, ordered: String?, capital: String?, alone: String?)] = [
    ("B", "B", "B", "B"),
    ("(C)", "C", "C", "C"),
    ("The answer is D.", "D", "T", "D"),
    ("答案：A", "A", "A", "A"),
    ("故选B。", "B", "B", "B"),
    // Letters inside words.
    ("Because it is heavy", "B", "B", nil),
    ("Apples fall down", "A", "A", nil),
    ("None of these. Definitely", "D", "N", nil),
    // A word that is a letter.
    ("A dog. The answer is B", "B", "A", "A"),
    // Two options.
    // A letter at the end, behind a space, comes earlier in the list than any letter.
    ("B is wrong, so C", "C", "B", "B"),
    ("B is wrong, C is right", "B", "B", "B"),
    ("I choose neither", nil, "I", nil),
    // Full width.
    ("选Ｂ", nil, "Ｂ", "B"),
    ("E", nil, "E", nil),
    ("b", nil, nil, nil),
    ("", nil, nil, nil),
  ]

  @Test func lettersAreReadAsEachRuleSays() {
    for row in Self.letters {
      let read = [ExtractionRule.firstOption, .firstCapital, .letterAlone].map { $0.find(row.output)?.text }
      #expect(read == [row.ordered, row.capital, row.alone], "\(row.output)")
    }
  }

  /// Answers to MATH: what is read, whether it is only the fallback, and a key that it agrees with.
  private static let boxes: [(output: String, answer: String?, isFallback: Bool, key: String)] = [
    (#"So the sum is $\boxed{7}$."#, "7", false, "7"),
    (#"$\boxed{\frac{1}{2}}$"#, #"\frac{1}{2}"#, false, "1/2"),
    (#"\boxed{\boxed{5}}"#, "5", false, "5"),
    (#"First \boxed{1}, then \boxed{\frac{2}{3}}"#, #"\frac{2}{3}"#, false, #"\dfrac23"#),
    (#"\boxed{{9}}"#, "9", false, "9"),
    (#"\boxed{3\text{ cm}}"#, #"3\text{ cm}"#, false, "3"),
    (#"\boxed{\$1,\!000}"#, #"\$1,\!000"#, false, "1000"),
    (#"\boxed{x = -4}"#, "x = -4", false, "-4"),
    // Braces that are not closed: the sentence is read instead.
    (#"The answer is \boxed{4"#, #"\boxed{4"#, false, #"\boxed{4"#),
    ("Final Answer: The final answer is $\\frac12$. I hope it is correct.", #"\frac{1}{2}"#, false, #"\frac{1}{2}"#),
    // Nothing is said: the first sentence, without spaces and what is taken for an article ("area ").
    ("The area is 12. It is not large.", "Theareis12", true, "Theareis12"),
    ("", "", true, ""),
  ]

  @Test func boxesAreReadByTheirBraces() {
    for row in Self.boxes {
      let found = ExtractionRule.boxedOrSaid.find(row.output)
      #expect(found == row.answer.map { FoundAnswer(text: $0, isFallback: row.isFallback) }, "\(row.output)")
      #expect(LaTeXAnswer.areEquivalent(found?.text ?? "", row.key), "\(row.output)")
    }
    #expect(ExtractionRule.boxed.find("no box") == nil && ExtractionRule.boxed.find(#"\fbox{2}"#)?.text == "2")
  }

  /// Cloze questions in Chinese.
  @Test func clozeAnswersAreReadBehindThePhrase() {
    let rule = ExtractionRule.cloze(saying: "答案是")
    let rows: [(String, String, Bool)] = [
      ("一共有 3 + 4 = 7 个。答案是 7", "7", false), ("答案是 1,234 元，不是 5", "1234", false), ("3 加 4 等于 7", "7", false),
      ("答案是 3/4", "3/4", false), ("答案是没有", "没有", true), ("答案是 7。答案是 8", "7", false), ("不知道", "不知道", true),
    ]
    for (output, answer, isFallback) in rows {
      #expect(rule.find(output) == FoundAnswer(text: answer, isFallback: isFallback), "\(output)")
    }
  }

  @Test func unansweredIsWhatNobodySaid() {
    let fallback = ExtractionRule.boxedOrSaid.verdict(on: "It is 7", key: "Itis7")
    #expect(fallback.isCorrect == true && !fallback.isAnswered)
    let nothing = ExtractionRule.lastNumber.verdict(on: "none", key: "1")
    #expect(nothing.answer == nil && nothing.isCorrect == false && !nothing.isAnswered)
    let unpublished = ExtractionRule.lastNumber.verdict(on: "5", key: nil)
    #expect(unpublished.isCorrect == nil && unpublished.isAnswered)
  }
}
