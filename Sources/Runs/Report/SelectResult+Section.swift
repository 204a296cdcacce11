import Foundation
import Reports
import Selection

extension SelectResult {
  /// Samples that a page shows; the manifest has all.
  private static let shown = 20

  /// The choice on a page: from which tasks and files, how alike, and the first of them.
  func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let file = "chosen-\(number).csv"
    numbers.append(
      (
        file,
        CSVText.table(
          columns: ["place", "index", "id", "task", "file", "likeness", "target"],
          rows: chosen.enumerated().map { place, sample in
            [
              "\(place + 1)", "\(sample.index)", sample.id, sample.task ?? "", sample.file ?? "", CSVText.number(sample.score),
              sample.target ?? "",
            ]
          })
      ))
    let sources = sources()
    var pictures: [ReportPage.Picture] = []
    if sources.count > 1 {
      pictures.append(
        .init(
          BarChart(
            names: sources.map(\.name), bars: sources.map { [.init(Double($0.scores.count))] }, title: "Where they come from",
            valueName: "samples chosen"), numbers: "report/\(file)"))
    }
    if let least = chosen.map(\.score).min(), let greatest = chosen.map(\.score).max(), least < greatest {
      let points = chosen.enumerated().map { LineChart.Point(x: Double($0.offset + 1), y: $0.element.score) }
      pictures.append(
        .init(
          LineChart(
            series: [.init(name: measure, points: points)],
            title: "\(measure.prefix(1).uppercased())\(measure.dropFirst()), in the order of choice",
            xName: "samples chosen", yName: representation == "loss" ? "\(measure), nats a label" : measure), numbers: "report/\(file)"))
    }
    return ReportPage.Section(
      title: "Chosen samples: \(name)", paragraphs: [sentence], tables: [table(of: sources), first].map(\.withoutEmptyColumns),
      pictures: pictures,
      settings: [
        ReportPage.Table(
          columns: [("file", false), ("fingerprint", false)],
          rows: [[out, dataFingerprint], ["the pool: \(pool.data.joined(separator: ", "))", pool.dataFingerprint]])
      ])
  }

  /// What the samples were ordered by.
  private var measure: String {
    switch representation {
    case "loss": "loss"
    case "length": "length"
    case "random": "drawn number"
    default: "likeness"
    }
  }

  private var sentence: String {
    let way = ([representation, score].compactMap(\.self) + (standardised ? ["standardised"] : [])).joined(separator: ", ")
    let whose = target.map { " for \($0.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", "))" } ?? ""
    let scores = chosen.map(\.score)
    let range = scores.min().flatMap { least in
      scores.max().map { " Their \(measure) goes from \(NumberText.short($0, digits: 3)) down to \(NumberText.short(least, digits: 3))." }
    }
    return "\(chosen.count) of \(pool.samples) samples chosen\(whose) by \(way), picked by \(algorithm).\(range ?? "")"
  }

  /// The chosen samples by task and file, the greatest number first.
  private func sources() -> [(name: String, task: String, file: String, scores: [Double])] {
    var places: [String: Int] = [:]
    var found: [(name: String, task: String, file: String, scores: [Double])] = []
    for sample in chosen {
      let (task, file) = (sample.task ?? "", sample.file.map { URL(filePath: $0).lastPathComponent } ?? "")
      let key = "\(task)\u{0}\(sample.file ?? "")"
      let place = places[key] ?? found.count
      if place == found.count {
        places[key] = place
        found.append((task.isEmpty ? (file.isEmpty ? "the pool" : file) : task, task, file, []))
      }
      found[place].scores.append(sample.score)
    }
    let names = found.map(\.name)
    // One task in several files.
    for place in found.indices where names.count(where: { $0 == names[place] }) > 1 { found[place].name += ", \(found[place].file)" }
    return found.enumerated().sorted { ($1.element.scores.count, $0.offset) < ($0.element.scores.count, $1.offset) }.map(\.element)
  }

  private func table(of sources: [(name: String, task: String, file: String, scores: [Double])]) -> ReportPage.Table {
    ReportPage.Table(
      title: "Where they come from",
      columns: [
        ("task", false), ("file", false), ("samples", true), ("share, %", true), ("mean \(measure)", true), ("least", true),
        ("greatest", true),
      ],
      rows: sources.map { source in
        let count = Double(source.scores.count)
        return [
          source.task, source.file, "\(source.scores.count)", NumberText.fixed(100 * count / Double(max(1, chosen.count)), decimals: 1),
          NumberText.short(source.scores.reduce(0, +) / max(1, count)), NumberText.short(source.scores.min()),
          NumberText.short(source.scores.max()),
        ]
      })
  }

  private var first: ReportPage.Table {
    ReportPage.Table(
      title: chosen.count > Self.shown ? "The first \(Self.shown)" : "The samples",
      columns: [
        ("place", true), ("task", false), ("id", false), ("position", true), (measure, true), ("like", false),
        ("heads that agree most", false),
      ],
      rows: chosen.prefix(Self.shown).enumerated().map { place, sample in
        [
          "\(place + 1)", sample.task ?? "", sample.id, "\(sample.index)", NumberText.short(sample.score), sample.target ?? "",
          (sample.heads ?? []).map { "\($0.layer):\($0.head)" }.joined(separator: ", "),
        ]
      })
  }
}
