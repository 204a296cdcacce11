import ArgumentParser
import Foundation
import Ground
import LanguageModels
import Runs

/// `headway generate`: a prompt in, what the model goes on with out, as it is written.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Goes on with a prompt, token by token.",
    discussion: """
      The text appears as it is written. Without a temperature each token is the most likely one; with one, tokens are drawn by the seed.

      Examples:
        headway generate ./llama-3-8b --prompt "Once upon a time" --max-tokens 64
        headway generate ./llama-3-8b --prompt - --stop "Question:" --json < prompt.txt
        headway generate ./llama-3-8b --prompt "Once upon a time" --temperature 0.8 --top-p 0.95 --seed 7
      """)

  @Argument(help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("The text to go on with; - reads it from standard input.", valueName: "text"))
  var prompt: String

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

  @Option(help: ArgumentHelp("Where drawing begins.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  /// What is asked for.
  private func generation(_ prompt: String) -> GenerationRun {
    var run = GenerationRun(model: model, prompt: prompt)
    run.model = modelOptions.settings(model)
    run.settings.maximumTokens = maxTokens
    run.settings.stops = stop
    run.settings.temperature = temperature
    run.settings.topP = topP
    run.settings.topK = topK
    run.settings.seed = seed
    return run
  }

  func validate() throws { try asArguments { try generation(prompt).validate() } }

  func run() throws {
    let run = try generation(prompt == "-" ? standardInput() : prompt)
    if output.json { return try output.printJSON(output.perform(run)) }
    // A file or a pipe gets the bytes; a terminal would obey some of them.
    let escapes = Terminal.outputIsTerminal
    let result = try output.perform(run) { text in try Terminal.write(Data((escapes ? text.terminalText : text).utf8)) }
    try Terminal.write(Data("\n".utf8))
    if result.finish == .length { output.note("ended after \(result.tokens.count) tokens; --max-tokens sets how many there may be") }
  }

  private func standardInput() throws -> String {
    guard let text = String(validating: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) else {
      throw CommandError("standard input is not UTF-8; convert the prompt to UTF-8 first")
    }
    return text
  }
}
