import Ground
import Foundation
import StrictJSON
import Testing

@testable import Instructions

/// Each format on records of its published shape: that it is recognised, and what becomes of them. The texts are made up.
@Suite struct FormatTests {
  /// Reads a file and checks which format was recognised.
  func read(
    _ text: String, as format: String, in name: String = "data.jsonl", form: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [Instruction] {
    let folder = try TemporaryFolder()
    let dataset = try Dataset(at: [try folder.write(name, text)], options: DatasetOptions(form: form))
    #expect(dataset.formatName == format, sourceLocation: sourceLocation)
    return try dataset.readAll()
  }

  @Test func math() throws {
    let original = #"{"problem": "1+1?", "level": "Level 1", "type": "Algebra", "solution": "It is $\\boxed{2}$."}"#
    let one = try read(original, as: "math", in: "1.json")
    #expect(one.map(\.prompt) == ["Problem: 1+1?\nSolution: "])
    #expect(one.first?.response == #"It is $\boxed{2}$."#)
    #expect(one.first?.tags == ["Algebra", "Level 1"])
    #expect(one.first?.answer == .text("2"))
    let other = #"{"problem": "p", "solution": "s", "answer": "x", "subject": "Geometry", "level": 3, "unique_id": "test/1.json"}"#
    let two = try read(other, as: "math")
    #expect(two.first?.tags == ["Geometry", "Level 3"])
    #expect(two.first?.answer == .text("x"))
    #expect(two.first?.id == "test/1.json")
  }

  @Test(arguments: [
    (#"\boxed{1} then \boxed{\frac{1}{2}}."#, #"\frac{1}{2}"#), (#"$\fbox{a{b}c}$"#, "a{b}c"), (#"so \boxed 7$ is"#, "7"),
    (#"\boxed{中{}}"#, "中{}"),
    (#"\boxed{}"#, ""), (#"\boxed{open"#, nil), ("none", nil), ("", nil), (#"\boxed"#, nil),
  ])
  func lastBox(text: String, answer: String?) {
    #expect(lastBoxed(in: text) == answer)
  }

  @Test func mathFolder() throws {
    let folder = try TemporaryFolder()
    for (name, problem) in [("algebra/1.json", "a"), ("algebra/2.json", "b"), ("geometry/1.json", "c")] {
      try folder.write(
        "MATH/train/\(name)", "{\n  \"problem\": \"\(problem)\", \"level\": \"Level 5\", \"type\": \"T\", \"solution\": \"s\"\n}\n")
    }
    #expect(
      try Dataset(at: [folder.url.appending(component: "MATH")]).readAll().map(\.prompt).map { $0.dropFirst(9).first } == ["a", "b", "c"])
  }

  static let code = """
    {"code": "def f(x):\\n    \\"\\"\\"Adds one.\\"\\"\\"\\n    return x + 1", "docstring": "Adds one.", "original_string": "…", "func_name": "f", \
    "language": "python", "partition": "train", "url": "u"}
    """

  @Test func codeSearchNet() throws {
    let read = try read(Self.code, as: "code-search-net")
    #expect(read.first?.prompt == "Adds one.\n")
    #expect(read.first?.response == "def f(x):\n    \"\"\"Adds one.\"\"\"\n    return x + 1")
    #expect(read.first?.tags == ["python"])
    let summary = try self.read(Self.code, as: "code-search-net", form: "summary")
    #expect(summary.first?.prompt == "def f(x):\n    return x + 1\n")
    #expect(summary.first?.response == "Adds one.")
    let hub =
      #"{"func_code_string": "def f(x):\n  '''\n  Adds.\n  '''\n  return x", "func_documentation_string": "Adds.", "language": "python"}"#
    #expect(try self.read(hub, as: "code-search-net", form: "summary").first?.prompt == "def f(x):\n  return x\n")
  }

  @Test func sgsmIsNotAlpaca() throws {
    let sgsm = #"[{"instruction": "Write.", "input": "", "output": "Question: How many?\nSolution:\ndef solution():\n    return 4"}]"#
    let read = try read(sgsm, as: "sgsm", in: "data.json")
    #expect(read.first?.prompt == "Question: How many?\nSolution:\n")
    #expect(read.first?.response == "def solution():\n    return 4")
    #expect(try self.read(#"[{"instruction": "Write.", "input": "", "output": "Question: x"}]"#, as: "alpaca", in: "data.json").count == 1)
  }

  @Test func hellaSwag() throws {
    let record = #"{"ind": 5, "activity_label": "Pole", "ctx": "He runs. he", "endings": ["a", "b", "c", "d"], "label": 2}"#
    let read = try read(record, as: "hellaswag")
    #expect(read.first?.prompt == "He runs. he")
    #expect(read.first?.response == " c")
    #expect(read.first?.answer == .option(2))
    #expect(read.first?.options == ["a", "b", "c", "d"])
    #expect(try self.read(record.replacingOccurrences(of: "2}", with: "\"3\"}"), as: "hellaswag").first?.response == " d")
    #expect(try self.read(record.replacingOccurrences(of: "2}", with: "\"\"}"), as: "hellaswag").first?.isAnswered == false)
    #expect(
      message { _ = try self.read(record.replacingOccurrences(of: "2}", with: "4}"), as: "hellaswag") }.contains(
        "field 'label' is 4, not 0 to 3"))
    let text = "Pole: He runs. he\n2\na\nb\nc\nd\nBar: x: y\n0\ne\nf\ng\nh\n"
    let plain = try self.read(text, as: "hellaswag-text", in: "data.txt")
    #expect(plain.map { $0.prompt + "|" + $0.response } == ["He runs. he| c", "x: y| e"])
    #expect(plain.first?.tags == ["Pole"])
    #expect(
      message { _ = try self.read(text + "Z: z\n1\na\n", as: "hellaswag-text", in: "data.txt") }.contains(
        ":13: the file ends after 3 of the record's 6 lines"))
  }

  @Test func winogrande() throws {
    let record = #"{"qID": "q", "sentence": "Ann met Bo because _ was late.", "option1": "Ann", "option2": "Bo", "answer": "2"}"#
    let read = try read(record, as: "winogrande")
    #expect(read.first?.prompt == "Ann met Bo because Bo")
    #expect(read.first?.response == " was late.")
    #expect(read.first?.answer == .option(1))
    let test = try self.read(record.replacingOccurrences(of: #""2""#, with: #""""#), as: "winogrande")
    #expect(test.first?.isAnswered == false)
    #expect(test.first?.response == "")
    #expect(throws: DataError.self) { try self.read(record.replacingOccurrences(of: "_", with: "he"), as: "winogrande") }
  }

  @Test func arc() throws {
    let original =
      #"{"id": "M", "question": {"stem": "Why?", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]}, "answerKey": "2"}"#
    let hub = #"{"id": "M", "question": "Why?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}"#
    let read = try read(original, as: "arc")
    #expect(read.first?.prompt == "Question: Why?\n1. x\n2. y\nAnswer: ")
    #expect(read.first?.response == "y")
    #expect(try self.read(hub, as: "arc") == read)
    #expect(
      message { _ = try self.read(hub.replacingOccurrences(of: #"Key": "2""#, with: #"Key": "C""#), as: "arc") }.contains(
        "field 'answerKey' is 'C'"))
  }

  @Test func mmlu() throws {
    let csv = "\"What is\n\"\"x\"\"?\",1,2,3,4,C\nB?,a,b,c,d,A\n"
    let read = try read(csv, as: "mmlu", in: "college_physics_test.csv")
    #expect(
      read.map(\.prompt) == [
        "Question: What is\n\"x\"?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: ", "Question: B?\nA. a\nB. b\nC. c\nD. d\nAnswer: ",
      ])
    #expect(read.map(\.response) == ["C", "A"])
    #expect(read.map(\.tags) == [["college_physics"], ["college_physics"]])
    let hub = #"{"question": "B?", "subject": "college_physics", "choices": ["a", "b", "c", "d"], "answer": 0}"#
    let other = try self.read(hub, as: "mmlu")
    #expect(other.map(\.prompt) == [read[1].prompt])
    #expect(other.map(\.answer) == [.option(0)])
    #expect(other.map(\.tags) == [["college_physics"]])
  }

  @Test func chineseTables() throws {
    let ceval = "id,question,A,B,C,D,answer,explanation\n0,问,甲,乙,丙,丁,B,因为\n"
    let one = try read(ceval, as: "ceval", in: "middle_school_mathematics_val.csv")
    #expect(one.first?.prompt == "题目：问\nA. 甲\nB. 乙\nC. 丙\nD. 丁\n答案：")
    #expect(one.first?.response == "B")
    #expect(one.first?.tags == ["middle_school_mathematics"])
    let test = try read("id,question,A,B,C,D\n0,问,甲,乙,丙,丁\n", as: "ceval", in: "x_test.csv")
    #expect(test.first?.isAnswered == false)
    let cmmlu = try read(",Question,A,B,C,D,Answer\n7,问,甲,乙,丙,丁,D\n", as: "cmmlu", in: "arithmetic.csv")
    #expect(cmmlu.first?.response == "D")
    #expect(cmmlu.first?.id == "7")
  }

  @Test func mathBench() throws {
    let folder = try TemporaryFolder()
    let cloze = try folder.write("mathbench/primary/cloze_cn.jsonl", #"{"question": "小明有3个苹果，又买了2个，共几个？", "answer": "5"}"#)
    let choice = try folder.write(
      "mathbench/middle/single_choice_cn.jsonl", #"{"question": "1+1=?", "options": ["1", "2", "3", "4"], "answer": "B"}"#)
    let english = try folder.write(
      "mathbench/college/single_choice_en.jsonl", #"{"question": "1+1=?", "options": ["1", "2", "3", "4"], "answer": "B"}"#)
    let one = try Dataset(at: [cloze])
    #expect(one.formatName == "mathbench")
    let first = try one.readAll()[0]
    #expect(first.prompt == "Q: 小明有3个苹果，又买了2个，共几个？\nA: ")
    #expect(first.response == "答案是 5")
    #expect(first.answer == .text("5"))
    #expect(first.tags == ["primary"])
    let second = try Dataset(at: [choice]).readAll()[0]
    #expect(second.prompt == "以下是一道关于数学的单项选择题，请你直接回答正确答案的选项序号。\n下面是你要回答的题目：\n1+1=?\nA. 1\nB. 2\nC. 3\nD. 4\n\n答案选项：")
    #expect(second.response == "B")
    #expect(second.answer == .option(1))
    #expect(try Dataset(at: [english]).readAll()[0].prompt.hasPrefix("Here is a multiple-choice question"))
    #expect(try Dataset(at: [folder.url.appending(component: "mathbench")]).readAll().count == 3)
    // The same fields in a file of another name say nothing.
    let other = try folder.write("questions.jsonl", #"{"question": "1+1?", "answer": "2"}"#)
    #expect(throws: DataError.self) { try Dataset(at: [other]) }
  }

  @Test func refGPT() throws {
    let dialogues = [
      #""<user>: 你好？ <assistant>: 好。 <user>: 再见 <assistant>: 走好 < 1""#,
      #""<user 1>你好？</user 1><assistant 1>好。</assistant 1><user 2>再见<assistant 2>走好 < 1""#,
      #"["你好？", "好。", "再见", "走好 < 1"]"#, #"["<user> 你好？", "<assistant> 好。", "<user> 再见", "<assistant> 走好 < 1"]"#,
      #"[{"role": "user", "content": "你好？"}, {"role": "assistant", "content": "好。"}, {"role": "user", "content": "再见"}, {"role": "assistant", "content": "走好 < 1"}]"#,
    ]
    for dialogue in dialogues {
      let record = #"{"dialogue": \#(dialogue), "reference": "参考", "title": "题"}"#
      #expect(try read(record, as: "refgpt").first?.pieces.map(\.text) == ["你好？\n", "好。"])
      #expect(try read(record, as: "refgpt", form: "all-turns").first?.pieces.map(\.text) == ["你好？\n", "好。", "\n再见\n", "走好 < 1"])
    }
  }

  @Test func infinityInstruct() throws {
    let record = """
      {"conversations": [{"from": "human", "value": "Prove it."}, {"from": "gpt", "value": "Done."}], "label": {"ability_en": ["logical reasoning", \
      "programming"], "cate_ability_en": ["reasoning"], "ability_zh": ["推理"]}, "langdetect": "zh-cn", "source": "s"}
      """
    let read = try read(record, as: "infinity-instruct")
    #expect(read.first?.prompt == "Prove it.\n")
    #expect(read.first?.response == "Done.")
    #expect(read.first?.tags == ["logical reasoning", "programming"])
    #expect(read.first?.categories == ["reasoning"])
    #expect(read.first?.language == "zh-cn")
    #expect(try self.read(#"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}"#, as: "chat").count == 1)
  }

  @Test func alpacaAndDolly() throws {
    let read = try read(
      #"[{"instruction": "Do.", "input": "", "output": "Done."}, {"instruction": "Do.", "input": "it", "output": "Yes."}]"#, as: "alpaca",
      in: "a.json")
    #expect(
      read.map(\.prompt) == [
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nDo.\n\n### Response:",
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\nDo.\n\n### Input:\nit\n\n### Response:",
      ])
    let dolly = try self.read(#"{"instruction": "Do.", "context": "it", "response": "Yes.", "category": "open_qa"}"#, as: "dolly")
    #expect(dolly.first?.prompt == read[1].prompt)
    #expect(dolly.first?.tags == ["open_qa"])
    #expect(throws: DataError.self) { try self.read(#"{"instruction": "a", "output": "b", "history": [["c", "d"]]}"#, as: "alpaca") }
  }

  @Test func flask() throws {
    let read = try read(
      #"{"idx": 1, "instruction": "Do.", "answer": "Done.", "task": "t", "skill": ["A", "B"], "domain": ["D"]}"#, as: "flask")
    #expect(read.first?.prompt == "Do.\n")
    #expect(read.first?.tags == ["A", "B"])
    #expect(read.first?.categories == ["D"])
    #expect(read.first?.id == "1")
  }

  @Test func chineseProblems() throws {
    let cmath = try read(#"{"grade": 3, "question": "几个？", "golden": "18"}"#, as: "cmath")
    #expect(cmath.first?.prompt == "问题：几个？\n答案：")
    #expect(cmath.first?.response == "18")
    #expect(cmath.first?.tags == ["grade 3"])
    let mgsm = try read(
      #"{"id": "0", "messages": [{"role": "user", "content": "几个？"}, {"role": "assistant", "content": ""}], "answer": "18"}"#, as: "mgsm")
    #expect(mgsm.first?.prompt == cmath.first?.prompt)
    #expect(mgsm.first?.answer == .text("18"))
  }

  @Test func squad() throws {
    let text = """
      {"version": "1", "data": [{"title": "T", "paragraphs": [{"context": "文章。", "qas": [{"id": "1", "question": "谁？", "answers": [{"text": "他", "answer_start": 0}]},
      {"id": "2", "question": "", "answers": []}, {"id": "3", "question": "Who?", "answers": []}]}]}]}
      """
    let folder = try TemporaryFolder()
    let file = try folder.write("a.json", text)
    #expect(message { _ = try Dataset(at: [file]).readAll() }.hasSuffix("a.json:1: field 'paragraphs.0.qas.1.question' is empty"))
    let reader = try Dataset(at: [file], options: DatasetOptions(skipBad: true)).instructions()
    let read = try reader.rest()
    #expect(read.map(\.prompt) == ["文章。\n问题：谁？\n答案：", "文章。\nQuestion: Who?\nAnswer: "])
    #expect(read.map(\.isAnswered) == [true, false])
    #expect(read.map(\.index) == [0, 2])
    #expect(reader.skipped == 1)
    let hub = #"{"id": "1", "title": "T", "context": "文章。", "question": "谁？", "answers": {"text": ["他"], "answer_start": [0]}}"#
    #expect(try self.read(hub, as: "squad").first?.prompt == read[0].prompt)
  }

  @Test func text() throws {
    #expect(try read(#"["one", "two"]"#, as: "text", in: "a.json").map(\.response) == ["one", "two"])
    #expect(try read("one\n\ntwo\nlines\n", as: "text", in: "a.txt").map(\.response) == ["one", "two\nlines"])
    #expect(try read("one\n\ntwo\n", as: "text", in: "a.txt", form: "file").map(\.response) == ["one\n\ntwo"])
    #expect(try read(#"{"text": "one", "meta": {}}"#, as: "text").map(\.prompt) == [""])
  }

  @Test func namesBothOfTwoFormats() throws {
    let folder = try TemporaryFolder()
    for (text, formats) in [
      (#"{"instruction": "i", "output": "o", "context": "c", "response": "r"}"#, "'alpaca', 'dolly'"),
      (#"{"problem": "p", "solution": "s", "ctx": "c", "endings": ["a"]}"#, "'hellaswag', 'math'"),
    ] {
      #expect(message { _ = try folder.instructions("a.jsonl", text) }.contains("fits the formats \(formats)"))
    }
  }

  /// Random edits of a record of each format: an instruction or an error, never a trap.
  @Test func survivesMutations() throws {
    let seeds = [
      Self.code, DatasetTests.gsm8k, #"{"ctx": "He runs. he", "endings": ["a", "b", "c", "d"], "label": 2}"#,
      #"{"sentence": "Ann met Bo because _ was late.", "option1": "Ann", "option2": "Bo", "answer": "2"}"#,
      #"{"question": {"stem": "Why?", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]}, "answerKey": "2"}"#,
      #"{"question": "B?", "subject": "s", "choices": ["a", "b", "c", "d"], "answer": 0}"#, #"{"dialogue": "<user>: 你 <assistant>: 好"}"#,
      #"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "label": {"ability_en": ["x"]}}"#,
      #"{"title": "T", "paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q", "answers": [{"text": "a"}]}]}]}"#,
      #"{"problem": "p", "level": 1, "type": "t", "solution": "\\boxed{2}"}"#,
      #"{"prompt": "a", "response": "b", "options": ["x"], "option": 0, "turns": []}"#,
      #"{"instruction": "i", "answer": "a", "skill": ["x"], "input": "", "output": "o", "response": "r", "context": "c"}"#,
    ].map { Array($0.utf8) }
    let palette = Array(#"{}[]",:\0129<>_ "#.utf8)
    var random = SeededGenerator(seed: 6)
    for round in 0..<fuzzRounds(3000) {
      let bytes = mutated(seeds[round % seeds.count], palette: palette, using: &random)
      let place = RecordPlace(file: "cloze_cn.jsonl", number: 1)
      guard let record = try? bytes.withBytes({ bytes throws(DataError) in try record(from: bytes, at: place) }) else { continue }
      for format in DatasetFormats.all {
        _ = format.fits(record)
        for form in format.forms.isEmpty ? [""] : format.forms { _ = try? format.samples(of: record, form: form) }
      }
    }
  }
}
