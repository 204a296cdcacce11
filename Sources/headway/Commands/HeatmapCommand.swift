import Runs
import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Reports
import Torch

/// `headway heatmap`: patterns or changes as a picture.
struct HeatmapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heatmap", abstract: "A heat map of layers × heads; several files side by side on one scale.",
    discussion: """
      Example:
        headway heatmap before=base.safetensors after=tuned.safetensors --out gsm8k.svg
      """)

  @Argument(help: ArgumentHelp("Pattern or change files, each FILE or NAME=FILE.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("Where the picture goes: .svg.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("A title above the maps.", valueName: "text"))
  var title: String?

  @Flag(help: "Let the colours reach to the most extreme head, also where it leaves the others pale.")
  var fullScale = false

  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard URL(filePath: out).pathExtension.lowercased() == "svg" else {
      throw ValidationError("--out names a file that ends in .svg, not '\(out)'.")
    }
  }

  func run() throws {
    let target = URL(filePath: out)
    try requireFolder(of: target)
    let comparison = try comparisonOptions.compare(files.map(PatternInput.init))
    let isChange = comparison.files.contains { if case .change = $0 { true } else { false } }
    let scores = Set(comparison.scores).map(\.rawValue).sorted().joined(separator: ", ")
    let kinds = Set(comparison.files.map(\.kind)).sorted().joined(separator: ", ")
    let panels = zip(comparison.names, comparison.matrices).map { name, matrix in
      HeatMap.Panel(title: name, layers: matrix.layers, heads: matrix.heads, values: matrix.values.map { $0.isNaN ? nil : $0 })
    }
    let map = HeatMap(
      panels: panels, title: title ?? "", valueName: isChange ? "\(scores), \(kinds)" : scores, isChange: isChange,
      clipsOutliers: !fullScale)
    try AtomicFile.write(map.svg(), to: target)
    if output.json {
      return try output.printJSON(Summary(out: out, names: comparison.names, score: scores))
    }
    output.note("\(out): \(panels.count) \(panels.count == 1 ? "map" : "maps") of \(scores)")
  }

  private struct Summary: Encodable {
    var out: String
    var names: [String]
    var score: String
  }
}
