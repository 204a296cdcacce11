import Ground
import ActivationPatterns
import Foundation
import Instructions
import Probing
import Reports

/// What `headway ablate` found, as JSON shows it; changes are of the mean loss a label, in nats.
struct AblationResult: Codable {
  /// Where it came from.
  struct About: Codable {
    var model: String
    var modelFingerprint: String?
    var task: String?
    var format: String
    var template: String
    var dataFingerprint: String?
    var dtype: String
    var maxLength: Int
    var choice: String
    var seed: UInt64

    /// What a resumed run must have in common.
    var settings: String {
      [
        "model=\(model)", "model_fingerprint=\(modelFingerprint ?? "")", "data_fingerprint=\(dataFingerprint ?? "")", "format=\(format)",
        "template=\(template)", "max_length=\(maxLength)", "dtype=\(dtype)", "choice=\(choice)", "seed=\(seed)",
      ].joined(separator: "\t")
    }

    enum CodingKeys: String, CodingKey {
      case model, task, format, template, dtype, choice, seed
      case modelFingerprint = "model_fingerprint"
      case dataFingerprint = "data_fingerprint"
      case maxLength = "max_length"
    }
  }

  /// A mean true change and what was predicted of it.
  struct Change: Codable {
    var name: String
    var layer: Int?
    var head: Int?
    /// The number of heads or layers that are off.
    var count: Int?
    var trueChange: Double
    var prediction: Double
    var trueInterval: IntervalEntry?
    var predictionInterval: IntervalEntry?

    enum CodingKeys: String, CodingKey {
      case name, layer, head, count, prediction
      case trueChange = "true_change"
      case trueInterval = "true_interval"
      case predictionInterval = "prediction_interval"
    }
  }

  /// Over items, how well the prediction holds.
  struct Agreement: Codable {
    var pearson, spearman, slope: IntervalEntry?
    var sameSign: Double
    var trueReliability, predictionReliability: NullableNumber
    var replicates: Int

    enum CodingKeys: String, CodingKey {
      case pearson, spearman, slope, replicates
      case sameSign = "same_sign"
      case trueReliability = "true_reliability"
      case predictionReliability = "prediction_reliability"
    }

    /// The figures in a line.
    var text: String {
      func figure(_ name: String, _ entry: IntervalEntry?) -> String {
        entry.map { "\(name) \(NumberText.fixed($0.estimate, decimals: 3)) \($0.text(decimals: 3))" } ?? "\(name) –"
      }
      return [figure("Pearson", pearson), figure("Spearman", spearman), figure("slope", slope)].joined(separator: ", ")
        + ", same sign \(NumberText.fixed(sameSign * 100, decimals: 0))%"
    }
  }

  /// The first 1, 2, … of some items together.
  struct Curve: Codable {
    var order: [String]
    var changes: [Change]
  }

  /// Every sample's own figures, [N][items].
  struct Samples: Codable {
    var index: [Int]
    var loss: [Double]
    var trueChange: [[Double]]
    var prediction: [[Double]]

    enum CodingKeys: String, CodingKey {
      case index, loss, prediction
      case trueChange = "true_change"
    }
  }

  var about: About
  var samples: Int
  var skipped: Int
  var tokens: Int
  var loss: Double
  var items: [Change]
  var together: Change?
  var agreement: Agreement?
  var cumulative: Curve?
  var random: [Curve]
  var perSample: Samples?

  enum CodingKeys: String, CodingKey {
    case about, samples, skipped, tokens, loss, items, together, agreement, cumulative, random
    case perSample = "per_sample"
  }

  init(_ about: About, _ plan: AblationPlan, _ findings: AblationFindings, replicates: Int, skipped: Int, keepsSamples: Bool) throws {
    self.about = about
    self.skipped = skipped
    samples = findings.samples.count
    tokens = findings.tokens
    loss = findings.samples.reduce(0) { $0 + $1.loss } / Double(max(1, samples))

    /// [N][sets], true and predicted.
    func columns(_ places: [Int]) -> (truth: [[Double]], prediction: [[Double]]) {
      (
        findings.samples.map { sample in places.map { sample.changes[$0] } },
        findings.samples.indices.map { sample in places.map { findings.prediction(sample, of: plan.sets[$0]) } }
      )
    }
    func mean(_ rows: [[Double]], _ column: Int) -> Double { rows.reduce(0) { $0 + $1[column] } / Double(max(1, rows.count)) }
    func changes(_ places: [Int], _ name: (Int) -> (name: String, item: AblationItem?, count: Int?)) throws -> (
      [Change], PredictionAgreement?
    ) {
      let (truth, prediction) = columns(places)
      var generator = SeededGenerator(seed: about.seed, stream: "ablate bootstrap")
      let agreement =
        truth.count > 1 ? try PredictionAgreement(truth: truth, prediction: prediction, replicates: replicates, using: &generator) : nil
      let changes = places.indices.map { place in
        let (name, item, count) = name(place)
        return Change(
          name: name, layer: item?.layer, head: item?.head, count: count, trueChange: mean(truth, place),
          prediction: mean(prediction, place),
          trueInterval: agreement?.truths[place].map(IntervalEntry.init),
          predictionInterval: agreement?.predictions[place].map(IntervalEntry.init))
      }
      return (changes, agreement)
    }

    let (single, agreement) = try changes(plan.single) { (plan.items[$0].name, plan.items[$0], nil) }
    items = single
    if let agreement, single.count > 2 {
      self.agreement = Agreement(
        pearson: agreement.pearson.map(IntervalEntry.init), spearman: agreement.spearman.map(IntervalEntry.init),
        slope: agreement.slope.map(IntervalEntry.init), sameSign: agreement.sameSign,
        trueReliability: .init(agreement.truthReliability), predictionReliability: .init(agreement.predictionReliability),
        replicates: agreement.replicates)
    }
    together = try plan.together.map { try changes([$0]) { _ in ("together", nil, plan.items.count) }.0[0] }
    cumulative = try plan.cumulative.map { places in
      Curve(
        order: plan.items.map(\.name),
        changes: try changes(places) { (plan.items[$0].name, plan.items[$0], $0 + 1) }.0)
    }
    random = try plan.random.map { order in
      Curve(
        order: order.items.map(\.name),
        changes: try changes(order.prefixes) { (order.items[$0].name, order.items[$0], $0 + 1) }.0)
    }
    if keepsSamples {
      let (truth, prediction) = columns(plan.single)
      perSample = Samples(
        index: findings.samples.map(\.index), loss: findings.samples.map(\.loss), trueChange: truth, prediction: prediction)
    }
  }

  /// What a reader of the figures should know.
  var warnings: [String] {
    var warnings: [String] = []
    if samples < 2 { warnings.append("one sample says nothing of uncertainty: there are no intervals; measure more samples") }
    if let value = agreement?.trueReliability.value, value < Reliability.sufficient {
      warnings.append(
        "the split-half reliability of the true changes is \(NumberText.fixed(value, decimals: 2)), below \(Reliability.sufficient): the order of heads is uncertain; measure more samples"
      )
    }
    return warnings
  }
}

extension AblationResult {
  /// The most items that the terminal shows.
  private static let shownItems = 64

  /// As text for the terminal.
  var text: String {
    func row(_ change: Change) -> [String] {
      [
        change.name, NumberText.short(change.trueChange), change.trueInterval?.text(digits: 3) ?? "–", NumberText.short(change.prediction),
        change.predictionInterval?.text(digits: 3) ?? "–",
      ]
    }
    func table(_ first: String) -> TextTable {
      TextTable([(first, .left), ("true change", .right), ("95% interval", .right), ("prediction", .right), ("95% interval", .right)])
    }
    let isLayers = items.first?.head == nil
    let kind = isLayers ? "layers" : "heads"
    var lines = [
      "\(about.model): mean loss \(NumberText.fixed(loss, decimals: 4)) over \(samples) samples; change of loss without each of \(items.count) \(kind), in nats a label"
    ]
    var all = table(isLayers ? "layer" : "head")
    let shown =
      items.count <= Self.shownItems ? items : Array(items.sorted { abs($0.trueChange) > abs($1.trueChange) }.prefix(Self.shownItems))
    for change in shown { all.add(row(change)) }
    if let together { all.add(row(together)) }
    lines.append(all.text)
    if shown.count < items.count {
      lines.append("the \(shown.count) with the greatest true change of \(items.count); --json or --out has all of them")
    }
    if let agreement { lines.append("prediction against truth over \(items.count) \(kind): \(agreement.text)") }
    if let cumulative {
      var table = TextTable([
        ("off", .right), ("last", .left), ("true change", .right), ("95% interval", .right), ("prediction", .right), ("random", .right),
        ("least–greatest", .right),
      ])
      for (place, change) in cumulative.changes.enumerated() {
        let band = band(place)
        table.add([
          String(place + 1), change.name, NumberText.short(change.trueChange), change.trueInterval?.text(digits: 3) ?? "–",
          NumberText.short(change.prediction), NumberText.short(band?.mean),
          band.map { "\(NumberText.short($0.low, digits: 3))–\(NumberText.short($0.high, digits: 3))" } ?? "–",
        ])
      }
      lines.append(table.text)
    }
    return lines.joined(separator: "\n")
  }

  /// What the random orders do with so many off.
  func band(_ place: Int) -> (mean: Double, low: Double, high: Double)? {
    let values = random.compactMap { $0.changes.indices.contains(place) ? $0.changes[place].trueChange : nil }
    guard let low = values.min(), let high = values.max() else { return nil }
    return (values.reduce(0, +) / Double(values.count), low, high)
  }
}
