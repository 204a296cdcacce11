import Ground
import CheckpointFiles
import ActivationPatterns
import Foundation
import LanguageModels
import Probing
import Ranks
import Torch

/// The patterns that a run recorded so far: of the probe set at a fixed interval of steps, and of each window from its own gates (METHOD §8).
struct TrackedPatterns {
  let layers: Int
  let heads: Int
  /// Steps at which the probe set was measured, its mean magnitudes `[L · H]`, and their standard errors over its samples: nil for a single sample, and
  /// for steps of a checkpoint that has none.
  private(set) var probe: [(step: Int, levels: [Double], errors: [Double]?)] = []
  /// Steps whose window was recorded, and its mean magnitudes; step i's window was computed with the weights after i − 1 updates.
  private(set) var windows: [(step: Int, levels: [Double])] = []
  /// Correlations of the base model's patterns of other windows with that of window 1.
  var noiseFloor: [Double] = []

  init(layers: Int, heads: Int) {
    self.layers = layers
    self.heads = heads
  }

  /// Adds the probe set's pattern after `step` updates and fills in what METHOD §8 reports of it.
  mutating func add(probe found: (levels: [Double], errors: [Double]?), to metrics: inout StepMetrics) throws {
    probe.append((metrics.step, found.levels, found.errors))
    let figures = try Figures(found.levels, in: self, beside: probe[0].levels)
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

  /// Writes `probe.steps` I64 [S], `probe.magnitude` F64 [S, L, H], `probe.standard_error` of the same shape where all steps have one, `window.steps`,
  /// `window.magnitude`, and `noise_floor` F64.
  func write(to url: URL) throws {
    var sources: [SafetensorsWriter.Source] = []
    // Float64, so that a resumed run compares with exactly the reference that the first one had.
    func add(_ name: String, _ values: [Double], _ shape: [Int]) {
      sources.append(
        .init(name: name, elementType: .float64, shape: shape) { sink in try values.withUnsafeBytes { try sink.write($0) } })
    }
    for (name, steps, levels) in [
      ("probe", probe.map(\.step), probe.map(\.levels)), ("window", windows.map(\.step), windows.map(\.levels)),
    ] where !steps.isEmpty {
      sources.append(.init(name: "\(name).steps", shape: [steps.count], int64s: steps.map(Int64.init)))
      add("\(name).magnitude", levels.flatMap(\.self), [steps.count, layers, heads])
    }
    let errors = probe.compactMap(\.errors)
    if !errors.isEmpty, errors.count == probe.count { add("probe.standard_error", errors.flatMap(\.self), [probe.count, layers, heads]) }
    if !noiseFloor.isEmpty { add("noise_floor", noiseFloor, [noiseFloor.count]) }
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
    func rows(_ name: String, count: Int) throws -> [[Double]]? {
      guard let values = try tensor(name)?.doubles() else { return nil }
      let width = layers * heads
      guard values.count == count * width else {
        throw TrainingError("\(path) holds patterns of another model; delete the checkpoint and resume from an earlier one")
      }
      return (0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
    if let steps = try tensor("probe.steps")?.integers(), let levels = try rows("probe.magnitude", count: steps.count) {
      let errors = try rows("probe.standard_error", count: steps.count)
      probe = steps.indices.map { (steps[$0], levels[$0], errors?[$0]) }
    }
    if let steps = try tensor("window.steps")?.integers(), let levels = try rows("window.magnitude", count: steps.count) {
      windows = steps.indices.map { (steps[$0], levels[$0]) }
    }
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
  /// The processes that measure together; what is found the first alone has.
  var ranks: RankGroup?

  /// The mean magnitudes `[L · H]` of the samples, measured with the float32 masters, and their standard errors where there are several samples.
  func measure(_ weights: TrainableWeights) throws -> (levels: [Double], errors: [Double]?)? {
    let each = try weights.withMasters { try PatternTracker.magnitudes(of: samples, decoder, batchTokens: batchTokens, ranks) }
    guard ranks.writes else { return nil }
    let means = PatternTracker.means(each, of: decoder)
    let found = try SampleLevels(sampleCount: each.count, entryCount: means.count, values: each.flatMap(\.self))
    return (means, try found.standardErrors())
  }

  /// The mean magnitudes of samples with the decoder as it is, its weights frozen.
  static func meanMagnitudes(
    of samples: [TokenizedSample], _ decoder: any CausalDecoder, batchTokens: Int, ranks: RankGroup? = nil
  ) throws -> [Double] {
    means(try magnitudes(of: samples, decoder, batchTokens: batchTokens, ranks), of: decoder)
  }

  /// Each sample's magnitudes `[L · H]`.
  private static func magnitudes(
    of samples: [TokenizedSample], _ decoder: any CausalDecoder, batchTokens: Int, _ ranks: RankGroup?
  ) throws -> [[Float]] {
    // In float32 the activations of 2,048 tokens of an 8-billion-parameter model would take 12 GB.
    try PatternMeasurement(Probe(decoder, scores: [.magnitude], memory: .automatic), batchTokens: batchTokens, ranks: ranks).run(samples)
      .samples.map { $0.levels[.magnitude] ?? [] }
  }

  private static func means(_ each: [[Float]], of decoder: any CausalDecoder) -> [Double] {
    var sums = [Double](repeating: 0, count: decoder.shape.layers * decoder.shape.attentionHeads)
    for levels in each { for (place, level) in levels.enumerated() { sums[place] += Double(level) } }
    return sums.map { $0 / Double(max(1, each.count)) }
  }
}
