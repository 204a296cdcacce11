import Foundation
import Testing

@testable import headway

/// Mistakes that people make, and what they are told: what is wrong, where, and what to do.
@Suite struct WrongInputTests: ProgramTests {
  /// What the program says of arguments that are wrong by themselves.
  private func refusal(_ arguments: String...) throws -> String {
    let refused = try headway(arguments: arguments)
    #expect(refused.status == 64, "\(arguments): \(refused.errors)")
    return refused.errors
  }

  // MARK: Values of options

  @Test(arguments: [
    ("n", "1e3", "give a whole number from 0 on in digits, such as 100"),
    ("n", "-3", "give a whole number from 0 on in digits, such as 100"),
    ("n", "99999999999999999999", "give a smaller number"), ("share", "20%", "give a share between 0 and 1, such as 0.2"),
    ("rate", "fast", "give a number, such as 0.5 or 1e-5"), ("fields", "prompt:question", "give NAME=FIELD pairs joined by commas"),
    ("file", "", "name a file"), ("sample|batch:N", "batch:0", "it is one of 'sample', 'batch:N'"),
    ("magnitude,signed,token,saliency", "magnitude,signd", "did you mean 'signed'?"),
    ("magnitude,signed,token,saliency", "everything", "give some of 'magnitude', 'signed', 'token', 'saliency', joined by commas"),
  ])
  func aValueThatCannotBeReadIsShownAsItShouldBe(name: String, value: String, remedy: String) {
    #expect(ValueText.remedy(for: value, of: name)?.hasPrefix(remedy) == true, "\(ValueText.remedy(for: value, of: name) ?? "nothing")")
  }

  @Test func whoeverTypesAValueWronglyIsToldHowItLooks() throws {
    #expect(try refusal("data", Self.problems, "--limit", "1e3").contains("invalid for '--limit <n>'; give a whole number"))
    #expect(try refusal("data", Self.problems, "--hold-out", "20%").contains("such as 0.2"))
    #expect(try refusal("data", "").contains("'' names no data; name a file or a folder"))
    #expect(try refusal("pattern", Self.model, "--data", "mine=", "--out", "p.safetensors").contains("'mine=' names no data"))
    #expect(try refusal("stats", "x=").contains("name a file"))
    #expect(try refusal("completions", "csh").contains("did you mean 'zsh'?"))
    let score = try refusal("pattern", Self.model, "--data", Self.problems, "--score", "magnitud", "--out", "p.safetensors")
    #expect(score.contains("did you mean 'magnitude'?"), "\(score)")
    // A reason that a value gives itself stays as it is.
    let heads = try refusal("ablate", Self.model, "--data", Self.problems, "--heads", "0-1")
    #expect(heads.contains("heads are named LAYER:HEAD and joined by commas, such as 12:7,3:0, not '0-1'\n"), "\(heads)")
  }

  // MARK: Data

  @Test(arguments: [
    ("{'prompt': 'a', 'response': 'b'}\n", "JSON has names and texts in double quotes"),
    ("{\"question\": \"1+1?\", \"answer\": \"2\"},\n", "a comma follows the end of the value; in JSON Lines leave it out"),
    ("{\"Prompt\": \"a\", \"Response\": \"b\"}\n", "read it with --map prompt=Prompt,response=Response"),
    (
      "{\"prompt\": \"a\", \"response\": \"b\"}\n{\"prompt\": \"c\", \"response\": [\"d\"]}\n",
      "data.jsonl:2: field 'response' is a list, not text"
    ),
    ("{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 8}\n", "it is a model's configuration; name the data instead"),
  ])
  func dataThatCannotBeReadSaysWhatToDo(text: String, remedy: String) throws {
    let folder = try folder()
    try Data(text.utf8).write(to: folder.appending(path: "data.jsonl"))
    let refused = try headway("data", "data.jsonl", in: folder)
    #expect(refused.status == 1 && refused.errors.contains(remedy), "\(refused.errors)")
  }

  @Test func dataThatIsNotHere() throws {
    let folder = try folder()
    let address = try headway("data", "https://example.org/train.jsonl", in: folder)
    #expect(address.errors.contains("data is read from this machine, so download it first and name the file"), "\(address.errors)")
    #expect(try headway("data", "train.jsonl", in: folder).errors.contains("there is no such file or folder; check the path"))
    try Data("PAR1".utf8).write(to: folder.appending(path: "cut.parquet"))
    #expect(try headway("data", "cut.parquet", in: folder).errors.contains("fetch the file again"))
  }

  @Test func aBenchmarkOfOtherFieldsSaysSo() throws {
    let stories = Self.package.appending(path: "Examples/stories.jsonl").path(percentEncoded: false)
    let refused = try headway("evaluate", Self.model, "--benchmark", "gsm8k", "--data", stories, "--limit", "1")
    #expect(refused.status == 1 && refused.errors.contains("'question' is missing"), "\(refused.errors)")
    #expect(refused.errors.contains("check that the data has this format"), "\(refused.errors)")
  }

  // MARK: Places

  @Test func aFileIsNotTakenForAFolder() throws {
    let folder = try folder()
    let file = folder.appending(path: "notes.txt").path(percentEncoded: false)
    try Data("mine".utf8).write(to: URL(filePath: file))
    let trained = try headway("sft", Self.model, "--data", Self.problems, "--limit", "2", "--out", file)
    #expect(trained.status == 1 && trained.errors.contains("notes.txt is not a folder; name a folder for --out"), "\(trained.errors)")
    let reported = try headway("report", file)
    #expect(
      reported.status == 1 && reported.errors.contains("notes.txt is a file; name the folder that holds the results"), "\(reported.errors)")
    let missing = try headway("report", "nothing", in: folder)
    #expect(missing.status == 1 && missing.errors.contains("there is no folder nothing to report on; check the path"), "\(missing.errors)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
  }

  @Test func moreHeadsThanThereAre() throws {
    let refused = try headway("ablate", Self.model, "--data", Self.problems, "--limit", "2", "--strongest", "1000")
    #expect(refused.errors.contains("--strongest 1000 is more than the model's 32 heads; choose at most that many"), "\(refused.errors)")
  }

  // MARK: Completions

  @Test func completionsHaveNoNameThatAShellTakesForACommand() throws {
    let script = try headway("completions", "zsh")
    for line in script.output.split(separator: "\n") where line.contains("local -ar ") {
      let name = line.split(separator: "=")[0]
      #expect(name.allSatisfy { $0.isLetter || $0.isNumber || " _-".contains($0) }, "\(line)")
    }
  }
}
