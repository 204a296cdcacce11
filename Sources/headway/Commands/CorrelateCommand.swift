import ArgumentParser
import Reports
import Runs

/// `headway correlate`: how alike patterns are.
struct CorrelateCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "correlate", abstract: "The Pearson correlation of every pair of patterns or changes, over their heads.",
    discussion: """
      Example:
        headway correlate math.safetensors gsm8k.safetensors stories=hellaswag.safetensors
      """)

  @Argument(help: ArgumentHelp("Pattern or change files, each FILE or NAME=FILE.", valueName: "file"), completion: .file())
  var files: [PatternSource]

  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = CorrelationRun(files)
    run.bootstrap = bootstrapOptions.bootstrap
    run.seed = bootstrapOptions.seed
    run.score = comparisonOptions.score
    run.mixed = comparisonOptions.mixed
    return run
  }
}

extension CorrelationResult: ReadableResult {
  var text: String {
    var table = TextTable([("", .left)] + names.map { ($0, .right) })
    for (index, name) in names.enumerated() {
      table.add([name] + matrix[index].map { NumberText.fixed($0, decimals: 3) })
      guard let bootstrap else { continue }
      table.add(
        [""]
          + zip(bootstrap.low[index], bootstrap.high[index]).map { low, high in
            low == nil ? "" : "[\(NumberText.fixed(low, decimals: 3)), \(NumberText.fixed(high, decimals: 3))]"
          })
    }
    return table.text
  }
}
