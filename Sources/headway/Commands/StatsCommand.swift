import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import Reports

/// `headway stats`: what patterns look like in a few numbers.
struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Gini coefficient, coefficient of variation, kurtosis, mean, least, greatest, strongest heads.",
    discussion: """
      Example:
        headway stats gsm8k.safetensors code.safetensors
      """)

  @Argument(help: ArgumentHelp("Pattern or change files, each FILE or NAME=FILE.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("How many of the strongest heads to name.", valueName: "n"))
  var strongest = 10

  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var scoreOption: ScoreOption
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard strongest >= 0 else { throw ValidationError("--strongest takes a number from 0 on, not \(strongest).") }
  }

  func run() throws {
    // Each file is described by itself, so files need not belong together.
    let score = scoreOption.score
    var generator = SeededGenerator(seed: bootstrapOptions.seed, stream: "stats bootstrap")
    var entries: [Entry] = []
    for input in files.map(PatternInput.init) {
      let one = try PatternComparison([(input.name, try PatternFile.read(from: input.url))], score: score)
      var entry = Entry(name: input.name, path: input.path, score: one.scores[0], statistics: .init(one.matrices[0], strongest: strongest))
      if let replicates = bootstrapOptions.bootstrap {
        let bootstrap = try StatisticsBootstrap(try one.sampled()[0], replicates: replicates, using: &generator)
        if let warning = BootstrapOptions.warning(input.name, reliability: bootstrap.reliability) { output.warn(warning) }
        entry.bootstrap = Entry.Bootstrap(bootstrap, seed: bootstrapOptions.seed)
      }
      entries.append(entry)
    }
    if output.json { return try output.printJSON(entries) }
    var table = TextTable([
      ("file", .left), ("score", .left), ("Gini", .right), ("CV", .right), ("kurtosis", .right), ("mean", .right), ("least", .right),
      ("greatest", .right),
    ])
    for entry in entries {
      let statistics = entry.statistics
      table.add([
        entry.name, entry.score.rawValue, NumberText.fixed(statistics.gini, decimals: 3),
        NumberText.fixed(statistics.coefficientOfVariation, decimals: 3), NumberText.fixed(statistics.kurtosis, decimals: 2),
        NumberText.short(statistics.mean), NumberText.short(statistics.minimum), NumberText.short(statistics.maximum),
      ])
      guard let bootstrap = entry.bootstrap else { continue }
      table.add([
        "  95% interval", "", bootstrap.gini?.text(decimals: 3) ?? "–", bootstrap.cv?.text(decimals: 3) ?? "–",
        bootstrap.kurtosis?.text(decimals: 2) ?? "–", bootstrap.mean?.text(digits: 3) ?? "–",
      ])
    }
    var lines = [table.text]
    for entry in entries where !entry.statistics.strongest.isEmpty {
      let heads = entry.statistics.strongest.map { "\($0.layer):\($0.head) \(NumberText.short($0.value, digits: 3))" }
      lines.append("strongest heads of \(entry.name) (layer:head): \(heads.joined(separator: ", "))")
    }
    for entry in entries where entry.statistics.undefinedCount > 0 {
      lines.append("\(entry.name): \(entry.statistics.undefinedCount) undefined entries left out")
    }
    try Terminal.writeLine(lines.joined(separator: "\n"))
  }

  /// One file's figures, as `--json` shows them.
  private struct Entry: Encodable {
    struct Bootstrap: Encodable {
      var replicates: Int
      var seed: UInt64
      var mean, gini, cv, kurtosis: IntervalEntry?
      var reliability: NullableNumber

      init(_ bootstrap: StatisticsBootstrap, seed: UInt64) {
        replicates = bootstrap.replicates
        self.seed = seed
        mean = bootstrap.mean.map(IntervalEntry.init)
        gini = bootstrap.gini.map(IntervalEntry.init)
        cv = bootstrap.coefficientOfVariation.map(IntervalEntry.init)
        kurtosis = bootstrap.kurtosis.map(IntervalEntry.init)
        reliability = NullableNumber(bootstrap.reliability)
      }
    }
    var name: String
    var path: String
    var score: Score
    var statistics: PatternStatistics
    var bootstrap: Bootstrap?

    enum CodingKeys: String, CodingKey {
      case path, score, gini, cv, kurtosis, mean, min, max, strongest, undefined, bootstrap
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(path, forKey: .path)
      try container.encode(score, forKey: .score)
      try container.encode(NullableNumber(statistics.gini), forKey: .gini)
      try container.encode(NullableNumber(statistics.coefficientOfVariation), forKey: .cv)
      try container.encode(NullableNumber(statistics.kurtosis), forKey: .kurtosis)
      try container.encode(NullableNumber(statistics.mean), forKey: .mean)
      try container.encode(NullableNumber(statistics.minimum), forKey: .min)
      try container.encode(NullableNumber(statistics.maximum), forKey: .max)
      try container.encode(statistics.undefinedCount, forKey: .undefined)
      try container.encodeIfPresent(bootstrap, forKey: .bootstrap)
      var heads = container.nestedUnkeyedContainer(forKey: .strongest)
      for head in statistics.strongest {
        var triple = heads.nestedUnkeyedContainer()
        try triple.encode(head.layer)
        try triple.encode(head.head)
        try triple.encode(head.value)
      }
    }
  }
}
