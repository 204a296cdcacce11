import FineTuning
import Foundation
import Ground
import LanguageModels
import Probing
import Selection

/// What a representation is computed with: one model, or the checkpoints of a training one after the other.
final class RepresentationSource {
  private let run: RepresentRun
  /// The training that gradients look from; nil for other representations.
  let warmUp: WarmUp?
  /// The model, or that of the checkpoint that is looked from.
  private(set) var loaded: LanguageModel
  /// The gradients by its adapters.
  private(set) var gradients: AdapterGradients?
  private var moments: AdamMoments?
  private var projection: RandomProjection?
  /// The checkpoint that is loaded.
  private var table = 0

  /// The most bytes of gradients that stand in memory before they are projected together, so that the projection is drawn once for all of them.
  private static let gradientBytes = 256 << 20
  /// The most tokens between two records of the journal.
  private static let recordTokens = 1 << 13

  /// - Parameter run: with all its settings filled in.
  init(_ run: RepresentRun, _ monitor: RunMonitor) throws {
    self.run = run
    guard run.representation == .gradient else {
      warmUp = nil
      loaded = try run.model.load(monitor)
      return
    }
    let folder = TrainingFolder(try ModelFolder(named: run.model.model).url)
    let warmUp = try WarmUp(folder, run.checkpoints ?? .all)
    self.warmUp = warmUp
    for stretch in warmUp.missing {
      monitor.warn(
        "no checkpoint of steps \(stretch.lowerBound) to \(stretch.upperBound) was kept, so nothing is looked at from there; train with \(setting: Setting("save_every")) and \(setting: Setting("keep")) for that"
      )
    }
    loaded = try RepresentationSource.load(warmUp.checkpoints[0], run, monitor)
    projection = RandomProjection(dimension: run.dimension ?? 1, seed: run.seed ?? 0)
    try look(from: 0)
  }

  private static func load(_ checkpoint: WarmUp.Checkpoint, _ run: RepresentRun, _ monitor: RunMonitor) throws -> LanguageModel {
    var settings = run.model
    settings.model = checkpoint.url.path(percentEncoded: false)
    return try settings.load(monitor)
  }

  private func look(from table: Int) throws {
    guard let warmUp else { return }
    self.table = table
    gradients = try AdapterGradients(loaded.decoder)
    moments = run.role == .target ? nil : try AdamMoments(of: warmUp.checkpoints[table], loaded.decoder)
  }

  /// The model as it was named.
  var name: String { warmUp == nil ? loaded.folder.name : run.model.model }

  /// Changes when the model does, or any of the checkpoints.
  func fingerprint() throws -> String {
    guard let warmUp else { return try loaded.fingerprint() }
    return try warmUp.checkpoints.map {
      try LanguageModel.fingerprint(of: ModelFolder(named: $0.url.path(percentEncoded: false)))
    }.joined(separator: " ")
  }

  /// What else made the representation.
  var facts: [String: String] {
    guard let warmUp else { return [:] }
    return ["gradient.checkpoints": warmUp.checkpoints.map { String($0.step) }.joined(separator: " ")]
  }

  /// Adds what only gradients have.
  func describe(_ writer: inout RepresentationWriter) {
    guard let warmUp, let gradients, let projection else { return }
    writer.weights = warmUp.checkpoints.map(\.weight)
    writer.role = run.role
    writer.projection = projection.name(of: gradients.count)
  }

  /// The measurement of samples with these numbers of tokens.
  func measurement(of lengths: [Int]) -> RowMeasurement {
    guard let gradients, let projection, let warmUp else {
      let width = run.representation == .loss ? 1 : SampleReader(loaded.decoder).embeddingWidth
      return RowMeasurement(width: width, plan: PackedBatch.plan(lengths, tokenLimit: run.model.batchTokens))
    }
    let most = max(1, RepresentationSource.gradientBytes / (4 * gradients.count))
    var plan: [Range<Int>] = []
    for range in PackedBatch.plan(lengths, tokenLimit: max(run.model.batchTokens, RepresentationSource.recordTokens)) {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: most) {
        plan.append(start..<min(range.upperBound, start + most))
      }
    }
    return RowMeasurement(width: projection.dimension, tables: warmUp.checkpoints.count, plan: plan)
  }

  /// The rows of samples.
  /// - Parameter table: for gradients the number of the checkpoint.
  func rows(table: Int, _ samples: [TokenizedSample], _ monitor: RunMonitor) throws -> [Float] {
    switch run.representation {
    case .loss: return try SampleReader(loaded.decoder).losses(of: samples)
    case .embedding: return try SampleReader(loaded.decoder).embeddings(of: samples)
    case .gradient: break
    }
    if table != self.table, let warmUp {
      loaded = try RepresentationSource.load(warmUp.checkpoints[table], run, .silent)
      try look(from: table)
    }
    guard let gradients, let projection else { return [] }
    var rows = try gradients.rows(of: samples, batchTokens: run.model.batchTokens)
    if let moments { for place in rows.indices { moments.direct(&rows[place]) } }
    return try projection.project(rows)
  }
}
