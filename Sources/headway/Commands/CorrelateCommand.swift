import ActivationPatterns
import ArgumentParser
import Foundation
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

  @OptionGroup var patternOptions: PatternOptions
  @OptionGroup var output: OutputOptions

  func validate() throws { _ = try patternOptions.scoreAskedFor() }

  func run() throws {
    let comparison = try patternOptions.compare(files, namesMustDiffer: true)
    let matrix = Correlation.matrix(comparison.matrices)
    if output.json { return try output.printJSON(Result(names: comparison.names, matrix: matrix)) }
    var table = TextTable([("", .left)] + comparison.names.map { ($0, .right) })
    for (name, row) in zip(comparison.names, matrix) { table.add([name] + row.map { NumberText.fixed($0, decimals: 3) }) }
    try Terminal.writeLine(table.text)
    let undefined = comparison.matrices.reduce(0) { $0 + $1.undefinedCount }
    if undefined > 0 { output.note("\(undefined) undefined entries of relative changes were left out, pair by pair") }
  }

  private struct Result: Encodable {
    var names: [String]
    var matrix: [[Double?]]
  }
}
