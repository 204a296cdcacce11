import Runs

// Studies whose seeds redraw everything: paths with `{seed}` name another model, or other data, for each of them.

extension Study {
  /// What stands for the seed in a path.
  static let seedMark = "{seed}"

  /// Whether each seed has models or data of its own.
  var redraws: Bool {
    models.contains { $0.path.contains(Self.seedMark) }
      || tasks.contains { ($0.files + $0.train + $0.test).contains { $0.contains(Self.seedMark) } }
  }

  /// The same study of one seed, its number in the place of the mark.
  func drawn(for seed: UInt64) -> Study {
    func named(_ path: String) -> String { path.replacing(Self.seedMark, with: "\(seed)") }
    var study = self
    study.seeds = [seed]
    study.models = models.map { model in
      var model = model
      model.path = named(model.path)
      return model
    }
    study.tasks = tasks.map { task in
      var task = task
      (task.files, task.train, task.test) = (task.files.map(named), task.train.map(named), task.test.map(named))
      return task
    }
    return study
  }
}

extension StudyResults {
  /// What the steps of a seed's own models and data found; everything, where seeds share them.
  func at(_ seed: UInt64) -> StudyResults { study.redraws ? StudyResults(plan.scoped(to: seed)) : self }
}
