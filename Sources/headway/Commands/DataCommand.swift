import ArgumentParser
import Runs

/// `headway data`: what is in a dataset, and the same samples written as `pairs`.
struct DataCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Shows what is in a dataset, and writes it in Headway's own form.",
    discussion: """
      The file is read as it was published; docs/Datasets.md lists the formats. A file of no known format is read with --map.

      Examples:
        headway data gsm8k/test.jsonl --show 2 --tokenizer ./llama-3-8b
        headway data infinity.parquet --require "logical reasoning" --require programming --sample 1000 --write pool.jsonl
        headway data aqua/dev.json --map prompt=question,response=rationale,answer=correct
      """)

  @Argument(
    help: ArgumentHelp(
      "Data files or folders, each FILE or NAME=FILE, or owner/name of a downloaded dataset; - is standard input.", valueName: "file"),
    completion: .file())
  var files: [String]

  @Option(help: ArgumentHelp("How many of the first samples are shown.", valueName: "n"))
  var show = 3

  @Option(help: ArgumentHelp("Write the samples as JSON lines of prompt and response.", valueName: "file"), completion: .file())
  var write: String?

  @Option(help: ArgumentHelp("Count tokens with this model's tokenizer.", valueName: "model"), completion: .directory)
  var tokenizer: String?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = DataSummaryRun(files)
    run.data = dataOptions.settings(files)
    run.shown = show
    run.write = write
    run.tokenizer = tokenizer
    run.overwrite = replacing.overwrite
    return run
  }
}
