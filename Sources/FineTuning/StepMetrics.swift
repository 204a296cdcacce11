import Ground
public import Foundation
import Torch

/// One line of `metrics.jsonl`: what an update did, and what was measured after it.
public struct StepMetrics: Sendable, Hashable, Codable {
  /// Updates done, so 0 is the base model.
  public var step: Int
  /// The mean cross-entropy over all label tokens of the step's window, before its update.
  public var loss: Double?
  /// The learning rate of the update.
  public var lr: Double?
  /// The norm of all gradients together, before clipping.
  public var gradNorm: Double?
  /// Tokens of the window.
  public var tokens: Int?
  /// Tokens a second, forward, back and update.
  public var tokensPerSecond: Double?
  /// The epoch that the window belongs to, counted from 1.
  public var epoch: Int?
  /// The mean cross-entropy over the labels of the evaluation data.
  public var evalLoss: Double?
  /// The values of benchmarks that were asked after the update, by name.
  public var benchmarks: [String: Double]?
  /// Pearson correlation of the probe set's pattern with the base model's (figure 5).
  public var correlation: Double?
  /// Mean squared error between the two.
  public var mse: Double?
  /// Gini coefficient of the probe set's pattern.
  public var gini: Double?
  /// Its coefficient of variation.
  public var cv: Double?
  /// Its kurtosis.
  public var kurtosis: Double?
  /// Pearson correlation of the window's own pattern with that of window 1 before the first update.
  public var windowCorrelation: Double?
  /// Mean squared error between the two.
  public var windowMse: Double?
  /// Gini coefficient of the window's own pattern.
  public var windowGini: Double?
  /// Its coefficient of variation.
  public var windowCv: Double?
  /// Its kurtosis.
  public var windowKurtosis: Double?

  /// A line without numbers.
  public init(step: Int) { self.step = step }

  enum CodingKeys: String, CodingKey {
    case step, loss, lr, tokens, epoch, benchmarks, correlation, mse, gini, cv, kurtosis
    case gradNorm = "grad_norm"
    case tokensPerSecond = "tokens_per_second"
    case evalLoss = "eval_loss"
    case windowCorrelation = "window_correlation"
    case windowMse = "window_mse"
    case windowGini = "window_gini"
    case windowCv = "window_cv"
    case windowKurtosis = "window_kurtosis"
  }

  /// The numbers by their names in the file, for other recorders; `step` and what is missing left out.
  public var scalars: [(name: String, value: Double)] {
    let all: [(CodingKeys, Double?)] = [
      (.loss, loss), (.lr, lr), (.gradNorm, gradNorm), (.tokensPerSecond, tokensPerSecond), (.evalLoss, evalLoss),
      (.correlation, correlation),
      (.mse, mse), (.gini, gini), (.cv, cv), (.kurtosis, kurtosis), (.windowCorrelation, windowCorrelation), (.windowMse, windowMse),
      (.windowGini, windowGini), (.windowCv, windowCv), (.windowKurtosis, windowKurtosis),
    ]
    return all.compactMap { key, value in value.map { (key.rawValue, $0) } }
      + (benchmarks ?? [:]).sorted { $0.key < $1.key }.map { ("benchmark_\($0.key)", $0.value) }
  }
}

/// `metrics.jsonl`, a line at a time; every line is in the file when `append` returns.
final class MetricsFile {
  private let file: GrowingFile
  private let encoder = HeadwayJSON.encoder()

  /// Opens the file for the steps after `step`: lines of later ones, which a killed run wrote after its last checkpoint, are dropped.
  init(_ url: URL, after step: Int?) throws {
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    var kept = ""
    if let step { for line in try MetricsFile.lines(of: url) where line.metrics.step <= step { kept += line.text + "\n" } }
    try AtomicFile.write(kept, to: url)
    file = try GrowingFile(at: url)
  }

  func append(_ metrics: StepMetrics) throws { try file.append(encoder.encode(metrics) + Data("\n".utf8)) }

  /// The lines of a file; one that was cut off by a kill ends them.
  static func lines(of url: URL) throws -> [(text: String, metrics: StepMetrics)] {
    guard let data = try? InputFile.contents(of: url, limit: .max), let text = String(data: data, encoding: .utf8) else { return [] }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    var found: [(String, StepMetrics)] = []
    for line in text.split(separator: "\n") {
      guard let metrics = try? decoder.decode(StepMetrics.self, from: Data(line.utf8)) else { break }
      found.append((String(line), metrics))
    }
    return found
  }
}

extension StepMetrics {
  /// The lines of a run's `metrics.jsonl`, in order; empty where there is none.
  public static func read(from url: URL) throws -> [StepMetrics] { try MetricsFile.lines(of: url).map(\.metrics) }
}
