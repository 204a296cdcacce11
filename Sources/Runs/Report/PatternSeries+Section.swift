public import ActivationPatterns
public import Reports

extension PatternSeries {
  /// A training run's tracked patterns as a part of a report: figures by step, their curves, and heat maps of some steps on one scale.
  /// - Parameters:
  ///   - name: What the run is called.
  ///   - number: Its place among the report's runs, which names its files of numbers.
  ///   - numbers: Takes the files of numbers that the pictures name.
  public func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let statistics = levels.map { PatternStatistics($0, strongest: 1) }
    let first = levels.first?.values ?? []
    let likeness = levels.map { Correlation.pearson($0.values, first) }
    let distance = levels.map { Correlation.meanSquaredError($0.values, first) }
    let (figuresFile, headsFile) = ("steps-\(number).csv", "steps-heads-\(number).csv")
    numbers.append(
      (
        figuresFile,
        CSVText.table(
          columns: ["step", "correlation", "mse", "gini", "cv", "kurtosis", "mean"],
          rows: steps.indices.map { index in
            let one = statistics[index]
            return ["\(steps[index])"]
              + [likeness[index], distance[index], one.gini, one.coefficientOfVariation, one.kurtosis, one.mean].map { CSVText.number($0) }
          })
      ))
    numbers.append(
      (
        headsFile,
        CSVText.table(
          columns: ["step", "layer", "head", "value"],
          rows: zip(steps, levels).flatMap { step, matrix in
            matrix.values.enumerated().map { index, value in
              ["\(step)", "\(index / matrix.heads)", "\(index % matrix.heads)", CSVText.number(value)]
            }
          })
      ))
    let table = ReportPage.Table(
      columns: [
        ("step", true), ("correlation with the first", true), ("mean squared error", true), ("Gini", true), ("CV", true),
        ("kurtosis", true), ("mean", true), ("strongest head (layer:head)", false),
      ],
      rows: steps.indices.map { index in
        let one = statistics[index]
        return [
          "\(steps[index])", NumberText.fixed(likeness[index], decimals: 4), NumberText.short(distance[index]),
          NumberText.fixed(one.gini, decimals: 3), NumberText.fixed(one.coefficientOfVariation, decimals: 3),
          NumberText.fixed(one.kurtosis, decimals: 2), NumberText.short(one.mean),
          one.strongest.first.map { "\($0.layer):\($0.head)" } ?? "–",
        ]
      })
    func curve(_ title: String, _ yName: String, _ values: [Double?]) -> ReportPage.Picture? {
      guard steps.count > 1 else { return nil }
      let points = zip(steps, values).map { LineChart.Point(x: Double($0), y: $1) }
      return .init(
        LineChart(series: [.init(name: yName, points: points)], title: title, xName: "updates", yName: yName),
        numbers: "report/\(figuresFile)")
    }
    let shown = HeatMapRun.spread(Array(zip(steps, levels)), most: HeatMapRun.mostSteps)
    let map = HeatMap(panels: shown.map { .init(title: "step \($0.0)", $0.1) }, valueName: Score.magnitude.rawValue)
    let caption =
      shown.count < steps.count
      ? "\(shown.count) of \(steps.count) steps, all on one scale." : "All on one scale."
    return ReportPage.Section(
      title: "Tracked patterns: \(name)",
      paragraphs: ["One probe set, measured again and again while the model trained; step 0 is the base model."], tables: [table],
      pictures: [
        curve("Likeness to the base model", "Pearson correlation", likeness),
        curve("Concentration", "Gini coefficient", statistics.map(\.gini)), .init(map, caption: caption, numbers: "report/\(headsFile)"),
      ].compactMap(\.self))
  }
}
