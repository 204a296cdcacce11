import ActivationPatterns
import FineTuning
import Foundation
import Ground
import Reports

/// Puts a folder's patterns, changes, fits, mixtures, choices, ablations, evaluations and training runs on a page.
struct ReportBuilder {
  /// Files of one kind, shape and score, which belong in one picture.
  private struct Group {
    var comparison: PatternComparison
    var kind: String
    var number: Int
    var title: String { kind == "pattern" ? "Levels" : kind == "change" ? "Changes" : "Relative changes" }
  }

  /// Files that were passed over, and why.
  private(set) var notes: [String] = []
  private var groups: [Group] = []
  private var fits: [(name: String, fit: FitResult)] = []
  private var mixtures: [(name: String, result: MixResult)] = []
  private var choices: [(name: String, result: SelectResult)] = []
  private var ablations: [(name: String, result: AblationResult)] = []
  private var evaluations: [(name: String, outcome: EvaluationOutcome)] = []
  private var series: [(name: String, series: PatternSeries)] = []
  private var trainings: [TrainingRecord] = []
  private var order = PatternOrder([])
  private let score: Score?
  private var demo: DemoResult?

  /// The fingerprints of the files that are shown, by their names.
  private(set) var identity = RunIdentity()

  /// Whether there is nothing to show.
  var isEmpty: Bool {
    groups.isEmpty && fits.isEmpty && mixtures.isEmpty && choices.isEmpty && ablations.isEmpty && evaluations.isEmpty && series.isEmpty
      && trainings.isEmpty
  }

  /// The most heat maps of a picture: a page has room for them.
  private static let mapsOnAPage = 20

  /// Reads the folder's files, in the order of their names, numbers in them as numbers.
  init(folder: URL, score: Score?) throws {
    self.score = score
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted {
        $0.compare($1, options: [.numeric, .caseInsensitive]) == .orderedAscending
      }
    } catch {
      let name = folder.relativePath
      switch FileKind(of: folder) {
      case nil: throw RunError("there is no folder \(name) to report on; check the path")
      case .file: throw RunError("\(name) is a file; name the folder that holds the results to report on")
      default: throw RunError("cannot read the folder \(name); check the path and who may read there")
      }
    }
    var files: [PatternOrder.Entry] = []
    // The weights and settings of a model that lies here are no results, and nobody takes them for some.
    let isModel = ["config.json", "adapter_config.json"].contains(where: names.contains)
    read(runAt: folder, as: folder.standardizedFileURL.lastPathComponent)
    for name in names {
      let url = folder.appending(path: name)
      switch url.pathExtension.lowercased() {
      case "safetensors":
        let shards = PatternFile.shards(at: url)
        // All shards are read with the first.
        if let first = shards.first, first.lastPathComponent != name { continue }
        do {
          let own = PatternFile.name(of: url).lastPathComponent
          var title = PatternFile.name(of: url).deletingPathExtension().lastPathComponent
          // A file, or another set of shards, may have the name.
          if !shards.isEmpty, names.contains(own) || files.contains(where: { $0.name == title }) { title += " in \(shards.count) shards" }
          if let series = try PatternSeries(ifTrackedAt: url) {
            self.series.append((title, series))
          } else {
            files.append(.init(name: title, file: try PatternFile.read(from: url)))
          }
          identity[name] = try PatternFile.fingerprint(of: url)
          addTokens(beside: url, to: &files)
        } catch {
          if !isModel { notes.append("left out: \(error)") }
        }
      case "json":
        let title = url.deletingPathExtension().lastPathComponent
        let data = (try? InputFile.contents(of: url, limit: .max)) ?? Data()
        if let fit = try? JSONDecoder().decode(FitResult.self, from: data) {
          fits.append((title, fit))
        } else if let mixture = try? JSONDecoder().decode(MixResult.self, from: data) {
          mixtures.append((Self.drawn(title), mixture))
        } else if let choice = try? JSONDecoder().decode(SelectResult.self, from: data) {
          choices.append((Self.drawn(title), choice))
        } else if let ablation = try? JSONDecoder().decode(AblationResult.self, from: data) {
          ablations.append((title, ablation))
        } else if let evaluation = try? JSONDecoder().decode(EvaluationOutcome.self, from: data) {
          evaluations.append((title, evaluation))
        } else if let demo = try? JSONDecoder().decode(DemoResult.self, from: data) {
          self.demo = demo
        } else {
          if !isModel { notes.append("left out: \(name) is not a result of a fit, a mixture, a choice, an ablation or an evaluation") }
          continue
        }
        identity[name] = Fingerprint(of: data).digits
      default: read(runAt: url, as: name)
      }
    }
    order = PatternOrder(files)
    var rest = order.entries.map { (name: $0.name, file: $0.file) }
    while let first = rest.first {
      // Whatever can stand beside the first does.
      var together = [first]
      for other in rest.dropFirst() where (try? PatternComparison(together + [other], score: score)) != nil { together.append(other) }
      do {
        let comparison = try PatternComparison(together, score: score)
        groups.append(Group(comparison: comparison, kind: first.file.kind, number: groups.count + 1))
      } catch {
        notes.append("left out: \(error)")
      }
      let used = Set(together.map(\.name))
      rest.removeAll { used.contains($0.name) }
    }
  }

  /// The name of the data that a manifest lies beside.
  private static func drawn(_ manifest: String) -> String {
    manifest.hasSuffix(".manifest") ? String(manifest.dropLast(".manifest".count)) : manifest
  }

  /// Takes the tokens beside the pattern that was read last, if it is that one. Damaged ones are left out.
  private mutating func addTokens(beside url: URL, to files: inout [PatternOrder.Entry]) {
    guard let last = files.indices.last, files[last].name == url.deletingPathExtension().lastPathComponent else { return }
    let place = TokenFile.url(beside: url)
    do {
      guard let tokens = try TokenFile(beside: url, of: files[last].file.provenance) else { return }
      files[last].tokens = tokens
      identity[place.lastPathComponent] = try Fingerprint(ofFile: place).digits
    } catch { notes.append("left out: \(error)") }
  }

  /// Takes the training run of a folder; other folders and files have none.
  private mutating func read(runAt folder: URL, as name: String) {
    do {
      guard let record = try TrainingRecord(folder, name: name) else { return }
      trainings.append(record)
      for file in [TrainingFolder(folder).metrics, PatternSeries.url(inFolder: folder)] where FileKind(of: file) == .file {
        identity["\(name)/headway/\(file.lastPathComponent)"] = try Fingerprint(ofFile: file).digits
      }
    } catch { notes.append("left out: \(error)") }
  }

  /// The page, and the files of numbers that its pictures name.
  func page(title: String) throws -> (page: ReportPage, numbers: [(name: String, text: String)]) {
    var sections = demo?.sections() ?? []
    var numbers: [(name: String, text: String)] = []
    for group in groups { sections.append(try section(group, &numbers)) }
    if let tokens = TokenSection(order) { sections.append(tokens.section(&numbers)) }
    if trainings.count > 1 { sections.append(TrainingRecord.overview(trainings, &numbers)) }
    for (index, run) in trainings.enumerated() where trainings.count == 1 || run.series != nil {
      sections.append(run.section(number: index + 1, &numbers))
    }
    for (index, run) in series.enumerated() {
      sections.append(run.series.section(name: run.name, number: trainings.count + index + 1, &numbers))
    }
    for (index, fit) in fits.enumerated() { sections.append(fit.fit.section(name: fit.name, number: index + 1, &numbers)) }
    for (index, mixture) in mixtures.enumerated() {
      sections.append(mixture.result.section(name: mixture.name, number: index + 1, &numbers))
    }
    for (index, choice) in choices.enumerated() {
      sections.append(choice.result.section(name: choice.name, number: index + 1, &numbers))
    }
    for (index, ablation) in ablations.enumerated() {
      sections.append(ablation.result.section(name: ablation.name, number: index + 1, &numbers))
    }
    if !evaluations.isEmpty { sections.append(EvaluationOutcome.section(evaluations, &numbers)) }
    var builder = ExplorerBuilder(score: score)
    for entry in order.entries { builder.add(entry) }
    for run in trainings { builder.add(run) }
    for (name, result) in ablations { builder.add(name, result) }
    let page = ReportPage(
      title: title, summary: builder.summary(fits: fits, evaluations: evaluations), explorer: try builder.explorer(), sections: sections)
    return (page, numbers)
  }

  private func section(_ group: Group, _ numbers: inout [(name: String, text: String)]) throws -> ReportPage.Section {
    let comparison = group.comparison
    let isChange = group.kind != "pattern"
    let score = comparison.scores[0].rawValue
    let heatName = "heads-\(group.number).csv"
    var rows: [[String]] = []
    for (name, matrix) in zip(comparison.names, comparison.matrices) {
      for (index, value) in matrix.values.enumerated() {
        rows.append([name, "\(index / matrix.heads)", "\(index % matrix.heads)", CSVText.number(value)])
      }
    }
    numbers.append((heatName, CSVText.table(columns: ["name", "layer", "head", "value"], rows: rows)))
    let maps = HeatMap(
      panels: zip(comparison.names, comparison.matrices).map { name, matrix in
        .init(title: name, layers: matrix.layers, heads: matrix.heads, values: matrix.values.map { $0.isNaN ? nil : $0 })
      }, valueName: score, isChange: isChange
    ).split(most: Self.mapsOnAPage)
    var pictures = maps.enumerated().map { index, map in
      let isLast = index == maps.count - 1
      return ReportPage.Picture(
        map, caption: isLast ? "All on one scale." : "", numbers: isLast ? "report/\(heatName)" : nil)
    }
    if comparison.names.count > 1 {
      let correlations = try Correlation.matrix(comparison.matrices)
      let name = "correlations-\(group.number).csv"
      numbers.append(
        (
          name,
          CSVText.table(
            columns: [""] + comparison.names, rows: zip(comparison.names, correlations).map { [$0] + $1.map { CSVText.number($0) } })
        ))
      pictures.append(
        .init(
          NumberMatrix(names: comparison.names, values: correlations, title: "How alike they are", valueName: "Pearson correlation"),
          numbers: "report/\(name)"))
    }
    return ReportPage.Section(
      title: "\(group.title), \(score)",
      paragraphs: [
        isChange
          ? "What fine-tuning did to each head's level: below 0 where the loss depends less on the head than before."
          : "A level says how strongly the loss depends on a head. A Gini coefficient above 0.4 means that few heads carry the task; a coefficient of variation above 1 that levels are strongly dispersed."
      ], tables: [Self.statistics(comparison)], pictures: pictures, settings: Self.settings(comparison))
  }

  /// Concentration is a question for levels, the share that rose one for changes.
  private static func statistics(_ comparison: PatternComparison) -> ReportPage.Table {
    let isChange = comparison.files.contains { if case .change = $0 { true } else { false } }
    let shared: [(title: String, isNumber: Bool)] = [
      ("mean", true), ("least", true), ("greatest", true), ("strongest head (layer:head)", false),
    ]
    return ReportPage.Table(
      columns: [("name", false)] + shared
        + (isChange ? [("heads that rose, %", true)] : [("Gini", true), ("CV", true), ("kurtosis", true)]),
      rows: zip(comparison.names, comparison.matrices).map { name, matrix in
        let statistics = PatternStatistics(matrix, strongest: 1)
        let row = [
          name, NumberText.short(statistics.mean), NumberText.short(statistics.minimum), NumberText.short(statistics.maximum),
          statistics.strongest.first.map { "\($0.layer):\($0.head)" } ?? "–",
        ]
        guard isChange else {
          return row + [
            NumberText.fixed(statistics.gini, decimals: 3), NumberText.fixed(statistics.coefficientOfVariation, decimals: 3),
            NumberText.fixed(statistics.kurtosis, decimals: 2),
          ]
        }
        let defined = matrix.defined
        return row + [defined.isEmpty ? "–" : NumberText.fixed(100 * Double(defined.count { $0 > 0 }) / Double(defined.count), decimals: 1)]
      })
  }

  /// Two tables, so that they fit the width of a page.
  private static func settings(_ comparison: PatternComparison) -> [ReportPage.Table] {
    let provenances = zip(comparison.names, comparison.files.map(\.provenance))
    return [
      ReportPage.Table(
        columns: [("name", false), ("model", false), ("model fingerprint", false), ("data fingerprint", false)],
        rows: provenances.map { [$0, $1.model ?? "", $1.modelFingerprint ?? "", $1.dataFingerprint ?? ""] }
      ).withoutEmptyColumns,
      ReportPage.Table(
        columns: [
          ("name", false), ("task", false), ("format", false), ("samples", true), ("skipped", true), ("tokens", true), ("max length", true),
          ("loss", false), ("type", false), ("seed", false),
        ],
        rows: provenances.map { name, from in
          [
            name, from.task ?? "", from.format ?? "", from.samples.map(String.init) ?? "", from.skipped.map(String.init) ?? "",
            from.tokens.map(String.init) ?? "", from.maxLength.map(String.init) ?? "", from.loss ?? "", from.dtype ?? "", from.seed ?? "",
          ]
        }
      ).withoutEmptyColumns,
    ]
  }
}
