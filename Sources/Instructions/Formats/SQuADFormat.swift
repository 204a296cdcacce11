import Ground
import StrictJSON

/// Questions on a passage in the layout of SQuAD (Rajpurkar et al. 2016; CMRC 2018 is one): `data[].paragraphs[].qas[]`; on the hub a record a
/// question: `context`, `question`, `answers.text[]`. The first answer is the response.
struct SQuADFormat: DatasetFormat {
  let name = "squad"
  let fields = ["paragraphs"]

  func fits(_ record: Record) -> Bool {
    record.hasText("paragraphs.0.context") && record["paragraphs.0.qas"]?.list != nil
      || record.hasText("context") && record.hasText("question") && record["answers.text"]?.list != nil
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let answers = try record.texts("answers.text")
    return sample(
      record, title: try record.optionalText("title"), context: try record.filledText("context"),
      question: try record.filledText("question"), answer: answers.first, id: try record.optionalText("id"))
  }

  func samples(of record: Record, form: String) throws(DataError) -> [Result<Sample, DataError>] {
    guard record.has("paragraphs") else { return [.success(try sample(of: record, form: form))] }
    var samples: [Result<Sample, DataError>] = []
    var bytes = 0
    for paragraph in try record.list("paragraphs").indices {
      let path = "paragraphs.\(paragraph)"
      let context = try record.filledText("\(path).context")
      for question in try record.list("\(path).qas").indices {
        do throws(DataError) {
          samples.append(.success(try sample(of: record, context: context, at: "\(path).qas.\(question)")))
        } catch {
          samples.append(.failure(error))
        }
        // Every question repeats its passage.
        bytes += context.utf8.count
        guard bytes <= RecordLimits.sampleBytes else {
          throw .record(record.place, problem: "its passages and questions make more than \(RecordLimits.sampleBytes >> 20) MiB of prompts")
        }
      }
    }
    return samples
  }

  /// The question at a path of an article.
  private func sample(of record: Record, context: String, at path: String) throws(DataError) -> Sample {
    let hasAnswer = record["\(path).answers"]?.list?.isEmpty == false
    return sample(
      record, title: try record.optionalText("title"), context: context, question: try record.filledText("\(path).question"),
      answer: hasAnswer ? try record.text("\(path).answers.0.text") : nil, id: try record.optionalText("\(path).id"))
  }

  private func sample(_ record: Record, title: String?, context: String, question: String, answer: String?, id: String?) -> Sample {
    let prompt =
      isChinese(question) ? "\(context)\n问题：\(question)\n答案：" : "\(context)\nQuestion: \(question)\nAnswer: "
    let fields: JSONObject = [
      "title": .string(title ?? ""), "context": .string(context), "question": .string(question),
      "answer": answer.map(JSONValue.string) ?? .null,
    ]
    return Sample(Record(fields: fields, place: record.place), prompt: prompt, response: answer).with {
      $0.id = id
      $0.answer = answer.map(Answer.text)
    }
  }
}
