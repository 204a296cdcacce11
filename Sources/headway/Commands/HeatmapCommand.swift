import ArgumentParser
import Runs

/// `headway heatmap`: patterns or changes as a picture.
struct HeatmapCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "heatmap", abstract: "A heat map of layers × heads; several files side by side on one scale.",
    discussion: """
      Example:
        headway heatmap before=base.safetensors after=tuned.safetensors --out gsm8k.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "Pattern or change files, each FILE or NAME=FILE, or folders of training runs that tracked patterns.", valueName: "file"),
    completion: .file())
  var files: [PatternSource]

  @Option(help: ArgumentHelp("Where the picture goes: .svg.", valueName: "file"), completion: .file())
  var out: String

  @Option(help: ArgumentHelp("A title above the maps.", valueName: "text"))
  var title: String?

  @Flag(help: "Let the colours reach to the most extreme head, also where it leaves the others pale.")
  var fullScale = false

  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = HeatMapRun(files, out: out)
    run.title = title
    run.fullScale = fullScale
    run.score = comparisonOptions.score
    run.mixed = comparisonOptions.mixed
    run.overwrite = replacing.overwrite
    return run
  }
}

extension HeatMapResult: ReadableResult {
  var text: String { "" }
  var notes: [String] { ["\(out): \(names.count) \(names.count == 1 ? "map" : "maps") of \(score)"] }
}
