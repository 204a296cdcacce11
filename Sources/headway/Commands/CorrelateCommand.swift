import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import Reports

/// `headway correlate`: how alike patterns are.
struct CorrelateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "correlate", abstract: "The Pearson correlation of every pair of patterns or changes, over their heads.",
    discussion: """
      Example:
        headway correlate math.safetensors gsm8k.safetensors stories=hellaswag.safetensors
      """)

  @Argument(help: ArgumentHelp("Pattern or change files, each FILE or NAME=FILE.", valueName: "file"))
  var files: [String]

  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let inputs = files.map(PatternInput.init)
    try PatternInput.requireDistinctNames(inputs)
    let comparison = try comparisonOptions.compare(inputs)
    let matrix = try Correlation.matrix(comparison.matrices)
    var bootstrap: CorrelationBootstrap?
    if let replicates = bootstrapOptions.bootstrap {
      var generator = SeededGenerator(seed: bootstrapOptions.seed, stream: "correlate bootstrap")
      bootstrap = try CorrelationBootstrap(try comparison.sampled(), replicates: replicates, using: &generator)
    }
    for (name, reliability) in zip(comparison.names, bootstrap?.reliabilities ?? []) {
      if let warning = BootstrapOptions.warning(name, reliability: reliability) { output.warn(warning) }
    }
    if output.json {
      return try output.printJSON(
        Result(
          names: comparison.names, score: Set(comparison.scores).count == 1 ? comparison.scores.first : nil, matrix: matrix,
          bootstrap: bootstrap.map { Result.Bootstrap($0, names: comparison.names, seed: bootstrapOptions.seed) }))
    }
    var table = TextTable([("", .left)] + comparison.names.map { ($0, .right) })
    for (index, name) in comparison.names.enumerated() {
      table.add([name] + matrix[index].map { NumberText.fixed($0, decimals: 3) })
      guard let bootstrap else { continue }
      table.add([""] + bootstrap.intervals[index].map { $0?.text(decimals: 3) ?? "" })
    }
    try Terminal.writeLine(table.text)
    let undefined = comparison.matrices.reduce(0) { $0 + $1.undefinedCount }
    if undefined > 0 { output.note("\(undefined) undefined entries of relative changes were left out, pair by pair") }
  }

  private struct Result: Encodable {
    struct Bootstrap: Encodable {
      var replicates: Int
      var seed: UInt64
      var low: [[Double?]]
      var high: [[Double?]]
      var reliability: [String: NullableNumber]

      init(_ bootstrap: CorrelationBootstrap, names: [String], seed: UInt64) {
        replicates = bootstrap.replicates
        self.seed = seed
        low = bootstrap.intervals.map { $0.map { $0?.low } }
        high = bootstrap.intervals.map { $0.map { $0?.high } }
        reliability = Dictionary(uniqueKeysWithValues: zip(names, bootstrap.reliabilities.map(NullableNumber.init)))
      }
    }
    var names: [String]
    var score: Score?
    var matrix: [[Double?]]
    var bootstrap: Bootstrap?
  }
}
