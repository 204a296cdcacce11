import Instructions

/// Rules that find the answer to a problem of MATH.
extension ExtractionRule {
  /// OpenCompass's `math_postprocess_v2`: what stands in the last `\boxed{}`; else the first sentence that says "final answer" or "answer is"; else
  /// the first sentence. Compared by its second form of equivalence.
  static let boxedOrSaid = ExtractionRule(
    name: "boxed-or-said",
    find: { output in
      if let boxed = lastBracedBox(in: output).map(withoutOuterBraces), !boxed.isEmpty { return FoundAnswer(text: boxed) }
      let sentences = output.pieces(between: ".")
      let said = sentences.first { sentence in
        let lower = sentence.lowercased()
        return lower.containsExactly("final answer") || lower.containsExactly("answer is")
      }
      if let said { return FoundAnswer(text: LaTeXAnswer.minervaForm(of: said)) }
      return FoundAnswer(text: LaTeXAnswer.minervaForm(of: sentences[0]), isFallback: true)
    },
    agrees: LaTeXAnswer.areEquivalent)

  /// Only what stands in the last `\boxed{}` or `\fbox{}`, compared in the same way.
  static let boxed = ExtractionRule(
    name: "boxed", find: { lastBoxed(in: $0).map { FoundAnswer(text: $0) } }, agrees: LaTeXAnswer.areEquivalent)

  /// lm-evaluation-harness's rule (`hendrycks_math`): what stands between the first and the last dollar sign, else the whole output.
  static let betweenDollars = ExtractionRule(
    name: "between-dollars",
    find: { output in
      let pieces = output.pieces(between: "$")
      guard pieces.count > 2 else { return FoundAnswer(text: output, isFallback: true) }
      return FoundAnswer(text: pieces[1..<(pieces.count - 1)].joined(separator: "$"))
    },
    agrees: LaTeXAnswer.areEquivalentByHendrycks)
}

/// What stands in the last `\boxed`, if braces follow it and are balanced.
private func lastBracedBox(in text: String) -> String? {
  let pieces = text.pieces(between: #"\boxed"#)
  guard pieces.count > 1, let last = pieces.last, last.utf8.first == UInt8(ascii: "{") else { return nil }
  var depth = 0
  for (place, byte) in last.utf8.enumerated() {
    if byte == UInt8(ascii: "{") { depth += 1 }
    if byte == UInt8(ascii: "}") { depth -= 1 }
    if depth == 0 { return String(decoding: last.utf8.prefix(place).dropFirst(), as: UTF8.self) }
  }
  return nil
}

/// An answer in braces of its own without them.
private func withoutOuterBraces(_ answer: String) -> String {
  answer.utf8.count > 1 && answer.hasPrefix("{") && answer.hasSuffix("}") && !answer.utf8.contains(UInt8(ascii: "\n"))
    ? String(answer.dropFirst().dropLast()) : answer
}
