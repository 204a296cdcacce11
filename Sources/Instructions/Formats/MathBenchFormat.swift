import Foundation
import Ground
import StrictJSON

/// MathBench (Liu et al. 2024): folders by level (`primary`, `middle`, `high`, `college`, `arithmetic`) of `cloze_cn.jsonl` (`question`, `answer`) and
/// `single_choice_cn.jsonl` (`question`, four `options`, `answer` a letter), and likewise `_en`. Asked as OpenCompass does.
struct MathBenchFormat: DatasetFormat {
  let name = "mathbench"
  let fields = ["question", "options", "answer"]

  func fits(_ record: Record) -> Bool {
    guard record.hasText("question"), let answer = record["answer"]?.string ?? record["answer"]?.int.map(String.init) else { return false }
    if let options = record["options"]?.list { return options.count == 4 && MultipleChoice.letters.contains(answer) }
    // A cloze has the fields of GSM8K: only the file's name, and the missing '#### ', tell it.
    return record.stem.hasPrefix("cloze") && !answer.contains("####")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    // OpenCompass takes the white space around both away.
    let question = try record.filledText("question").trimmingCharacters(in: .whitespacesAndNewlines)
    let answer = try record.filledText("answer").trimmingCharacters(in: .whitespacesAndNewlines)
    let chinese = record.stem.hasSuffix("_cn") || (!record.stem.hasSuffix("_en") && isChinese(question))
    let language = chinese ? "zh" : "en"
    let tags = record.place.file.split(separator: "/").dropLast().suffix(1).map(String.init).filter(Self.levels.contains)
    guard record.has("options") else {
      let response = chinese ? "答案是 \(answer)" : "The answer is \(answer)"
      return Sample(record, prompt: "Q: \(question)\nA: ", response: response).with {
        $0.tags = tags
        $0.language = language
        $0.answer = .text(answer)
      }
    }
    let options = try record.texts("options")
    guard options.count == 4 else { throw record.error("options", "has \(options.count) elements, not 4") }
    guard let right = MultipleChoice.letters.firstIndex(of: answer) else {
      throw record.error("answer", "is '\(answer)', not a letter from A to D")
    }
    let choice = MultipleChoice(question: question, labels: MultipleChoice.letters, options: options, right: right)
    let prompt =
      chinese
      ? "以下是一道关于数学的单项选择题，请你直接回答正确答案的选项序号。\n下面是你要回答的题目：\n\(question)\n\(choice.optionLines)\n\n答案选项："
      : "Here is a multiple-choice question about mathematics. Please provide the correct answer option directly.\n"
        + "Here is the question you need to answer:\n\(question)\n\(choice.optionLines)\n\nAnswer option:"
    return choice.sample(of: record, prompt: prompt, tags: tags, id: nil).with { $0.language = language }
  }

  private static let levels: Set = ["primary", "middle", "high", "college", "arithmetic", "calculate"]
}
