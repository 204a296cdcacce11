import ActivationPatterns
import Foundation
import Ground
import Runs

// What figure 4 says of complex tasks whose parts are known, and of sums of patterns.

extension Figure4 {
  /// How the known parts of complex tasks do among all pairs; nil where no task says what it is made of.
  static func parts(_ fits: [(model: Study.Model, target: Study.Task, fits: [FitResult])]) -> StudyTable? {
    var table = StudyTable(
      "figure-4-parts", "Tasks whose parts are known: where the right pair stands by R²; in brackets 95% intervals over seeds",
      [
        .text("model"), .text("target"), .text("pair"), .number("rank", "mean rank", decimals: 2), .number("rank_low", decimals: 2),
        .number("rank_high", decimals: 2), .number("chance_rank", "rank by chance", decimals: 2), .number("pairs", decimals: 0),
        .number("first", "seeds in which it came first", decimals: 0),
        .number("largest", "seeds in which its two coefficients were the largest", decimals: 0),
        .number("significant", "seeds with p < 0.05 within layers", decimals: 0), .number("seeds", decimals: 0),
      ])
    for (model, target, fits) in fits where target.parts.count == 2 {
      let right = Set(target.parts)
      var ranks: [Double] = []
      var (first, largest, count) = (0, 0, 0)
      for fit in fits {
        let pairs = fit.subsets.filter { $0.names.count == 2 }.sorted { ($0.r2 ?? -.infinity) > ($1.r2 ?? -.infinity) }
        guard let place = pairs.firstIndex(where: { Set($0.names) == right }) else { continue }
        count = pairs.count
        ranks.append(Double(place + 1))
        if place == 0 { first += 1 }
        let top = fit.coefficients.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(2).map(\.key)
        if Set(top) == right { largest += 1 }
      }
      let rank = SeedMean(ranks)
      let significant = fits.count { ($0.permutation?.withinLayers ?? 1) < 0.05 }
      table.rows.append([
        .text(model.name), .text(target.name), .text(target.parts.sorted().joined(separator: " + ")), .init(rank?.mean), .init(rank?.low),
        .init(rank?.high), .number(Double(count + 1) / 2), .init(count), .init(first), .init(largest), .init(significant),
        .init(fits.count),
      ])
    }
    return table.rows.isEmpty ? nil : table
  }

  /// §4.2.3: how well a weighted sum of basic tasks' patterns resembles a complex task's after fine-tuning, on heads that the weights were not
  /// chosen on; beside it sums of what fine-tuning did not change, and the complex task's own pattern before it.
  static func sums(
    _ model: Study.Model, _ target: Study.Task, _ basics: [Study.Task], _ results: StudyResults
  ) throws -> [[StudyTable.Cell]] {
    var found: [[Double?]] = []
    for seed in results.study.seeds {
      let results = results.at(seed)
      func patterns(_ tasks: [Study.Task], after: Bool) throws -> [HeadMatrix] {
        try tasks.map { task in
          let names = StepNames(model: model.name, task: task.name, seed: seed)
          return try results.pattern(after ? names.after : names.before)
        }
      }
      let goal = try patterns([target], after: true)[0]
      found.append(
        try [
          patterns(basics, after: true), patterns(basics, after: false), patterns([target], after: false),
        ].map { parts in
          var generator = SeededGenerator(seed: seed, stream: "study weighted sums")
          return try HeldOutFit.overHeads(target: goal, basics: parts, using: &generator)?.mean
        })
    }
    let names = ["basic tasks' patterns, fine-tuned", "basic tasks' patterns, base model", "its own pattern, base model"]
    return names.enumerated().map { kind, name in
      let (value, difference) = (
        SeedMean(found.compactMap { $0[kind] }),
        SeedMean(found.compactMap { row in row[0].flatMap { first in row[kind].map { first - $0 } } })
      )
      return [
        .text(model.name), .text(target.name), .text(name), .init(value?.mean), .init(value?.low), .init(value?.high),
        kind == 0 ? .nothing : .init(difference?.mean), kind == 0 ? .nothing : .init(difference?.low),
        kind == 0 ? .nothing : .init(difference?.high), .init(value?.seeds ?? 0),
      ]
    }
  }

  /// The table of ``sums(_:_:_:_:)``.
  static var sumsTable: StudyTable {
    StudyTable(
      "figure-4-sums",
      "The complex task's pattern after fine-tuning as a weighted sum (§4.2.3): R² on heads that the weights were not chosen on; in brackets 95% intervals over seeds",
      [
        .text("model"), .text("target"), .text("sum", "a sum of"), .number("r2", "R²"), .number("r2_low"), .number("r2_high"),
        .number("worse", "fine-tuned basics better by"), .number("worse_low"), .number("worse_high"), .number("seeds", decimals: 0),
      ])
  }
}
