/// Rules that find a number.
extension ExtractionRule {
  /// OpenCompass's rule for GSM8K: cut at the next question, then the last number. Commas end a number (`1,200` is read as 200), which is why
  /// ``lastNumberWithCommas`` is reported beside it.
  static let lastNumber = ExtractionRule(
    name: "last-number",
    find: { output in NumberPatterns.plain.all(in: output.before("Question:")).last?[0].map { FoundAnswer(text: $0) } },
    agrees: isSameNumber)

  /// Headway's own reading of the last number: commas between thousands belong to it, full-width forms are read, and a hyphen behind a letter or digit
  /// is no sign (`3-5`).
  static let lastNumberWithCommas = ExtractionRule(
    name: "last-number-with-commas",
    find: { output in
      NumberPatterns.withCommas.all(in: output.before("Question:").withASCIINumberSigns).last?[0]
        .map { FoundAnswer(text: $0.removing(",")) }
    },
    agrees: { isSameNumber($0, $1.withASCIINumberSigns.removing(",")) })

  /// lm-evaluation-harness's strict rule for GSM8K: what stands behind the first `#### `.
  static let strictMatch = ExtractionRule(
    name: "strict-match",
    find: { output in NumberPatterns.marked.first(in: output)?[1].map { FoundAnswer(text: $0.stripped) } },
    agrees: { $0.withoutHarnessIgnored.isExactly($1.withoutHarnessIgnored) })

  /// lm-evaluation-harness's lenient rule for GSM8K: the last run of digits, signs, commas and points.
  static let flexibleExtract = ExtractionRule(
    name: "flexible-extract", find: lastNumberLike, agrees: { $0.withoutHarnessIgnored.isExactly($1.withoutHarnessIgnored) })

  /// The same finding, compared as lm-evaluation-harness does for MGSM: without regard to case and without any ASCII punctuation.
  static let flexibleExtractWithoutPunctuation = ExtractionRule(
    name: "flexible-extract", find: lastNumberLike, agrees: isSameWithoutPunctuation)

  /// lm-evaluation-harness's first rule for MGSM: the whole output, without white space at its ends.
  static let wholeOutput = ExtractionRule(
    name: "remove_whitespace",
    find: { output in
      let text = output.stripped
      return text.isEmpty ? nil : FoundAnswer(text: text)
    },
    agrees: isSameWithoutPunctuation)

  /// OpenCompass's rule for MGSM: the last number without a sign behind the language's word for "answer", commas left out.
  static func number(behind word: String) -> ExtractionRule {
    ExtractionRule(
      name: "number-behind-answer",
      find: { output in
        let pieces = output.pieces(between: word)
        guard pieces.count > 1, let last = pieces.last else { return nil }
        guard var number = NumberPatterns.unsigned.all(in: last.removing(",")).last?[0] else { return nil }
        if number.hasSuffix(".") { number.removeLast() }
        return FoundAnswer(text: number)
      },
      agrees: { $0.isExactly($1) })
  }

  /// OpenCompass's rule for MathBench's cloze questions: the first number behind the first `phrase`, or where that was not said the last number;
  /// commas between digits left out. Without a number the text itself stands for the answer.
  static func cloze(saying phrase: String) -> ExtractionRule {
    ExtractionRule(
      name: "number-behind-phrase",
      find: { output in
        let pieces = output.pieces(between: phrase)
        let text = pieces.count > 1 ? pieces[1].stripped : output
        let numbers = NumberPatterns.fraction.all(in: NumberPatterns.commaBetweenDigits.replacing(in: text, by: "$1$2"))
        guard let number = pieces.count > 1 ? numbers.first : numbers.last else { return FoundAnswer(text: text, isFallback: true) }
        return number[0].map { FoundAnswer(text: $0) }
      },
      agrees: { $0.isExactly($1) })
  }

  private static let lastNumberLike: @Sendable (String) -> FoundAnswer? = { output in
    guard let match = NumberPatterns.numberLike.all(in: output).last else { return nil }
    return (match[1] ?? match[2]).map { FoundAnswer(text: $0.stripped) }
  }

  /// Whether two numbers differ by less than 1e-6, or are written alike.
  private static let isSameNumber: @Sendable (String, String) -> Bool = { answer, key in
    if answer.isExactly(key) { return true }
    guard let number = Double(answer.withASCIIDigits), let right = Int(key.stripped.withASCIIDigits) else { return false }
    return abs(number - Double(right)) < 1e-6
  }

  private static let isSameWithoutPunctuation: @Sendable (String, String) -> Bool = { answer, key in
    answer.lowercased().withoutPunctuation.isExactly(key.lowercased().withoutPunctuation)
  }
}

private enum NumberPatterns {
  static let plain = Pattern(#"-?\d+\.\d+|-?\d+"#)
  static let withCommas = Pattern(#"(?:(?<![\d\p{L}])-)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"#)
  static let marked = Pattern(#"#### (-?[0-9.,]+)"#)
  static let numberLike = Pattern(#"(-?[$0-9.,]{2,})|(-?[0-9]+)"#)
  static let unsigned = Pattern(#"\d+\.?\d*"#)
  static let fraction = Pattern(#"-?\d*\.?/?\d+|\d+"#)
  static let commaBetweenDigits = Pattern(#"(\d),(\d)"#)
  static let throughMark = Pattern("[\\s\\S]*#### ")
  static let lastPoint = Pattern(#"\.$"#)
}

extension String {
  /// Without what lm-evaluation-harness leaves out of a comparison of GSM8K's answers: commas, dollar signs, everything up to the last `#### `, a
  /// point at the end, and case.
  fileprivate var withoutHarnessIgnored: String {
    let number = NumberPatterns.throughMark.replacing(in: removing(",", "$"), by: "")
    return NumberPatterns.lastPoint.replacing(in: number, by: "").lowercased()
  }

  /// Without ASCII's punctuation.
  fileprivate var withoutPunctuation: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.filter {
          !(33...47).contains($0.value) && !(58...64).contains($0.value)
            && !(91...96).contains($0.value) && !(123...126).contains($0.value)
        }))
  }

  /// With digits, signs, points and commas of full width and the minus sign as ASCII has them.
  fileprivate var withASCIINumberSigns: String {
    withASCIIDigits.replacing("，", by: ",").replacing("．", by: ".").replacing("－", by: "-").replacing("−", by: "-")
  }
}
