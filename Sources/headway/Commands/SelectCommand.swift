import ActivationPatterns
import ArgumentParser
import Reports
import Runs
import Selection

/// `headway select`: the samples of a pool that are most like a target.
struct SelectCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "select", abstract: "Chooses the samples of a pool that are most like a target.",
    discussion: """
      By default those whose activation patterns correlate most with the target's mean pattern, both measured under the model that was fine-tuned on \
      the target. The chosen samples are written the best first; what was chosen stands in a manifest beside them, NAME.manifest.json.

      The defaults are the paper's. In our own studies (docs/Findings.md) --standardise helped every score by mean, token and token-response found \
      more than magnitude, the base model saw as much as the one fine-tuned on the target or more, and standardised embeddings found more than any pattern.

      Example:
        headway pattern ./tuned --data target.jsonl --out target.safetensors
        headway pattern ./tuned --data pool.jsonl --per-sample --out pool.safetensors
        headway select --target target.safetensors --pool pool.safetensors --pool-data pool.jsonl --top 500 --out chosen.jsonl
      """)

  @Option(help: ArgumentHelp("The target's pattern, or its file of headway represent.", valueName: "file"), completion: .file())
  var target: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The pool's patterns, measured with --per-sample, or its files of headway represent.", valueName: "file"),
    completion: .file())
  var pool: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The pool's data: what the pool's files were measured on, in the same order.", valueName: "file"),
    completion: .file())
  var poolData: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The target's data, for --representation bm25 and for --group.", valueName: "file"), completion: .file())
  var targetData: [String] = []

  @Option(help: ArgumentHelp("The format of the target's data; recognised by its fields where left out.", valueName: "name"))
  var targetFormat: String?

  @Option(help: ArgumentHelp("Choose M samples.", valueName: "m"))
  var top: Int

  @Option(help: ArgumentHelp("What stands for a sample.", valueName: Representations.names.joined(separator: "|")))
  var representation = "pattern"

  @Option(
    help: ArgumentHelp(
      "Likeness to the target's mean; or its samples, or groups of them, take turns; or likeness to any of them.",
      valueName: SelectionAlgorithms.names.joined(separator: "|")))
  var algorithm = "mean"

  @Option(
    help: ArgumentHelp(
      "Tell groups of target samples apart in place of single ones: by their task, or by each tag.", valueName: "task|tags"))
  var group: SelectRun.Grouping?

  @Option(help: ArgumentHelp("The score whose levels are compared; the target's first where left out.", valueName: "name"))
  var score: Score?

  @Flag(help: "Take each head's level, or each entry of an embedding, against the pool's mean and spread.")
  var standardise = false

  @Flag(help: "Name the heads that add most to each chosen sample's correlation.")
  var explain = false

  @Option(help: ArgumentHelp("Seeds what --representation random draws.", valueName: "n"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Where the chosen samples go as JSON lines.", valueName: "file"), completion: .file())
  var out: String

  @OptionGroup(title: "Pool data") var dataOptions: DataOptions
  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = SelectRun(target: target, pool: pool, poolData: poolData, top: top, out: out)
    run.targetData = targetData
    run.targetFormat = targetFormat
    run.reading = dataOptions.settings([])
    run.representation = representation
    run.algorithm = algorithm
    run.group = group
    run.score = score
    run.standardises = standardise
    run.explains = explain
    run.seed = seed
    run.overwrite = replacing.overwrite
    return run
  }
}

extension SelectResult: ReadableResult {
  /// Samples that a person is shown; the manifest has all.
  private static let shown = 20

  var text: String {
    let isExplained = chosen.contains { $0.heads != nil }
    var columns: [(title: String, alignment: TextTable.Alignment)] = [("", .right), ("index", .right), ("id", .left), ("score", .right)]
    if targets != nil { columns.append(("target", .left)) }
    if isExplained { columns.append(("heads", .left)) }
    var table = TextTable(columns)
    for (place, sample) in chosen.prefix(Self.shown).enumerated() {
      var row = [String(place + 1), String(sample.index), sample.id, NumberText.short(sample.score, digits: 6)]
      if targets != nil { row.append(sample.target ?? "") }
      if isExplained {
        row.append((sample.heads ?? []).map { "\($0.layer):\($0.head) \(NumberText.fixed($0.part, decimals: 3))" }.joined(separator: "  "))
      }
      table.add(row)
    }
    return table.text
  }

  var notes: [String] {
    let rest = chosen.count - Self.shown
    return (rest > 0 ? ["and \(rest) more, as the manifest beside \(out) lists them"] : [])
      + ["\(chosen.count) of \(pool.samples) samples written to \(out)"]
  }
}
