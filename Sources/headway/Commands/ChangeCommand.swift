import Runs
import ActivationPatterns
import ArgumentParser
import Foundation
import Reports

/// `headway change`: what fine-tuning did to a pattern.
struct ChangeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "change", abstract: "The change from one pattern to another, ΔAP = AP_after − AP_before, samples paired by id.",
    discussion: """
      Example:
        headway change gsm8k-base.safetensors gsm8k-tuned.safetensors --out gsm8k-change.safetensors
      """)

  @Argument(help: ArgumentHelp("The base model's pattern.", valueName: "before"))
  var before: String

  @Argument(help: ArgumentHelp("The fine-tuned model's pattern on the same samples.", valueName: "after"))
  var after: String

  @Option(help: ArgumentHelp("Where the change goes: .safetensors, .npy or .npz.", valueName: "file"))
  var out: String

  @Flag(help: "Divide by the level before; heads whose level is 0 are then undefined.")
  var relative = false

  @Flag(help: "Go on where architecture, loss, template or data differ.")
  var mixed = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard ["safetensors", "npy", "npz"].contains(URL(filePath: out).pathExtension.lowercased()) else {
      throw ValidationError("--out names a file that ends in .safetensors, .npy or .npz, not '\(out)'.")
    }
  }

  func run() throws {
    let target = URL(filePath: out)
    try requireFolder(of: target)
    let change = try PatternChange(
      from: (before, try ActivationPattern.read(from: URL(filePath: before))),
      to: (after, try ActivationPattern.read(from: URL(filePath: after))), relative: relative, mixed: mixed)
    try change.write(to: target)
    let summary = Summary(change, out: out)
    if output.json { return try output.printJSON(summary) }
    var table = TextTable([("score", .left), ("mean", .right), ("least", .right), ("greatest", .right), ("heads that rose", .right)])
    for score in change.scores {
      guard let figures = summary.scores[score.rawValue] else { continue }
      let rose = figures.rose.value.map { "\(NumberText.fixed($0 * 100, decimals: 1)) %" } ?? "–"
      table.add([
        score.rawValue, NumberText.short(figures.mean.value), NumberText.short(figures.min.value), NumberText.short(figures.max.value),
        rose,
      ])
    }
    try Terminal.writeLine(table.text)
    if let pairs = summary.pairedSamples { output.note("\(pairs) samples paired by id") }
    for (score, figures) in summary.scores.sorted(by: { $0.key < $1.key }) where figures.undefined > 0 {
      output.note("\(figures.undefined) heads of \(score) had level 0 before: their relative change is undefined")
    }
  }

  private struct Summary: Encodable {
    struct Figures: Encodable {
      var mean, min, max, rose: NullableNumber
      var undefined: Int
    }
    var out: String
    var before: String
    var after: String
    var relative: Bool
    var layers: Int
    var heads: Int
    var pairedSamples: Int?
    var scores: [String: Figures]

    enum CodingKeys: String, CodingKey {
      case out, before, after, relative, layers, heads, scores
      case pairedSamples = "paired_samples"
    }

    init(_ change: PatternChange, out: String) {
      self.out = out
      before = change.before
      after = change.after
      relative = change.isRelative
      layers = change.layers
      heads = change.heads
      pairedSamples = change.levels.values.compactMap { $0.before?.sampleCount }.first
      scores = Dictionary(
        uniqueKeysWithValues: change.levels.map { score, levels in
          let statistics = PatternStatistics(levels.change, strongest: 0)
          let defined = levels.change.defined
          let rose = defined.isEmpty ? nil : Double(defined.count { $0 > 0 }) / Double(defined.count)
          return (
            score.rawValue,
            Figures(
              mean: .init(statistics.mean), min: .init(statistics.minimum), max: .init(statistics.maximum), rose: .init(rose),
              undefined: statistics.undefinedCount)
          )
        })
    }
  }
}
