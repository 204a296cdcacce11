import Ground
import StrictJSON

/// A question with lettered options, which several formats share.
struct MultipleChoice {
  var question: String
  var labels: [String]
  var options: [String]
  /// The position of the right option; nil where it is not published.
  var right: Int?

  static let letters = ["A", "B", "C", "D"]

  /// The options, a line each: `A. …`.
  var optionLines: String {
    zip(labels, options).map { "\($0). \($1)" }.joined(separator: "\n")
  }

  /// The prompt that asks in English or Chinese.
  func prompt(inChinese: Bool) -> String {
    inChinese ? "题目：\(question)\n\(optionLines)\n答案：" : "Question: \(question)\n\(optionLines)\nAnswer: "
  }

  /// The label of the right option.
  var letter: String? { right.map { labels[$0] } }

  /// The question of a table's row with the columns A to D.
  /// - Parameters:
  ///   - question: the column of the question.
  ///   - answer: the column of the right letter; it may be absent or empty.
  init(lettered record: Record, question: String, answer: String) throws(DataError) {
    self.question = try record.filledText(question)
    labels = Self.letters
    options = []
    for letter in labels { options.append(try record.text(letter)) }
    if let letter = try record.optionalText(answer), !letter.isEmpty {
      guard let index = labels.firstIndex(of: letter) else { throw record.error(answer, "is '\(letter)', not a letter from A to D") }
      right = index
    }
  }

  init(question: String, labels: [String], options: [String], right: Int?) {
    self.question = question
    self.labels = labels
    self.options = options
    self.right = right
  }

  /// The sample whose response is the right letter.
  func sample(of record: Record, prompt: String, tags: [String], id: String?) -> Sample {
    let derived: JSONObject = [
      "question": .string(question), "options": .list(options.map(JSONValue.string)), "subject": .string(tags.first ?? ""),
    ]
    return Sample(record, prompt: prompt, response: letter, derived: derived).with {
      $0.id = id
      $0.tags = tags
      $0.options = options
      $0.answer = right.map(Answer.option)
    }
  }
}

/// The subject that a file's name says: without the split at its end (`abstract_algebra_dev.csv`).
func subject(of record: Record) -> String {
  let stem = record.stem
  for split in ["_dev", "_val", "_test", "_train"] where stem.hasSuffix(split) { return String(stem.dropLast(split.count)) }
  return stem
}

/// Whether a text is Chinese rather than in letters: it holds a Han character for every four Latin letters or more.
func isChinese(_ text: String) -> Bool {
  var han = 0
  var latin = 0
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x323AF: han += 1
    case 0x41...0x5A, 0x61...0x7A: latin += 1
    default: break
    }
  }
  return han > 0 && han * 4 >= latin
}
