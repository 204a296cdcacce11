import Evaluation
import Reports
import Runs

extension EvaluationOutcome: ReadableResult {
  var text: String {
    let figure = { (value: Double?) in NumberText.fixed(value, decimals: 4) }
    let result = self.result
    guard !isLoss else {
      return
        "loss of \(result.count) samples (\(result.variant)): \(figure(result.value)) ± \(figure(result.standardError)) nats a label, mean of samples; \(figure(labelLoss)) over all \(labels ?? 0) labels"
    }
    var lines = [
      "\(result.benchmark) (\(result.variant), \(result.shots) shots): \(figure(result.value)) ± \(figure(result.standardError)), \(result.correct) of \(result.count) right"
        + (result.normalizedAccuracy.map { "; acc_norm \(figure($0))" } ?? "")
    ]
    lines.append("metric: \(result.metric); answer: \(result.extraction)")
    if let circular = result.circular {
      lines.append(["acc_1", "acc_4", "perf_4"].map { "\($0) \(figure(circular[$0]))" }.joined(separator: ", "))
    }
    if let rules = result.rules {
      var table = TextTable([("rule", .left), ("accuracy", .right), ("right", .right), ("unanswered", .right)])
      for (name, rule) in rules.sorted(by: { $0.key < $1.key }) {
        table.add([name, figure(rule.value), "\(rule.correct)", "\(rule.unanswered)"])
      }
      lines.append(table.text)
    }
    if let subjects = result.subjects, subjects.count > 1 {
      var table = TextTable([("subject", .left), ("accuracy", .right), ("±", .right), ("right", .right), ("questions", .right)])
      for (name, subject) in subjects.sorted(by: { $0.key < $1.key }) {
        table.add([name, figure(subject.value), figure(subject.standardError), "\(subject.correct)", "\(subject.count)"])
      }
      lines.append(table.text)
    }
    return lines.joined(separator: "\n")
  }

  var notes: [String] {
    guard !isLoss else { return ["\(result.withoutKey) samples without a label skipped, \(result.truncated) cut"] }
    return [
      "\(result.unanswered) unanswered, \(result.truncated) prompts cut, \(result.close) choices closer than 1e-5, \(result.withoutKey) without a published answer"
    ]
  }
}

extension ShownPrompt: ReadableItem {
  static func text(of prompts: [ShownPrompt]) -> String { prompts.map(\.text).joined(separator: "\n") }

  private var text: String {
    var lines = [
      "index \(index)\(id.map { ", id \($0)" } ?? "")\(gold.map { ", right answer \($0)" } ?? "")\(truncated ? ", cut on the left" : "")",
      prompt,
    ]
    if let tokens { lines.append("tokens \(tokens)") }
    for option in options ?? [] {
      if let context = option.context { lines.append("context: \(context)") }
      lines.append("option: \(option.continuation)")
      lines.append("tokens \(option.tokens), the option from place \(option.first) on")
    }
    return lines.joined(separator: "\n")
  }
}
