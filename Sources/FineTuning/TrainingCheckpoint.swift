import CheckpointFiles
import Ground
import Foundation
import LanguageModels
import Torch

/// What a resume must know beside the weights, the moments and the recorded patterns.
struct TrainingState: Codable, Hashable {
  /// The form of the file.
  var version = TrainingState.currentVersion
  static let currentVersion = 3
  /// Updates done.
  var step: Int
  /// What must be equal for the run to go on.
  var identity: RunIdentity
  /// Samples and tokens learned from so far.
  var samples: Int
  var tokens: Int
  /// Seconds of training so far, over all parts of the run.
  var seconds: Double
  /// The least loss on the evaluation data, the step it was found at, and evaluations since then.
  var bestLoss: Double?
  var bestStep: Int?
  var evaluationsSinceBest = 0
  /// The number of threads and the vector code that the latest part of the run computed with: others round otherwise.
  var threads: Int?
  var vectorCode: String?

  enum CodingKeys: String, CodingKey {
    case version, step, identity, samples, tokens, seconds, threads
    case bestLoss = "best_loss"
    case bestStep = "best_step"
    case evaluationsSinceBest = "evaluations_since_best"
    case vectorCode = "vector_code"
  }

  /// What is different now and makes a resumed run end with other bits than an undisturbed one.
  func differencesOfMachine() -> [Message] {
    var found: [Message] = []
    if let threads, threads != Engine.threads {
      found.append(
        "the run computed on \(threads) threads and continues on \(Engine.threads), which rounds differently: it will not end with the bits of an undisturbed one; resume with \(setting: .threads.set(to: threads)) for that"
      )
    }
    if let vectorCode, vectorCode != Engine.vectorCode {
      found.append(
        "the run computed with \(vectorCode) and continues with \(Engine.vectorCode), which rounds differently: it will not end with the bits of an undisturbed one; resume it on a processor of the first kind for that"
      )
    }
    return found
  }
}

/// A checkpoint's folder: a Hugging Face folder with the float32 masters, which `pattern` measures as it is, and beside it what a resume needs.
struct TrainingCheckpoint {
  let url: URL

  private static let stateName = "training_state.json"
  private static let optimizerName = "optimizer.safetensors"
  private static let patternsName = "patterns.safetensors"

  /// The file of a checkpoint that tells how far its run is.
  static func state(in checkpoint: URL) -> URL { checkpoint.appending(path: stateName) }

  /// Writes a checkpoint, whole or not at all.
  /// - Throws: `TrainingError` where it cannot be written; earlier ones are untouched.
  static func write(
    to url: URL, _ state: TrainingState, _ weights: TrainableWeights, _ optimizer: any Optimizer, _ patterns: TrackedPatterns,
    _ model: SavedModel
  ) throws {
    do {
      try weights.gathering {
        try AtomicFolder.create(url) { folder in try fill(folder, state, weights, optimizer, patterns, model) }
      } others: {
        try model.gather(weights)
        for (name, tensors) in optimizer.memory {
          for index in weights.parameters.indices { _ = try weights.memory(name, tensors, index) }
        }
      }
    } catch let error as FileError where FileKind(of: url.deletingLastPathComponent()) != nil {
      // Which of its files it was does not matter to anybody.
      throw TrainingError(
        "cannot write the checkpoint \(url.path(percentEncoded: false)): \(error.reason); \(error.remedy); earlier checkpoints are untouched, and \(setting: .resume) goes on from the last"
      )
    }
  }

  private static func fill(
    _ folder: URL, _ state: TrainingState, _ weights: TrainableWeights, _ optimizer: any Optimizer, _ patterns: TrackedPatterns,
    _ model: SavedModel
  ) throws {
    try model.write(weights, elementType: .float32, to: folder)
    var moments: [WeightWriter.Weight] = []
    for (prefix, tensors) in optimizer.memory {
      for (index, parameter) in weights.parameters.enumerated() {
        moments.append(
          .init(name: "\(prefix).\(parameter.storedName)", shape: parameter.tensor.shape, elementType: .float32) {
            try weights.memory(prefix, tensors, index)
          })
      }
    }
    try WeightWriter.write(moments, to: folder, fileName: optimizerName, shardLimit: .max)
    try patterns.write(to: folder.appending(path: patternsName))
    try AtomicFile.write(HeadwayJSON.document(state, isIndented: true), to: folder.appending(path: stateName))
  }

  /// Reads what is beside the weights.
  func state() throws -> TrainingState {
    let file = url.appending(path: TrainingCheckpoint.stateName)
    struct Version: Decodable { var version: Int }
    let data = try? InputFile.contents(of: file, limit: .max)
    if let version = data.flatMap({ try? JSONDecoder().decode(Version.self, from: $0) })?.version, version != TrainingState.currentVersion {
      throw TrainingError(
        "\(file.path(percentEncoded: false)) is of another version of Headway, whose run this one cannot continue; finish the run with that version, or start over by \(setting: .overwrite)"
      )
    }
    guard let data, let state = try? JSONDecoder().decode(TrainingState.self, from: data) else {
      throw TrainingError(
        "\(file.path(percentEncoded: false)) is not the state of a training run; delete this checkpoint and resume from an earlier one")
    }
    return state
  }

  /// Brings an optimiser and its weights to where the checkpoint's were.
  func restore(_ weights: TrainableWeights, _ optimizer: any Optimizer, updates: Int) throws {
    let names = weights.parameters.map { ($0.storedName, $0.tensor.shape) }
    let found = try optimizer.memory.map { ($0.key, try weights.own(memory($0.key, of: names))) }
    try optimizer.restore(Dictionary(uniqueKeysWithValues: found), updates: updates)
  }

  /// What the optimiser remembered of weights under one of its names, in their order, mapped.
  /// - Throws: `TrainingError` where the checkpoint lacks any of it.
  func memory(_ name: String, of weights: [(name: String, shape: [Int])]) throws -> [Tensor] {
    let file = try SafetensorsFile(at: url.appending(path: TrainingCheckpoint.optimizerName))
    return try weights.map { weight in
      guard let entry = file["\(name).\(weight.name)"], entry.shape == weight.shape else {
        throw TrainingError(
          "\(url.path(percentEncoded: false)) lacks what the optimiser remembers of '\(weight.name)'; delete this checkpoint and resume from an earlier one"
        )
      }
      return try Tensor(mapping: entry, of: file)
    }
  }

  /// The float32 masters, in the order of the weights.
  /// - Throws: `TrainingError` where one is missing.
  func masters(of weights: TrainableWeights, isAdapter: Bool) throws -> [Tensor] {
    let path = url.path(percentEncoded: false)
    let found: [String: Tensor]
    if isAdapter {
      found = try AdapterFolder.tensors(in: url)
    } else {
      found = try WeightFiles(of: ModelFolder(named: path)).locations.mapValues { try Tensor(mapping: $0) }
    }
    return try weights.parameters.map { parameter in
      guard let tensor = found[parameter.storedName], tensor.shape == parameter.tensor.shape else {
        throw TrainingError("\(path) lacks the weight '\(parameter.storedName)'; train again, or take the last checkpoint")
      }
      return tensor
    }
  }

  /// The patterns that were recorded until then.
  func patterns(layers: Int, heads: Int) throws -> TrackedPatterns {
    try TrackedPatterns(from: url.appending(path: TrainingCheckpoint.patternsName), layers: layers, heads: heads)
  }
}

/// How a trained model is written as a folder: whole, or as adapters.
struct SavedModel {
  /// The folder that training started from.
  let base: ModelFolder
  let decoder: any CausalDecoder
  /// The adapters' configuration; nil for a model that was trained whole.
  let adapter: AdapterConfiguration?

  /// The names of the files that `write` writes.
  func names(_ weights: TrainableWeights, elementType: ElementType) -> [String] {
    adapter == nil
      ? WeightWriter.names(of: wholeWeights(weights, elementType: elementType)) + WeightWriter.companions(of: base)
      : AdapterFolder.names + WeightWriter.tokenizerFiles(of: base)
  }

  /// Writes weights, configuration and tokenizer into a folder that exists.
  func write(_ weights: TrainableWeights, elementType: ElementType, to folder: URL) throws {
    if let adapter {
      try weights.withMasters { try AdapterFolder.write(decoder, adapter, elementType: elementType, to: folder) }
      try WeightWriter.writeTokenizer(of: base, to: folder)
      return
    }
    try WeightWriter.write(wholeWeights(weights, elementType: elementType), to: folder)
    try WeightWriter.writeCompanions(of: base, elementType: elementType, to: folder)
  }

  private func wholeWeights(_ weights: TrainableWeights, elementType: ElementType) -> [WeightWriter.Weight] {
    weights.parameters.enumerated().map { index, parameter in
      WeightWriter.Weight(name: parameter.storedName, shape: parameter.tensor.shape, elementType: elementType) { try weights.master(index) }
    }
  }

  /// What ranks do that do not write: have their shares of what `write` writes gathered.
  func gather(_ weights: TrainableWeights) throws {
    if adapter != nil { return try weights.withMasters {} }
    for index in weights.parameters.indices { _ = try weights.master(index) }
  }
}
