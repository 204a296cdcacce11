import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Reports
import Runs

/// Writes what a study found: the page, a file for each table and figure, and `study.json`.
struct StudyReport {
  let results: StudyResults

  init(_ plan: StudyPlan) { results = StudyResults(plan) }

  func write(_ monitor: RunMonitor) throws -> StudyResult {
    let plan = results.plan
    let page = plan.folder.appending(path: "report/report.html")
    var sections: [ReportPage.Section] = []
    var tables: [StudyTable] = []
    var figures: [StudyFigure] = []
    var verdicts: [StudyVerdicts] = []
    for item in StudyItems.all where plan.study.models.contains(where: { plan.study.makes(item.name, for: $0) }) {
      let found = try item.findings(results)
      tables += found.tables + found.filesOnly
      figures += found.figures
      verdicts += found.verdicts
      sections.append(section(item, found))
    }
    sections.append(costs())
    let result = StudyResult(
      name: plan.study.name, report: page.relativePath, tables: tables, verdicts: verdicts, steps: plan.steps.count,
      operations: plan.cost.operations)
    for (folder, files) in [
      ("tables", tables.map { ("\($0.name).csv", $0.csv) }), ("figures", figures.map { ("\($0.name).svg", $0.chart.svg()) }),
    ] {
      let place = plan.folder.appending(path: folder, directoryHint: .isDirectory)
      try Folders.make(place)
      let names = Set(files.map(\.0))
      // What an earlier form of the study made and this one does not.
      for stale in (try? FileManager.default.contentsOfDirectory(atPath: place.path(percentEncoded: false))) ?? []
      where !names.contains(stale) {
        unlink(place.appending(path: stale).path(percentEncoded: false))
      }
      for (name, text) in files { try AtomicFile.write(text, to: place.appending(path: name)) }
    }
    try Folders.make(page.deletingLastPathComponent())
    Leftovers.remove(from: page.deletingLastPathComponent())
    let subtitle =
      "\(plan.study.models.map(\.name).joined(separator: ", ")); \(Self.seeds(plan.study.seeds.count)); \(plan.steps.count) steps"
    let explorer = try explorer()
    let contents = ReportPage(
      title: plan.study.name, subtitle: subtitle,
      summary: Array(explorer.summary.prefix(verdicts.isEmpty ? 3 : 2)) + verdicts.prefix(1).map(Self.sentence),
      explorer: try explorer.explorer(), sections: sections)
    try AtomicFile.write(contents.html(), to: page)
    // Last, so that whoever finds it finds all of it. The page's place is told as seen from the study's folder: the file can be moved with it.
    var kept = result
    kept.report = "report/report.html"
    try AtomicFile.write(HeadwayJSON.document(kept, isIndented: true), to: plan.folder.appending(path: "study.json"))
    return result
  }

  /// Every shown task's patterns, change and training of the first seed, as far as they are there.
  private func explorer() throws -> ExplorerBuilder {
    let (plan, study) = (results.plan, results.study)
    var builder = ExplorerBuilder(score: study.score)
    guard let seed = study.seeds.first else { return builder }
    for model in study.models {
      for task in results.shownTasks {
        let names = StepNames(model: model.name, task: task.name, seed: seed)
        for (step, file, side) in [
          (names.before, "pattern.safetensors", "before"), (names.after, "pattern.safetensors", "after"),
          (names.change, "change.safetensors", "change"),
        ] where plan.step(step) != nil && results.store.failure(step) == nil {
          let url = URL(filePath: plan.file(file, of: step))
          guard FileKind(of: url) == .file else { continue }
          let file = try Self.renamed(PatternFile.read(from: url), before: model.name, after: "\(model.name) after \(task.name)", side)
          try builder.add("\(model.name), \(task.name), \(side)", file, at: url)
        }
        if plan.step(names.training) != nil {
          let folder = URL(filePath: plan.file("model", of: names.training), directoryHint: .isDirectory)
          try builder.add(trainingIn: folder, as: "\(model.name), \(task.name), training")
        }
      }
    }
    return builder
  }

  /// A file whose models go by their names in the study, in place of the checkpoints that were measured.
  private static func renamed(_ file: PatternFile, before: String, after: String, _ side: String) -> PatternFile {
    switch file {
    case .pattern(var pattern):
      pattern.provenance.model = side == "after" ? after : before
      return .pattern(pattern)
    case .change(var change):
      change.provenance.other["before_model"] = before
      change.provenance.other["after_model"] = after
      return .change(change)
    }
  }

  private static func seeds(_ count: Int) -> String { count == 1 ? "one seed, so that there are no intervals" : "\(count) seeds" }

  private func section(_ item: any StudyItem, _ found: StudyFindings) -> ReportPage.Section {
    ReportPage.Section(
      title: item.title,
      paragraphs: found.paragraphs + found.verdicts.map(Self.sentence)
        + (found.verdicts.isEmpty ? [] : Self.warnings(results.study.seeds.count)),
      tables: found.tables.filter { $0.rows.count <= Self.rowsOnAPage }.map(\.onPage),
      pictures: found.figures.map {
        ReportPage.Picture($0.chart, caption: $0.caption, numbers: $0.table.map { "../tables/\($0).csv" })
      })
  }

  /// Longer tables are files only.
  private static let rowsOnAPage = 300

  /// The verdicts in a sentence.
  private static func sentence(_ judged: StudyVerdicts) -> String {
    let place = [judged.model, judged.target, judged.measure, judged.choose.map { "\($0) samples" }].compactMap(\.self).joined(
      separator: ", ")
    let words = Dictionary(grouping: judged.arms, by: \.verdict).sorted { $0.key.rawValue < $1.key.rawValue }.map { word, arms in
      "\(word.rawValue): \(arms.map(\.arm).joined(separator: ", "))"
    }
    return "\(place). \(words.joined(separator: "; "))."
  }

  private static func warnings(_ seeds: Int) -> [String] {
    switch seeds {
    case 1: ["With one seed no interval can be made, and no verdict."]
    case 2: ["With two seeds intervals are very wide (t = 12.7): a verdict of no difference says little."]
    default: []
    }
  }

  private func costs() -> ReportPage.Section {
    let plan = results.plan
    var table = StudyTable(
      "", "What the steps take, estimated",
      [.text("kind"), .number("steps", decimals: 0), .number("operations", decimals: 0), .number("tokens", decimals: 0)])
    for (kind, steps) in Dictionary(grouping: plan.steps, by: \.kind).sorted(by: { $0.key < $1.key }) {
      let cost = steps.reduce(StepCost()) { $0 + $1.cost }
      table.rows.append([.text(kind), .init(steps.count), .number(cost.operations), .init(cost.tokens)])
    }
    var settings = StudyTable("", "Steps and fingerprints", [.text("step"), .text("kind"), .text("fingerprint")])
    settings.rows = plan.steps.map { [.text($0.name), .text($0.kind), .text($0.fingerprint)] }
    return ReportPage.Section(
      title: "Costs and steps",
      paragraphs: plan.notes + [
        "Patterns and values in \(plan.study.dtype.rawValue), of the float32 masters of what was trained; training computed in \(plan.study.training.dtype.rawValue)."
      ], tables: [table.onPage], pictures: [], settings: [settings.onPage])
  }
}
