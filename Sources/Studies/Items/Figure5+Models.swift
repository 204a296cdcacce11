import ActivationPatterns

// What figure 5 says of models: how early patterns move, whether the tasks that shift more gain more, and whether a model's shift is larger than another's.

extension Figure5 {
  /// One model's trainings.
  struct Trainings {
    var model: String
    /// [seeds][tasks].
    var speeds: [[Speed]]

    /// A figure's mean over tasks for each seed; nil where some task has none.
    func means(_ path: KeyPath<Speed, Double?>) -> [Double?] { speeds.map { meanOfAll($0.map { $0[keyPath: path] }) } }

    /// Over tasks, for each seed: whether those whose pattern shifts more gain more (Spearman).
    var together: [Double] {
      speeds.compactMap { tasks in
        let known = tasks.filter { $0.shift != nil && $0.gain != nil }
        return known.count > 2 ? Correlation.spearman(known.compactMap(\.shift), known.compactMap(\.gain)) : nil
      }
    }
  }

  /// The models' table; with one model alone there is no other to compare it with.
  static func models(_ all: [Trainings]) -> StudyTable {
    let compares = all.count > 1
    var figures: [(String, String, Int)] = [
      ("final_shift", "final shift", 4), ("early", "of it after a quarter of the updates, %", 1), ("gain", "gain, nats", 4),
      ("together", "shift and gain over tasks (Spearman)", 2),
    ]
    if compares { figures.append(("difference", "final shift above the last model's", 4)) }
    var table = StudyTable(
      "figure-5-models", "Models, the mean over tasks; in brackets 95% intervals over seeds",
      [.text("model")]
        + figures.flatMap { name, title, decimals -> [StudyTable.Column] in
          [
            .number(name, title, decimals: decimals), .number("\(name)_low", decimals: decimals),
            .number("\(name)_high", decimals: decimals),
          ]
        } + [.number("seeds", decimals: 0)])
    let last = all.last?.means(\.shift) ?? []
    for trainings in all {
      let shifts = trainings.means(\.shift)
      let differences = zip(shifts, last).compactMap { one, other in one.flatMap { one in other.map { one - $0 } } }
      let isLast = trainings.model == all.last?.model
      let means =
        [
          SeedMean(shifts.compactMap(\.self)), SeedMean(trainings.means(\.early).compactMap { $0.map { 100 * $0 } }),
          SeedMean(trainings.means(\.gain).compactMap(\.self)), SeedMean(trainings.together),
        ] + (compares ? [isLast ? nil : SeedMean(differences)] : [])
      table.rows.append(
        [.text(trainings.model)] + means.flatMap { [.init($0?.mean), .init($0?.low), .init($0?.high)] } + [.init(shifts.count)])
    }
    return table
  }
}
