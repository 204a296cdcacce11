import Foundation
import Reports
import Selection

extension MixResult.Likeness {
  /// Both ends for a person: `0.412 to 0.873`.
  public var text: String { "\(NumberText.fixed(least, decimals: 3)) to \(NumberText.fixed(greatest, decimals: 3))" }
}

extension MixResult {
  /// The mixture on a page: which task gave how many samples, and why.
  func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let basis =
      switch shares {
      case .fit: "in the proportion of the fit's coefficients"
      case .nonnegative: "in the proportion of the coefficients of the fit without negative ones"
      case .equal: "in equal shares"
      case .random: "in shares drawn by seed \(seed)"
      }
    let draw =
      within.map { "of each task those whose patterns are most like \(URL(filePath: $0).lastPathComponent)" } ?? "drawn by seed \(seed)"
    let file = "mixture-\(number).csv"
    numbers.append(
      (
        file,
        CSVText.table(
          columns: ["task", "coefficient", "share", "samples", "available", "likeness_least", "likeness_greatest"],
          rows: tasks.map {
            [$0.name, CSVText.number($0.coefficient), CSVText.number($0.share), "\($0.count)", "\($0.available)"]
              + [$0.likeness?.least, $0.likeness?.greatest].map { CSVText.number($0) }
          } + leftOut.map { [$0.name, CSVText.number($0.coefficient), "0", "0", "", "", ""] })
      ))
    let table = ReportPage.Table(
      columns: [
        ("task", false), ("α", true), ("share, %", true), ("samples", true), ("of", true), ("likeness to the target", false),
        ("left out", false),
      ],
      rows: tasks.map {
        [
          $0.name, $0.coefficient.map { NumberText.fixed($0, decimals: 4) } ?? "", NumberText.fixed(100 * $0.share, decimals: 1),
          "\($0.count)", "\($0.available)", $0.likeness?.text ?? "", "",
        ]
      }
        + leftOut.map {
          [
            $0.name, NumberText.fixed($0.coefficient, decimals: 4), "0", "0", "", "",
            $0.reason == .notPositive ? "its coefficient is not positive" : "others have greater coefficients",
          ]
        }
    ).withoutEmptyColumns
    return ReportPage.Section(
      title: "Mixture: \(name)",
      paragraphs: [
        "\(total) samples of \(tasks.count) task\(tasks.count == 1 ? "" : "s")\(target.map { " for \($0)" } ?? ""), \(basis); \(draw)."
      ],
      tables: [table],
      pictures: tasks.count > 1
        ? [
          .init(
            BarChart(
              names: tasks.map(\.name), bars: tasks.map { [.init(Double($0.count))] }, title: "What was mixed", valueName: "samples"),
            numbers: "report/\(file)")
        ] : [],
      settings: [
        ReportPage.Table(
          columns: [("file", false), ("fingerprint", false)],
          rows: [[out, dataFingerprint]] + tasks.map { ["data of \($0.name)", $0.dataFingerprint] })
      ])
  }
}
