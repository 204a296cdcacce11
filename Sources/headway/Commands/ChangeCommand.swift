import ActivationPatterns
import ArgumentParser
import Reports
import Runs

/// `headway change`: what fine-tuning did to a pattern.
struct ChangeCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "change", abstract: "The change from one pattern to another, ΔAP = AP_after − AP_before, samples paired by id.",
    discussion: """
      Example:
        headway change gsm8k-base.safetensors gsm8k-tuned.safetensors --out gsm8k-change.safetensors
      """)

  @Argument(help: ArgumentHelp("The base model's pattern.", valueName: "before"), completion: .file())
  var before: String

  @Argument(help: ArgumentHelp("The fine-tuned model's pattern on the same samples.", valueName: "after"), completion: .file())
  var after: String

  @Option(help: ArgumentHelp("Where the change goes: .safetensors, .npy or .npz.", valueName: "file"), completion: .file())
  var out: String

  @Flag(help: "Divide by the level before; heads whose level is 0 are then undefined.")
  var relative = false

  @Flag(help: "Go on where type, architecture, loss, template, greatest length or samples differ.")
  var mixed = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = ChangeRun(before: before, after: after, out: out)
    run.isRelative = relative
    run.mixed = mixed
    run.overwrite = replacing.overwrite
    return run
  }
}

extension ChangeResult: ReadableResult {
  var text: String {
    var table = TextTable([("score", .left), ("mean", .right), ("least", .right), ("greatest", .right), ("heads that rose", .right)])
    for score in Score.allCases {
      guard let figures = scores[score.rawValue] else { continue }
      let rose = figures.rose.map { "\(NumberText.fixed($0 * 100, decimals: 1)) %" } ?? "–"
      table.add([score.rawValue, NumberText.short(figures.mean), NumberText.short(figures.min), NumberText.short(figures.max), rose])
    }
    return table.text
  }
  var notes: [String] {
    [pairedSamples.map { "\($0) samples paired" }].compactMap(\.self)
      + scores.sorted { $0.key < $1.key }.filter { $0.value.undefined > 0 }.map { score, figures in
        "\(figures.undefined) heads of \(score) had level 0 before: their relative change is undefined"
      }
  }
}
