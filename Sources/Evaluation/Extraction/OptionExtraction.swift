/// Rules that find the letter of an option among A to D.
extension ExtractionRule {
  /// OpenCompass's `first_option_postprocess`: the first of an ordered list of patterns that matches and holds a letter; the last of them takes
  /// any A, B, C or D, even one inside a word.
  static let firstOption = ExtractionRule(
    name: "first-option",
    find: { output in
      let text = output.stripped
      for pattern in OptionPatterns.ordered {
        guard let match = pattern.first(in: text) else { continue }
        let group = match.dropFirst().first.flatMap(\.self) ?? ""
        let found = group.isEmpty ? match[0] ?? "" : group
        if let letter = OptionPatterns.letters.first(where: { found.containsExactly($0) }) { return FoundAnswer(text: letter) }
      }
      return nil
    },
    agrees: { $0.isExactly($1) })

  /// OpenCompass's `first_capital_postprocess`: the first upper-case letter, whatever it is.
  static let firstCapital = ExtractionRule(
    name: "first-capital",
    find: { output in output.unicodeScalars.first(where: \.properties.isUppercase).map { FoundAnswer(text: String($0)) } },
    agrees: { $0.isExactly($1) })

  /// Headway's own reading: the first A, B, C or D, also of full width, with no letter or digit beside it.
  static let letterAlone = ExtractionRule(
    name: "letter-alone",
    find: { output in
      guard let letter = OptionPatterns.alone.first(in: output)?[0] else { return nil }
      return FoundAnswer(text: OptionPatterns.fullWidth[letter] ?? letter)
    },
    agrees: { $0.isExactly($1) })
}

private enum OptionPatterns {
  static let letters = ["A", "B", "C", "D"]
  static let fullWidth = ["Ａ": "A", "Ｂ": "B", "Ｃ": "C", "Ｄ": "D"]
  /// Latin letters and digits only: Chinese is written without spaces around a letter.
  static let alone = Pattern(#"(?<![\p{Latin}\p{Nd}])[ABCDＡＢＣＤ](?![\p{Latin}\p{Nd}])"#)

  /// In OpenCompass's order. Its list lacks a comma behind `故选`, so that the two patterns there are one; scores depend on it.
  static let ordered: [Pattern] = [
    #"答案是?\s*([ABCD])"#,
    #"答案是?\s*：\s*([ABCD])"#,
    #"答案是?\s*:\s*([ABCD])"#,
    #"答案选项应?该?是\s*([ABCD])"#,
    #"答案选项应?该?为\s*([ABCD])"#,
    #"答案应该?是\s*([ABCD])"#,
    #"答案应该?选\s*([ABCD])"#,
    #"答案选项为?\s*：\s*([ABCD])"#,
    #"答案选项为?\s+\(?\*?\*?([ABCD])\*?\*?\)?"#,
    #"答案选项是?\s*:\s*([ABCD])"#,
    #"答案为\s*([ABCD])"#,
    #"答案选\s*([ABCD])"#,
    #"选择?\s*([ABCD])"#,
    #"故选?\s*([ABCD])只有选?项?\s?([ABCD])\s?是?对"#,
    #"只有选?项?\s?([ABCD])\s?是?错"#,
    #"只有选?项?\s?([ABCD])\s?不?正确"#,
    #"只有选?项?\s?([ABCD])\s?错误"#,
    #"说法不?对选?项?的?是\s?([ABCD])"#,
    #"说法不?正确选?项?的?是\s?([ABCD])"#,
    #"说法错误选?项?的?是\s?([ABCD])"#,
    #"([ABCD])\s?是正确的"#,
    #"([ABCD])\s?是正确答案"#,
    #"选项\s?([ABCD])\s?正确"#,
    #"所以答\s?([ABCD])"#,
    #"所以\s?([ABCD][.。$]?$)"#,
    #"所有\s?([ABCD][.。$]?$)"#,
    #"[\s，：:,]([ABCD])[。，,\.]?$"#,
    #"[\s，,：:][故即]([ABCD])[。\.]?$"#,
    #"[\s，,：:]因此([ABCD])[。\.]?$"#,
    #"[是为。]\s?([ABCD])[。\.]?$"#,
    #"因此\s?([ABCD])[。\.]?$"#,
    #"显然\s?([ABCD])[。\.]?$"#,
    #"答案是\s?(\S+)(?:。|$)"#,
    #"答案应该是\s?(\S+)(?:。|$)"#,
    #"答案为\s?(\S+)(?:。|$)"#,
    #"(?i)ANSWER\s*:\s*([ABCD])"#,
    #"[Tt]he answer is:?\s+\(?([ABCD])\)?"#,
    #"[Tt]he answer is:?\s+\(?\*?\*?([ABCD])\*?\*?\)?"#,
    #"[Tt]he answer is option:?\s+\(?([ABCD])\)?"#,
    #"[Tt]he correct answer is:?\s+\(?([ABCD])\)?"#,
    #"[Tt]he correct answer is option:?\s+\(?([ABCD])\)?"#,
    #"[Tt]he correct answer is:?.*?boxed\{([ABCD])\}"#,
    #"[Tt]he correct option is:?.*?boxed\{([ABCD])\}"#,
    #"[Tt]he correct answer option is:?.*?boxed\{([ABCD])\}"#,
    #"[Tt]he answer to the question is:?\s+\(?([ABCD])\)?"#,
    #"^选项\s?([ABCD])"#,
    #"^([ABCD])\s?选?项"#,
    #"(\s|^)[ABCD][\s。，,：:\.$]"#,
    #"1.\s?(.*?)$"#,
    #"1.\s?([ABCD])[.。$]?$"#,
    #"([ABCD]):"#,
    #"([ABCD])"#,
  ].map { Pattern($0, dotMatchesLines: true) }
}
