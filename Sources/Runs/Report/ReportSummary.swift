import ActivationPatterns
import Evaluation
import Reports

/// What a page says first: what was measured, and what came of it, in at most three sentences.
struct ReportSummary {
  let order: PatternOrder
  let score: Score?
  let trainings: [TrainingRecord]
  let fits: [(name: String, fit: FitResult)]
  let ablations: [(name: String, result: AblationResult)]
  let evaluations: [(name: String, outcome: EvaluationOutcome)]

  /// The sentences.
  var sentences: [String] {
    let found = [levels, changes] + [trainings.lazy.compactMap(\.sentence).first, ablation, fit, evaluation]
    return ([measured] + found).compactMap(\.self).prefix(3).map(\.self)
  }

  /// Which models, on which samples, in which type.
  private var measured: String? {
    let patterns = order.entries.map(\.file.provenance)
    // A change names both its models, and of the two its provenance has the first.
    let sides = patterns.flatMap { [$0.other["before_model"] ?? $0.model, $0.other["after_model"]] }
    let others = ablations.map(\.result.about.model) + evaluations.map(\.outcome.about.model)
    let models = Self.distinct((sides.compactMap(\.self) + others).map(ExplorerBuilder.name(ofModel:)))
    guard !models.isEmpty else { return nil }
    let tasks = Self.distinct(
      patterns.map(\.task) + ablations.map(\.result.about.task) + evaluations.map { .some($0.outcome.result.benchmark) })
    let counts = Set(
      patterns.compactMap(\.samples) + ablations.map(\.result.samples) + evaluations.map(\.outcome.result.count)
    ).sorted()
    let types = Self.distinct(
      patterns.map(\.dtype) + ablations.map { .some($0.result.about.dtype) } + evaluations.map { .some($0.outcome.about.dtype) })
    let shapes = Self.distinct(order.entries.map { "\($0.file.layers) layers × \($0.file.heads) heads" })
    let shape = shapes.isEmpty ? "" : " (\(Self.list(shapes)))"
    var samples = "samples"
    if let least = counts.first, let most = counts.last {
      samples = least == most ? "\(least) samples each" : "\(least) to \(most) samples each"
    }
    return
      "Measured: \(Self.list(models, of: "models"))\(shape) on \(samples)\(tasks.isEmpty ? "" : " of \(Self.list(tasks, of: "tasks"))")\(types.isEmpty ? "" : ", in \(Self.list(types))")."
  }

  /// Which head is strongest, and how much of all levels a tenth of the heads has.
  private var levels: String? {
    let maps = matrices { if case .pattern = $0 { true } else { false } }
    guard !maps.isEmpty else { return nil }
    var firsts: [String: Int] = [:]
    var shares: [Double] = []
    for map in maps {
      let sizes = map.defined.map(abs).sorted(by: >)
      let whole = sizes.reduce(0, +)
      if whole > 0 { shares.append(sizes.prefix(max(1, sizes.count / 10)).reduce(0, +) / whole) }
      if let head = PatternStatistics(map, strongest: 1).strongest.first { firsts["\(head.layer):\(head.head)", default: 0] += 1 }
    }
    guard let most = firsts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), let least = shares.min(), let greatest = shares.max()
    else {
      return nil
    }
    let percent = { (share: Double) in NumberText.fixed(100 * share, decimals: 0) }
    let range = percent(least) == percent(greatest) ? "\(percent(least))%" : "\(percent(least)) to \(percent(greatest))%"
    // Where no head leads in most patterns, those that lead in some are named.
    let leading = firsts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4).map(\.key)
    let leaders =
      2 * most.value > maps.count
      ? "head \(most.key) (layer:head)\(maps.count == 1 ? "" : " in \(most.value) of \(maps.count) patterns")"
      : "heads \(Self.list(leading)) (layer:head), each in some of \(maps.count) patterns"
    return "The loss depends most on \(leaders); the strongest tenth of the heads has \(range) of all levels."
  }

  /// What fine-tuning did to the heads.
  private var changes: String? {
    let maps = matrices { if case .change(let change) = $0 { !change.isRelative } else { false } }
    guard !maps.isEmpty else { return nil }
    let rises = maps.map { map in Double(map.defined.count { $0 > 0 }) / Double(max(1, map.defined.count)) }
    let fell = rises.count { $0 < 0.5 }
    var moved: [String: Int] = [:]
    for map in maps {
      if let head = PatternStatistics(map, strongest: 1).strongest.first { moved["\(head.layer):\(head.head)", default: 0] += 1 }
    }
    guard let most = moved.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { return nil }
    guard maps.count > 1, let least = rises.min(), let greatest = rises.max() else {
      return
        "Fine-tuning raised the level of \(NumberText.fixed(100 * (rises.first ?? 0), decimals: 0))% of the heads and lowered that of the others; head \(most.key) changed most."
    }
    let (few, many) = (NumberText.fixed(100 * (1 - greatest), decimals: 0), NumberText.fixed(100 * (1 - least), decimals: 0))
    return
      "Fine-tuning lowered the level of most heads in \(fell) of \(maps.count) changes (\(few == many ? few : "\(few) to \(many)")% of the heads); head \(most.key) changed most in \(most.value) of them."
  }

  private var ablation: String? {
    for (_, result) in ablations {
      guard let worst = result.items.max(by: { $0.trueChange < $1.trueChange }) else { continue }
      let agreement =
        result.agreement?.pearson.map {
          ", and predictions agree with the truth by a correlation of \(NumberText.fixed($0.estimate, decimals: 2)) \($0.text(decimals: 2))"
        } ?? ""
      return
        "Switched off by itself, \(worst.head == nil ? worst.name : "head \(worst.name)") costs most: \(NumberText.short(worst.trueChange, digits: 3)) nats a label\(agreement)."
    }
    return nil
  }

  private var fit: String? {
    fits.first.map { _, fit in
      "The change of \(fit.target) as a sum of \(fit.names.count) others has an R² of \(NumberText.fixed(fit.r2, decimals: 3))\(fit.bootstrap?.r2.map { " \($0.text(decimals: 3))" } ?? "")."
    }
  }

  private var evaluation: String? {
    evaluations.first.map { name, outcome in
      "\(name) has a value of \(NumberText.fixed(outcome.result.value, decimals: 4)) on \(outcome.result.benchmark)."
    }
  }

  private func matrices(_ isMeant: (PatternFile) -> Bool) -> [HeadMatrix] {
    order.entries.map(\.file).filter(isMeant).compactMap { file in
      (score.flatMap(file.matrix)) ?? file.scores.first.flatMap(file.matrix)
    }
  }

  private static func distinct(_ names: [String?]) -> [String] {
    var seen: Set<String> = []
    return names.compactMap(\.self).filter { !$0.isEmpty && seen.insert($0).inserted }
  }

  /// A few names, or how many there are.
  private static func list(_ names: [String], of kind: String? = nil) -> String {
    if let kind, names.count > 4 { return "\(names.count) \(kind)" }
    return names.count < 2 ? names.joined() : "\(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])"
  }
}
