import ArgumentParser
import Foundation
import Reports
import Runs

/// `headway explain`: where in a text a head does its work.
struct ExplainCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Shows token by token where in a text a head does its work.",
    discussion: """
      Each token is shaded by the gradient of the sample's loss by the head's gate there: blue where the head lowers the loss, so that it would rise \
      without it, orange where it raises it. Over the sample they sum up to the head's signed level.

      Examples:
        headway explain ./llama-3-8b --data gsm8k/test.jsonl --head 12:7
        headway explain ./llama-3-8b --data gsm8k/test.jsonl --head 12:7,3:0 --index 5 --html head.html
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Data files or folders, as they are published, each FILE or NAME=FILE; - is standard input.", valueName: "file"),
    completion: .file())
  var data: [String]

  @Option(
    help: ArgumentHelp(
      "The heads, LAYER:HEAD joined by commas, counted from 0; the one of the greatest magnitude where left out.", valueName: "12:7,3:0"),
    transform: { try HeadList($0) })
  var head: HeadList?

  @Option(help: ArgumentHelp("Show the N samples in which each head's magnitude is greatest; 3 where left out.", valueName: "n"))
  var strongest: Int?

  @Option(
    help: ArgumentHelp("Show the samples at these positions in the data, counted from 0 and joined by commas.", valueName: "5,12"),
    transform: { try PositionList($0) })
  var index: PositionList?

  @Flag(help: "Also measure the saliency of each token, in --json.")
  var saliency = false

  @Option(help: ArgumentHelp("Where a page goes: .html.", valueName: "file"), completion: .file())
  var html: String?

  @Option(help: ArgumentHelp("Where a picture goes: .svg.", valueName: "file"), completion: .file())
  var svg: String?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run { run(of: data) }

  private func run(of data: [String]) -> ExplainRun {
    var run = ExplainRun(model: model, data: data)
    run.model = modelOptions.settings(model)
    run.data = dataOptions.settings(data)
    run.heads = head
    run.strongest = strongest
    run.index = index?.positions ?? []
    run.measuresSaliency = saliency
    run.html = html
    run.svg = svg
    run.overwrite = replacing.overwrite
    return run
  }

  func run() throws {
    let result = try output.perform(run(of: data))
    if output.json { return try output.printJSON(result) }
    // Colours are commands to the terminal, which foreign text may not give: that is escaped token by token.
    try Terminal.write(Data(ShadedTerminalText(result, usesColors: Terminal.outputTakesColors).text.utf8))
  }
}

/// Positions joined by commas.
struct PositionList: Sendable {
  let positions: [Int]

  init(_ text: String) throws {
    positions = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let position = Int(part), position >= 0 else {
        throw ValidationError("positions are numbers from 0 on, joined by commas, such as 5,12, not '\(part)'")
      }
      return position
    }
  }
}
