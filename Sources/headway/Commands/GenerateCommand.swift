import ArgumentParser
import Foundation
import Ground
import LanguageModels
import Runs

/// `headway generate`: a prompt in, its continuation out, as it is written.
struct GenerateCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Continues a prompt, token by token.",
    discussion: """
      The text appears as it is written. Without a temperature each token is the most likely one; with one, tokens are drawn by the seed. \
      --prompts continues each prompt of a file of JSON lines ("text" or {"prompt": "text"}) and writes a line of JSON for each.

      Examples:
        headway generate ./llama-3-8b --prompt "Once upon a time" --max-tokens 64
        headway generate ./llama-3-8b --prompt - --stop "Question:" --json < prompt.txt
        headway generate ./llama-3-8b --prompts questions.jsonl --batch-size 32 > answers.jsonl
        headway generate ./llama-3-8b --prompt "Once upon a time" --temperature 0.8 --top-p 0.95 --seed 7
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(help: ArgumentHelp("The text to continue; - reads it from standard input.", valueName: "text"))
  var prompt: String?

  @Option(help: ArgumentHelp("Many prompts, one a line of JSON.", valueName: "file"), completion: .file())
  var prompts: String?

  @Option(help: ArgumentHelp("The most texts that are written at once.", valueName: "n"))
  var batchSize = 8

  @Option(help: ArgumentHelp("The most new tokens.", valueName: "n"))
  var maxTokens = GenerationSettings().maximumTokens

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("A text before which writing ends; repeat it for several.", valueName: "text"))
  var stop: [String] = []

  @Option(help: ArgumentHelp("Divides the logits before a token is drawn; 0 takes the most likely one.", valueName: "number"))
  var temperature = 0.0

  @Option(help: ArgumentHelp("Draw from the most likely tokens that together reach this probability.", valueName: "share"))
  var topP = 1.0

  @Option(help: ArgumentHelp("Draw from this many of the most likely tokens; 0 for all.", valueName: "n"))
  var topK = 0

  @Option(help: ArgumentHelp("What seeds the drawing.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Write the natural logarithm of each new token's probability into the JSON.")
  var logprobs = false

  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    if logprobs, prompts == nil, !output.json { throw ValidationError("--logprobs is for JSON; add --json.") }
    return generation(of: prompt)
  }

  private func generation(of prompt: String?) -> GenerationRun {
    var run = GenerationRun(model: model, prompt: prompt, prompts: prompts)
    run.batchSize = batchSize
    run.model = modelOptions.settings(model)
    run.settings.maximumTokens = maxTokens
    run.settings.stops = stop
    run.settings.temperature = temperature
    run.settings.topP = topP
    run.settings.topK = topK
    run.settings.seed = seed
    run.settings.keepsLogProbabilities = logprobs
    return run
  }

  /// Text appears while it is written, and a single text is a JSON document of its own.
  func run() throws {
    let run = generation(of: prompt == "-" ? try standardInput() : prompt)
    guard !output.json else {
      let result = try output.perform(run)
      if prompts == nil, let text = result.texts.first { return try output.printJSON(text) }
      return try output.printJSON(result)
    }
    // A file or a pipe gets the bytes; a terminal would obey some of them.
    let escapes = Terminal.outputIsTerminal
    let result = try output.perform(run) { text in try Terminal.write(Data((escapes ? text.terminalText : text).utf8)) }
    if prompts == nil { try Terminal.write(Data("\n".utf8)) }
    let cut = result.texts.count { $0.finish == .length }
    if cut > 0 {
      let which = prompts == nil ? "ended" : "\(cut) of \(result.texts.count) texts ended"
      output.note("\(which) after \(prompts == nil ? result.tokens : maxTokens) tokens; --max-tokens sets how many there may be")
    }
    if prompts != nil {
      output.note("\(result.tokens) tokens in \(ProgressLine.duration(result.seconds)), \(Int(result.tokensPerSecond)) tokens/s")
    }
  }

  private func standardInput() throws -> String {
    guard let text = String(validating: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) else {
      throw CommandError("standard input is not UTF-8; convert the prompt to UTF-8 first")
    }
    return text
  }
}

extension GenerationResult: ReadableResult {
  var text: String { texts.map(\.text).joined(separator: "\n") }
}
