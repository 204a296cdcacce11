import Ground
import CheckpointFiles
import ActivationPatterns
import Foundation
import LanguageModels
import Probing
import Torch

/// The patterns that a run recorded so far: of the probe set at a fixed interval of steps, and of each window from its own gates (METHOD §8).
struct TrackedPatterns {
  let layers: Int
  let heads: Int
  /// Steps at which the probe set was measured, and its mean magnitudes `[L · H]`.
  private(set) var probe: [(step: Int, levels: [Double])] = []
  /// Steps whose window was recorded, and its mean magnitudes; step i's window was computed with the weights after i − 1 updates.
  private(set) var windows: [(step: Int, levels: [Double])] = []
  /// Correlations of the base model's patterns of other windows with that of window 1.
  var noiseFloor: [Double] = []

  init(layers: Int, heads: Int) {
    self.layers = layers
    self.heads = heads
  }

  /// Adds the probe set's pattern after `step` updates and fills in what METHOD §8 reports of it.
  mutating func add(probe levels: [Double], to metrics: inout StepMetrics) throws {
    probe.append((metrics.step, levels))
    let figures = try Figures(levels, in: self, beside: probe[0].levels)
    (metrics.gini, metrics.cv, metrics.kurtosis) = (figures.gini, figures.cv, figures.kurtosis)
    (metrics.correlation, metrics.mse) = (figures.correlation, figures.mse)
  }

  /// Adds a window's own pattern.
  mutating func add(window levels: [Double], to metrics: inout StepMetrics) throws {
    windows.append((metrics.step, levels))
    let figures = try Figures(levels, in: self, beside: windows[0].levels)
    (metrics.windowGini, metrics.windowCv, metrics.windowKurtosis) = (figures.gini, figures.cv, figures.kurtosis)
    (metrics.windowCorrelation, metrics.windowMse) = (figures.correlation, figures.mse)
  }

  /// What is reported of a pattern, by itself and beside the first of its kind; what is undefined is nil.
  private struct Figures {
    let gini, cv, kurtosis, correlation, mse: Double?

    init(_ levels: [Double], in patterns: TrackedPatterns, beside base: [Double]) throws {
      let matrix = try HeadMatrix(layers: patterns.layers, heads: patterns.heads, values: levels)
      let statistics = PatternStatistics(matrix, strongest: 0)
      (gini, cv, kurtosis) = (statistics.gini, statistics.coefficientOfVariation, statistics.kurtosis)
      (correlation, mse) = (Correlation.pearson(levels, base), Correlation.meanSquaredError(levels, base))
    }
  }

  // MARK: Files

  /// Writes `probe.steps` I64 [S], `probe.magnitude` F32 [S, L, H], `window.steps`, `window.magnitude`, and `noise_floor` F32.
  func write(to url: URL) throws {
    var sources: [SafetensorsWriter.Source] = []
    for (name, rows) in [("probe", probe), ("window", windows)] where !rows.isEmpty {
      sources.append(.init(name: "\(name).steps", shape: [rows.count], int64s: rows.map { Int64($0.step) }))
      // Float64, so that a resumed run compares with exactly the reference that the first one had.
      let values = rows.flatMap(\.levels)
      sources.append(
        .init(name: "\(name).magnitude", elementType: .float64, shape: [rows.count, layers, heads]) { sink in
          try values.withUnsafeBytes { try sink.write($0) }
        })
    }
    if !noiseFloor.isEmpty {
      let values = noiseFloor
      sources.append(
        .init(name: "noise_floor", elementType: .float64, shape: [values.count]) { sink in try values.withUnsafeBytes { try sink.write($0) }
        })
    }
    try SafetensorsWriter.write(sources, metadata: ["headway.kind": "tracked patterns", "score": "magnitude"], to: url)
  }

  /// Reads what `write` wrote.
  init(from url: URL, layers: Int, heads: Int) throws {
    self.init(layers: layers, heads: heads)
    let file = try SafetensorsFile(at: url)
    let path = url.path(percentEncoded: false)
    func tensor(_ name: String) throws -> Tensor? {
      guard let entry = file.tensors.first(where: { $0.name == name }) else { return nil }
      return try Tensor(mapping: entry, of: file)
    }
    func rows(_ name: String) throws -> [(step: Int, levels: [Double])] {
      guard let steps = try tensor("\(name).steps")?.integers(), let values = try tensor("\(name).magnitude")?.doubles() else { return [] }
      let width = layers * heads
      guard values.count == steps.count * width else {
        throw TrainingError("\(path) holds patterns of another model; delete the checkpoint and resume from an earlier one")
      }
      return steps.enumerated().map { ($1, Array(values[$0 * width..<($0 + 1) * width])) }
    }
    probe = try rows("probe")
    windows = try rows("window")
    noiseFloor = try tensor("noise_floor")?.doubles() ?? []
  }
}

/// What a run's `patterns.safetensors` holds, for pictures.
public enum RecordedPatterns {
  /// Correlations of the base model's patterns of later windows with that of window 1; empty where they were not measured.
  public static func noiseFloor(of folder: TrainingFolder) throws -> [Double] {
    guard FileManager.default.fileExists(atPath: folder.patterns.path(percentEncoded: false)) else { return [] }
    let file = try SafetensorsFile(at: folder.patterns)
    guard let entry = file.tensors.first(where: { $0.name == "noise_floor" }) else { return [] }
    return try Tensor(mapping: entry, of: file).doubles()
  }
}

/// Measures the probe set's pattern with the weights that a run has at that moment.
struct PatternTracker {
  let decoder: any CausalDecoder
  let samples: [TokenizedSample]
  let batchTokens: Int

  /// The mean magnitudes `[L · H]` of the samples, measured with the float32 masters.
  func measure(_ weights: TrainableWeights) throws -> [Double] {
    try weights.withMasters { try PatternTracker.meanMagnitudes(of: samples, decoder, batchTokens: batchTokens) }
  }

  /// The mean magnitudes of samples with the decoder as it is, its weights frozen.
  static func meanMagnitudes(of samples: [TokenizedSample], _ decoder: any CausalDecoder, batchTokens: Int) throws -> [Double] {
    // In float32 the activations of 2,048 tokens of an 8-billion-parameter model would take 12 GB.
    let measured = try PatternMeasurement(Probe(decoder, scores: [.magnitude], memory: .automatic), batchTokens: batchTokens).run(samples)
      .samples
    var sums = [Double](repeating: 0, count: decoder.shape.layers * decoder.shape.attentionHeads)
    for sample in measured { for (place, level) in (sample.levels[.magnitude] ?? []).enumerated() { sums[place] += Double(level) } }
    return sums.map { $0 / Double(max(1, measured.count)) }
  }
}
