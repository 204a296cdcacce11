import ActivationPatterns
import ArgumentParser
import Foundation
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

  @OptionGroup var patternOptions: PatternOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    _ = try patternOptions.scoreAskedFor()
    guard strongest >= 0 else { throw ValidationError("--strongest takes a number from 0 on, not \(strongest).") }
  }

  func run() throws {
    // Each file is described by itself, so files need not belong together.
    let score = try patternOptions.scoreAskedFor()
    let entries = try files.map { argument in
      let input = PatternInput(argument)
      let one = try PatternComparison([(input.name, try PatternFile.read(from: input.url))], score: score)
      return Entry(input, one.scores[0], PatternStatistics(one.matrices[0], strongest: strongest))
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
    let name: String
    let path: String
    let score: Score
    let statistics: PatternStatistics

    init(_ input: PatternInput, _ score: Score, _ statistics: PatternStatistics) {
      name = input.name
      path = input.path
      self.score = score
      self.statistics = statistics
    }

    enum CodingKeys: String, CodingKey {
      case path, score, gini, cv, kurtosis, mean, min, max, strongest, undefined
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
