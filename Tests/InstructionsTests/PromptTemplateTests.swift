import Ground
import StrictJSON
import Testing

@testable import Instructions

@Suite struct PromptTemplateTests {
  static let place = RecordPlace(file: "data.jsonl", number: 3)

  func render(_ template: String, _ fields: JSONObject) throws -> (prompt: String, response: String?) {
    try PromptTemplate(template, name: "my.mustache").render(fields, at: Self.place)
  }

  @Test func rendersAsText() throws {
    let marks = #"<b> & "quotes" 'single' `tick` x < y > z {{notATag}} 中文 🙂"#
    for tag in ["{{q}}", "{{{q}}}", "{{&q}}", "{{ q }}"] {
      #expect(try render("A: \(tag)!", ["q": .string(marks)]).prompt == "A: \(marks)!")
    }
  }

  @Test func keepsWhiteSpace() throws {
    #expect(try render("\n  Q: {{q}}  \n\n  \n", ["q": "x"]).prompt == "\n  Q: x  \n\n  ")
    #expect(try render("Q: {{q}}\nA: \n", ["q": "x"]).prompt == "Q: x\nA: ")
    #expect(try render(" {{q}}\r\n", ["q": "x"]).prompt == " x")
  }

  @Test func splitsPromptAndResponse() throws {
    let (prompt, response) = try render("Q: {{q}}\nA: {{!response}}{{a}}\n", ["q": "x", "a": 7])
    #expect(prompt == "Q: x\nA: ")
    #expect(response == "7")
    #expect(try render("{{q}}", ["q": "x"]).response == nil)
  }

  @Test func rendersSections() throws {
    let template = "{{question}}\n{{#options}}\n- {{.}}\n{{/options}}\n{{#input}}In: {{input}}{{/input}}{{^input}}none{{/input}}"
    #expect(try render(template, ["question": "q", "options": ["a", "<b>"], "input": ""]).prompt == "q\n- a\n- <b>\nnone")
    #expect(try render(template, ["question": "q", "options": [], "input": "i"]).prompt == "q\nIn: i")
    #expect(try render("{{a.b}}", ["a": ["b": 1.5]]).prompt == "1.5")
  }

  @Test(arguments: [
    "{{> other}}", "{{>*x}}", "{{<base}}{{/base}}", "{{$block}}{{/block}}", "{{=<% %>=}}", "{{% CONTENT_TYPE:HTML}}", "{{q", "{{{q}}",
    "{{#q}}",
    "{{/q}}", "{{}}", "{{a b}}", "{{uppercased(q)}}", "{{.}}", "{{a.0}}", "{{a..b}}", "no field", "", "{{q}}{{!response}}{{!response}}",
    "{{#a}}{{/b}}",
  ])
  func refuses(template: String) {
    #expect(throws: DataError.self) { try PromptTemplate(template, name: "x") }
  }

  @Test func namesTheMissingField() {
    #expect(
      message { _ = try render("Hi\n{{q}} {{missing}}", ["q": "x"]) }
        == "data.jsonl:3: field 'missing' is named in the template but missing (there are 'q')")
    #expect(message { _ = try render("{{q}}", ["q": [1]]) }.contains("field 'q' is a list, which the template cannot show as {{q}}"))
    #expect(
      message { _ = try PromptTemplate("a\n{{> x}}", name: "t") }
        == "t:2: the template uses the tag {{>…}}; only fields and sections are allowed")
  }

  @Test func replacesAFormatsTemplate() throws {
    let folder = try TemporaryFolder()
    let template = try folder.write("my.mustache", "<q>{{question}}</q>\n")
    let data = try folder.write("a.jsonl", DatasetTests.gsm8k)
    let dataset = try Dataset(at: [data], options: DatasetOptions(template: template))
    #expect(dataset.templateName == "my.mustache")
    let read = try dataset.readAll()
    #expect(read.first?.prompt == "<q>Tom has 3 apples & eats <1>. How many?</q>")
    #expect(read.first?.response == "3 - 1 = 2\n#### 2")
    try folder.write("my.mustache", "{{prompt}}{{!response}}#### {{response}}")
    #expect(try Dataset(at: [data], options: DatasetOptions(template: template)).readAll()[1].response == "#### x\n#### 1,200")
    #expect(throws: DataError.self) { try Dataset(at: [data], options: DatasetOptions(template: template, chat: .plain)) }
  }

  @Test func survivesMutations() {
    let seeds = ["Q: {{q}}\n{{#o}}\n- {{.}}\n{{/o}}{{!response}}{{{a}}}", "{{^x}} {{&q}} {{/x}}\n"].map { Array($0.utf8) }
    var random = SeededGenerator(seed: 4)
    for round in 0..<fuzzRounds(2000) {
      let text = String(decoding: mutated(seeds[round % 2], palette: Array("{}#^/&!>$<=%.\n ".utf8), using: &random), as: UTF8.self)
      if let template = try? PromptTemplate(text, name: "x") {
        _ = try? template.render(["q": "1", "o": ["a", ["b": nil]], "a": ["c": true], "x": false], at: Self.place)
      }
    }
  }
}
