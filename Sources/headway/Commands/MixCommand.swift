import ArgumentParser
import Reports
import Runs
import Selection

/// `headway mix`: data of basic tasks in the proportion in which a fit composes a complex one of them.
struct MixCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "mix", abstract: "Mixes data of basic tasks in the proportion of a fit's coefficients.",
    discussion: """
      The tasks with the greatest coefficients share the samples; a coefficient that is not positive gives none. Without --fit all tasks of \
      --data share them, equally or by chance. What was drawn stands in a manifest beside the mixture, NAME.manifest.json. In our own studies \
      (docs/Findings.md) fitted shares did no better than random ones: hold them against --shares random before relying on them.

      Examples:
        headway mix --fit fit.json --total 1000 --data gsm8k=gsm8k/train.jsonl code=code/train.jsonl --out mixture.jsonl
        headway mix --shares equal --total 1000 --data gsm8k=gsm8k/train.jsonl code=code/train.jsonl --out equal.jsonl
      """)

  @Option(
    help: ArgumentHelp("The fit, as headway fit --out writes it; left out where --shares needs none.", valueName: "file"),
    completion: .file())
  var fit: String?

  @Option(help: ArgumentHelp("The samples of the mixture.", valueName: "n"))
  var total: Int

  @Option(help: ArgumentHelp("Keep the K tasks with the greatest coefficients; 2 where left out.", valueName: "k"))
  var top: Int?

  @Option(
    help: ArgumentHelp(
      "What the kept tasks' shares are: the coefficients of the fit, those of the fit without negative ones, the same for each, or drawn by seed.",
      valueName: "fit|nonnegative|equal|random"))
  var shares = Mixture.Shares.fit

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The tasks' data, each NAME=FILE with the task's name in the fit.", valueName: "name=file"), completion: .file())
  var data: [TaskFile]

  @Option(
    help: ArgumentHelp(
      "Draw each task's samples by the likeness of their patterns to this one, both under the target's model, in place of chance.",
      valueName: "file"), completion: .file())
  var within: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The tasks' patterns for --within, measured with --per-sample, each NAME=FILE.", valueName: "name=file"),
    completion: .file())
  var pool: [PatternSource] = []

  @Flag(name: .customLong("repeat"), help: "Let a task with too few samples give them more than once.")
  var repeats = false

  @Option(help: ArgumentHelp("Seeds what is drawn.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Where the mixture goes as JSON lines.", valueName: "file"), completion: .file())
  var out: String

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = MixRun(fit: fit, tasks: data, total: total, out: out)
    run.reading = dataOptions.settings([])
    run.top = top
    run.shares = shares
    run.within = within
    run.pool = pool
    run.repeats = repeats
    run.seed = seed
    run.overwrite = replacing.overwrite
    return run
  }
}

extension MixResult: ReadableResult {
  var text: String {
    let isLikest = within != nil
    var table = TextTable(
      [("task", .left), ("α", .right), ("share", .right), ("samples", .right), ("of", .right)] + (isLikest ? [("likeness", .left)] : []))
    for task in tasks {
      table.add(
        [
          task.name, NumberText.fixed(task.coefficient, decimals: 4), "\(NumberText.fixed(task.share * 100, decimals: 2)) %",
          String(task.count), String(task.available),
        ] + (isLikest ? [task.likeness?.text ?? "–"] : []))
    }
    for task in leftOut {
      table.add(
        [task.name, NumberText.fixed(task.coefficient, decimals: 4), task.reason == .notPositive ? "not positive" : "–", "0", ""]
          + (isLikest ? [""] : []))
    }
    return table.text
  }

  var notes: [String] { ["\(total) samples written to \(out)"] }
}
