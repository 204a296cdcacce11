import ActivationPatterns
import ArgumentParser
import Reports
import Runs

/// `headway stats`: what patterns look like in a few numbers.
struct StatsCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Gini coefficient, coefficient of variation, kurtosis, mean, least, greatest, strongest heads.",
    discussion: """
      A training run's tracked patterns are described step by step.

      Examples:
        headway stats gsm8k.safetensors code.safetensors
        headway stats gsm8k.safetensors --head-scores heads.json
      """)

  @Argument(
    help: ArgumentHelp(
      "Pattern or change files, each FILE or NAME=FILE, or folders of training runs that tracked patterns.", valueName: "file"),
    completion: .file())
  var files: [PatternSource]

  @Option(help: ArgumentHelp("How many of the strongest heads to name.", valueName: "n"))
  var strongest = 10

  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: Score?

  @Option(
    help: ArgumentHelp(
      "Where the file's levels go as the JSON that tools for retrieval heads read, {\"LAYER-HEAD\": [scores]}, a score a sample.",
      valueName: "file"), completion: .file())
  var headScores: String?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = StatisticsRun(files)
    run.strongest = strongest
    run.bootstrap = bootstrapOptions.bootstrap
    run.seed = bootstrapOptions.seed
    run.score = score
    run.headScores = headScores
    run.overwrite = replacing.overwrite
    return run
  }
}

extension StatisticsResult: ReadableItem {
  static func text(of results: [StatisticsResult]) -> String {
    var table = TextTable([
      ("file", .left), ("score", .left), ("Gini", .right), ("CV", .right), ("kurtosis", .right), ("mean", .right), ("least", .right),
      ("greatest", .right),
    ])
    for result in results {
      table.add([
        result.name, result.score.rawValue, NumberText.fixed(result.gini, decimals: 3), NumberText.fixed(result.cv, decimals: 3),
        NumberText.fixed(result.kurtosis, decimals: 2), NumberText.short(result.mean), NumberText.short(result.min),
        NumberText.short(result.max),
      ])
      guard let bootstrap = result.bootstrap else { continue }
      table.add([
        "  95% interval", "", bootstrap.gini?.text(decimals: 3) ?? "–", bootstrap.cv?.text(decimals: 3) ?? "–",
        bootstrap.kurtosis?.text(decimals: 2) ?? "–", bootstrap.mean?.text(digits: 3) ?? "–",
      ])
    }
    var lines = [table.text]
    for result in results where !result.strongest.isEmpty {
      let heads = result.strongest.map { "\($0.layer):\($0.head) \(NumberText.short($0.value, digits: 3))" }
      lines.append("strongest heads of \(result.name) (layer:head): \(heads.joined(separator: ", "))")
    }
    for result in results where result.undefined > 0 { lines.append("\(result.name): \(result.undefined) undefined entries left out") }
    return lines.joined(separator: "\n")
  }
}
