import Ground
import ActivationPatterns
import Reports
import Runs

/// Figure 1: the change of one task's pattern, head by head.
struct Figure1: StudyItem {
  let name = "figure-1"
  let title = "Figure 1: what fine-tuning did to every head"

  /// The task that is drawn.
  private func task(_ study: Study, _ shown: [Study.Task]) throws -> Study.Task {
    if let asked = study.figure1.task.flatMap({ name in study.tasks.first { $0.name == name } }) { return asked }
    guard let first = shown.first(where: { $0.has(.basic) }) ?? shown.first else {
      throw RunError("figure-1 shows a basic task, and the study has none; give a task the role 'basic'")
    }
    return first
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let task = try task(planner.study, planner.shownTasks)
    for seed in planner.study.seeds { try planner.changes(model, task, seed: seed) }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let task = try task(results.study, results.shownTasks)
    var findings = StudyFindings(
      paragraphs: ["The level after fine-tuning on \(task.name) minus the level before, on held-out samples, the mean over seeds."])
    var table = StudyTable(
      name, "The change of every head",
      [.text("model"), .text("task"), .number("layer", decimals: 0), .number("head", decimals: 0), .number("change", decimals: 5)])
    for model in results.models(of: self) {
      let changes = try results.study.seeds.map {
        try results.change(StepNames(model: model.name, task: task.name, seed: $0).change)
      }
      guard let mean = try mean(of: changes) else { continue }
      for (entry, value) in mean.values.enumerated() {
        table.rows.append([.text(model.name), .text(task.name), .init(entry / mean.heads), .init(entry % mean.heads), .number(value)])
      }
      let map = HeatMap(
        panels: [.init(title: "\(model.name), \(task.name)", mean)], valueName: "\(results.study.score.rawValue), change", isChange: true)
      findings.figures.append(
        StudyFigure(name: "\(name)-\(model.name)", chart: map, caption: "", table: name))
    }
    findings.filesOnly = [table]
    return findings
  }
}
