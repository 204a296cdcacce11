import Ground
public import Instructions

/// A published set of questions and the ways in which the field asks them. One file and one line in ``Benchmarks/all`` a benchmark.
public protocol Benchmark: Sendable {
  /// Its name on the command line and in results.
  var name: String { get }
  /// The data formats in which its questions are published; the first is read where nothing tells them apart.
  var formats: [String] { get }
  /// The ways of asking, the default first.
  var variants: [any Variant] { get }
  /// The item that a sample of its dataset holds.
  func item(of sample: Sample) throws(EvaluationError) -> Item
}

extension Benchmark {
  /// The fields of the sample as they are.
  public func item(of sample: Sample) throws(EvaluationError) -> Item { try Item(sample) }
}

/// One way of asking a benchmark's questions and scoring the answers: prompt, shots, extraction, metric.
public protocol Variant: Sendable {
  /// The name that its evaluator gives it: a configuration's suffix of OpenCompass (`gen_1d7fe4`), or `lm-eval`.
  var name: String { get }
  /// The shots that it shows; nil where it has no place for any.
  var shots: ShotPlan? { get }
  /// How verdicts become the value.
  var metric: Metric { get }
  /// The questions that an item is asked as: mostly one; none where this way of asking leaves such items out.
  func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question]
}

extension Variant {
  /// None: it shows no worked questions.
  public var shots: ShotPlan? { nil }
  /// The share of right answers.
  public var metric: Metric { .accuracy }
}

/// The benchmarks that Headway asks.
public enum Benchmarks {
  /// Every benchmark, one line each.
  public static let all: [any Benchmark] = [
    GSM8K(),
    MATH(),
    MMLU(),
    MathBench(),
    HellaSwag(),
    Winogrande(),
    ARC(),
    CMATH(),
    MGSM(),
    CEval(),
    CMMLU(),
    Exact(),
  ]

  /// The benchmark of a name.
  public static func named(_ name: String) throws(EvaluationError) -> any Benchmark {
    guard let benchmark = all.first(where: { $0.name == name }) else {
      throw EvaluationError("there is no benchmark '\(name)'; the benchmarks are \(all.map(\.name).joined(separator: ", "))")
    }
    return benchmark
  }
}

extension Benchmark {
  /// The variant of a name; `opencompass`, like nil, is the default one, which is the first.
  public func variant(_ name: String?) throws(EvaluationError) -> any Variant {
    guard let name, name != "opencompass" else { return variants[0] }
    guard let variant = variants.first(where: { $0.name == name }) else {
      let known = variants.map(\.name).joined(separator: ", ")
      throw EvaluationError(
        "\(self.name) is not asked in a variant '\(name)'; its variants are \(known), of which opencompass is the first")
    }
    return variant
  }
}
