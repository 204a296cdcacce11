import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Ranks
import Torch

@testable import FineTuning

/// A fine-tuning run of PyTorch (scripts/goldens/fine_tuning.py) and the fixture it started from.
struct GoldenRun {
  struct Settings: Decodable {
    var batchSize: Int
    var accumulate: Int
    var betas: [Double]
    var epsilon: Double
    var clip: Double
    var steps: Int
    var schedule: String
    var warmup: Int
    var lr: Double
    var weightDecay: Double
  }
  struct Step: Decodable {
    var first: Int
    var last: Int
    var labels: Int
    var tokens: Int
    var lr: Double
    var loss: Double
    var gradNorm: Double
    var float64Loss: Double
    var float64GradNorm: Double
    /// Only of full fine-tuning.
    var bfloat16Loss: Double?
  }
  struct Sample: Decodable {
    var ids: [Int]
    var promptLength: Int
  }
  private struct File: Decodable {
    var settings: Settings
    var samples: [Sample]?
    var steps: [Step]
    var bfloat16MovementDistance: Double?
    var rank: Int?
    var alpha: Double?
  }

  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  static let names = ["llama-head-dim", "gemma-multi-query", "opt-published", "gpt2-published"]

  let name: String
  let settings: Settings
  let steps: [Step]
  let samples: [TokenizedSample]
  let tensors: SafetensorsFile
  let rank: Int?
  let alpha: Double?
  /// How far PyTorch's float32 masters of a bfloat16 run end from float64's weights, as a part of how far those moved.
  let bfloat16MovementDistance: Double?

  /// - Parameter kind: `training` or `lora`.
  init(_ name: String, _ kind: String) throws {
    self.name = name
    let folder = GoldenRun.fixtures.appending(path: name)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let whole = try decoder.decode(File.self, from: Data(contentsOf: folder.appending(path: "training.json")))
    let file = kind == "training" ? whole : try decoder.decode(File.self, from: Data(contentsOf: folder.appending(path: "\(kind).json")))
    settings = file.settings
    steps = file.steps
    rank = file.rank
    alpha = file.alpha
    bfloat16MovementDistance = file.bfloat16MovementDistance
    samples = (file.samples ?? whole.samples ?? []).enumerated().map {
      TokenizedSample(tokens: $1.ids, promptLength: $1.promptLength, index: $0)
    }
    tensors = try SafetensorsFile(at: folder.appending(path: "\(kind).safetensors"))
  }

  func floats(_ name: String) throws -> [Float]? {
    guard let entry = tensors.tensors.first(where: { $0.name == name }) else { return nil }
    return try Tensor(mapping: entry, of: tensors).floats()
  }

  var trainingSettings: TrainingSettings {
    var result = TrainingSettings()
    result.learningRate = settings.lr
    result.batchSize = settings.batchSize
    result.gradientAccumulation = settings.accumulate
    result.epochs = nil
    result.steps = settings.steps
    result.schedule = LearningRateSchedule.Form(rawValue: settings.schedule) ?? .constant
    result.warmupRatio = Double(settings.warmup) / Double(settings.steps)
    result.optimizer.beta1 = settings.betas[0]
    result.optimizer.beta2 = settings.betas[1]
    result.optimizer.epsilon = settings.epsilon
    result.optimizer.weightDecay = settings.weightDecay
    result.clip = settings.clip
    result.shuffles = false
    return result
  }

  /// The fixture's folder.
  var base: ModelFolder {
    get throws { try ModelFolder(named: Golden.directory.appending(path: name).path(percentEncoded: false)) }
  }

  /// A trainer over the run's samples.
  func trainer(
    _ settings: TrainingSettings, in folder: URL, type: ElementType = .float32, ranks: RankGroup? = nil, resumingAfter step: Int? = nil
  ) throws -> Trainer {
    let output = TrainingFolder(folder)
    let source = try step.map { try ModelFolder(named: output.checkpoint($0).path(percentEncoded: false)) } ?? base
    let isWhole = settings.lowRank == nil
    var identity = RunIdentity()
    identity["data_fingerprint"] = TokenizedSample.fingerprint(of: samples)
    var settings = settings
    settings.ranks = ranks?.count ?? 1
    var all = Trainer.Samples(training: samples)
    if settings.trackingInterval != nil { all.probe = samples }
    if settings.evaluationInterval != nil { all.evaluation = samples }
    return try Trainer(
      LanguageModel(isWhole ? source : base, elementType: isWhole ? .float32 : type), base: base, elementType: type, settings: settings,
      samples: all, folder: output, identity: identity, ranks: ranks, resumingAfter: step)
  }
}

/// A folder that is deleted when the test ends.
final class ScratchFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)", directoryHint: .isDirectory)
  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }
}
