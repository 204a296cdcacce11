import Foundation
import Ground
import StrictJSON
import Testing

@testable import Instructions

/// Data that holds nothing to learn from says why, each case in its own sentence.
@Suite struct ShortageTests {
  static let pairs = (0..<10).map {
    "{\"prompt\": \"What is \($0)?\", \"response\": \"Number \($0).\", \"tags\": [\"a\"], \"language\": \"\($0 < 8 ? "en" : "zh-cn")\"}\n"
  }.joined()

  /// What is said of data that was read to its end; nil where there is an answered sample.
  private func shortage(_ text: String, name: String = "x.jsonl", _ options: DatasetOptions = DatasetOptions()) throws -> String? {
    let folder = try TemporaryFolder()
    let reader = try Dataset(at: [try folder.write(name, text)], options: options).instructions()
    _ = try reader.rest()
    return reader.shortage?.description
  }

  @Test func thereIsNoneWhereSamplesAreAnswered() throws {
    #expect(try shortage(Self.pairs) == nil)
    #expect(try shortage(Self.pairs, DatasetOptions(filter: InstructionFilter(languages: ["zh"]))) == nil)
    #expect(try shortage(Self.pairs + "{\"prompt\": \"unanswered\"}\n", DatasetOptions(format: "pairs")) == nil)
  }

  @Test func filters() throws {
    #expect(
      try shortage(Self.pairs, DatasetOptions(filter: InstructionFilter(languages: ["english"])))
        == "the filter leaves none of its 10 samples: 10 are not in the language of language but in others ('en' 8, 'zh-cn' 2); choose another value"
    )
    #expect(
      try shortage(Self.pairs, DatasetOptions(filter: InstructionFilter(requiredTags: ["b"])))
        == "the filter leaves none of its 10 samples: 10 do not have the tags of require; choose another value")
    #expect(
      try shortage(Self.pairs, DatasetOptions(filter: InstructionFilter(onlyTags: ["b"])))?.contains("the tags of only") == true)
    #expect(
      try shortage(Self.pairs, DatasetOptions(filter: InstructionFilter(minimumTokens: 100, countTokens: { $0.prompt.utf8.count })))
        == "the filter leaves none of its 10 samples: 10 have 10 tokens where min_tokens 100 are asked for; choose another value")
    var both = InstructionFilter(requiredTags: ["a"], languages: ["zh"], maximumTokens: 2, countTokens: { _ in 5 })
    #expect(
      try shortage(Self.pairs, DatasetOptions(filter: both))
        == "the filter leaves none of its 10 samples: 8 are not in the language of language but in others ('en' 8), 2 have 5 tokens where max_tokens 2 are asked for; choose another value"
    )
    // The same where a part is held out, which takes a reading of its own.
    both.languages = ["xx"]
    let options = DatasetOptions(filter: both, holdOut: .init(fraction: 0.5, readsHeldOut: true))
    #expect(try shortage(Self.pairs, options)?.contains("10 are not in the language") == true)
  }

  @Test func unansweredSamples() throws {
    let unanswered = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n"
    #expect(
      try shortage(unanswered, DatasetOptions(format: "pairs"))
        == "none of its 2 samples has a response; name the field that holds it with map response=FIELD")
    let test = #"{"sentence": "The _ fell.", "option1": "cup", "option2": "tea", "answer": ""}"# + "\n"
    #expect(
      try shortage(test) == "its only sample has no published answer, as in test parts of benchmarks; read another part")
    let chat = #"{"messages": [{"role": "user", "content": "a"}]}"# + "\n"
    #expect(try shortage(chat) == "its only conversation has no turn of the assistant; give conversations that have one")
  }

  @Test func partsAndBadRecords() throws {
    #expect(
      try shortage(Self.pairs, DatasetOptions(holdOut: .init(fraction: 0.01, readsHeldOut: true)))
        == "hold_out 0.01 puts none of its 10 samples into the held-out part; raise it")
    #expect(
      try shortage(Self.pairs, DatasetOptions(holdOut: .init(fraction: 0.99, readsHeldOut: false)))
        == "hold_out 0.99 holds all of its 10 samples out; lower it")
    let bad = try shortage("{\"prompt\": true, \"response\": 2}\n{\"prompt\": []}\n", DatasetOptions(format: "pairs", skipBad: true))
    #expect(bad?.hasPrefix("all of its 2 records are bad, the first: ") == true && bad?.contains("field 'prompt' is true or false") == true)
  }

  @Test func theErrorNamesTheData() throws {
    let folder = try TemporaryFolder()
    let files = [try folder.write("a.jsonl", "{\"prompt\": \"a\"}\n"), try folder.write("b.jsonl", "{\"prompt\": \"a\"}\n")]
    let reader = try Dataset(at: files, options: DatasetOptions(format: "pairs")).instructions()
    _ = try reader.rest()
    #expect(message { try reader.requireAnsweredSamples() }.hasPrefix("\(files[0].relativePath) and 1 more: none of its 2 samples"))
  }

  @Test func filesBeyondTheLimit() throws {
    let folder = try TemporaryFolder()
    let files = try ["a", "b", "c"].map { try folder.write("\($0).jsonl", Self.pairs) }
    for (limit, left) in [(5, 2), (10, 2), (11, 1), (30, 0), (31, 0)] {
      let reader = try Dataset(at: files, options: DatasetOptions(limit: limit)).instructions()
      _ = try reader.rest()
      #expect(reader.filesBeyondLimit == files.suffix(left).map(\.relativePath), "\(limit)")
    }
  }

  @Test func namesOfFieldsAreChecked() throws {
    let folder = try TemporaryFolder()
    for (map, named) in [
      (["prompt": "prompt", " response": "response"], "names ' response', which is empty or begins or ends with a space"),
      (["prompt": "prompt", "response": "response "], "names 'response ', which"), (["prompt": ""], "names '', which"),
      (["promt": "prompt"], "names 'promt', which the format pairs does not read; it reads prompt, response, task"),
    ] {
      #expect(message { _ = try folder.instructions("x.jsonl", Self.pairs, options: DatasetOptions(map: map)) }.contains(named))
    }
    // Other formats read more fields than they name.
    #expect(
      try folder.instructions(
        "y.jsonl", Self.pairs,
        options: DatasetOptions(format: "alpaca", map: ["instruction": "prompt", "output": "response", "answer": "tags.0"])
      ).count
        == 10)
  }

  /// Settings are spelled by the program, not by the library.
  @Test func settingsAreTyped() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: DataError.self) { try folder.instructions("x.jsonl", "{\"a\": 1}\n") }
    #expect(error?.message.text { "<\($0.name)>" }.contains("name the fields with <map> or the format with <format>") == true)
  }
}
