import Ground

extension ChatForm {
  /// The form that a tokenizer's chat template (the Jinja text in `tokenizer_config.json` or `chat_template.jinja`) writes.
  ///
  /// A template is known by the texts that it puts out, in their order, and by whether it trims what people say. Role names, field names
  /// and the messages of its complaints say nothing about the form and are passed over. Anything else that it could put out
  /// (a date, tools, a default system message) makes it another form, for which this is nil.
  public init?(template: String) {
    // The templates of these forms have a few hundred characters; the longest published ones some thousand.
    let code = JinjaTexts(template.utf8.count <= 1 << 17 ? template : "")
    for (form, signatures) in ChatForm.signatures {
      let trims = form == .llama2 || form == .llama3 || form == .gemma
      if code.hasOnlyTags, signatures.contains(code.texts), code.trims == trims {
        self = form
        return
      }
    }
    return nil
  }

  /// The texts that each form's published templates put out. The last one is often the generation prompt, which not all have.
  private static let signatures: [(ChatForm, Set<[String]>)] = [
    (.llama2, [["<<SYS>>\n", "\n<</SYS>>\n\n", "[INST] ", " [/INST]", " ", " "]]),
    (
      .llama3,
      withGenerationPrompt(
        ["<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"], "<|start_header_id|>assistant<|end_header_id|>\n\n")
    ),
    (.gemma, withGenerationPrompt(["model", "<start_of_turn>", "\n", "<end_of_turn>\n"], "<start_of_turn>model\n")),
    (.mistral, [["[INST] ", " [/INST]"]]),
    (
      .chatml,
      withGenerationPrompt(["<|im_start|>", "\n", "<|im_end|>", "\n"], "<|im_start|>assistant\n")
        .union(withGenerationPrompt(["<|im_start|>", "\n", "<|im_end|>\n"], "<|im_start|>assistant\n"))
    ),
  ]

  private static func withGenerationPrompt(_ texts: [String], _ prompt: String) -> Set<[String]> { [texts, texts + [prompt]] }
}

/// The quoted texts in a Jinja template's tags.
private struct JinjaTexts {
  /// Those that may be put out, in order.
  var texts: [String] = []
  /// Whether the template trims.
  var trims = false
  /// Whether nothing but white space stands outside of tags.
  var hasOnlyTags = true

  /// Names that templates compare and look up, which are no output.
  private static let names: Set = ["role", "content", "system", "user", "assistant"]

  init(_ template: String) {
    let characters = Array(template)
    var index = 0
    var inTag = false
    var code = ""
    while index < characters.count {
      let character = characters[index]
      let next = index + 1 < characters.count ? characters[index + 1] : " "
      if !inTag {
        if character == "{", next == "{" || next == "%" {
          inTag = true
          index += 2
          continue
        }
        if !character.isWhitespace { hasOnlyTags = false }
        index += 1
      } else if character == "}" && index > 0 && (characters[index - 1] == "}" || characters[index - 1] == "%") {
        inTag = false
        index += 1
      } else if character == "'" || character == "\"" {
        let isComplaint = code.hasSuffix("raise_exception(")
        var text = ""
        index += 1
        while index < characters.count, characters[index] != character {
          if characters[index] == "\\", index + 1 < characters.count {
            index += 1
            text.append(characters[index] == "n" ? "\n" : characters[index])
          } else {
            text.append(characters[index])
          }
          index += 1
        }
        index += 1
        if !isComplaint, !Self.names.contains(text) { texts.append(text) }
        code.append("'")
      } else {
        if !character.isWhitespace { code.append(character) }
        index += 1
      }
    }
    trims = code.contains("|trim") || code.contains(".strip()")
  }
}
