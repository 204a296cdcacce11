import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Testing
import Torch

@testable import FineTuning

@Suite struct AdapterTests {
  private func logits(_ model: LanguageModel, _ samples: [TokenizedSample]) throws -> [Float] {
    try withoutGradients {
      try model.decoder.logits(of: model.decoder.hiddenStates(of: ForwardPass(PackedBatch(samples), on: .cpu))).floats()
    }
  }

  /// PEFT's adapter folder with its base model's place made this machine's.
  private func adapter(_ name: String, in scratch: ScratchFolder) throws -> ModelFolder {
    let copy = scratch.url.appending(path: "adapter")
    try FileManager.default.copyItem(at: GoldenRun.fixtures.appending(path: "\(name)/lora"), to: copy)
    let file = copy.appending(path: "adapter_config.json")
    var values = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    values["base_model_name_or_path"] = Golden.directory.appending(path: name).path(percentEncoded: false)
    try JSONSerialization.data(withJSONObject: values).write(to: file)
    return try ModelFolder(named: copy.path(percentEncoded: false))
  }

  /// The tolerance is that of the decoders' own logits: 1e-4 of the greatest.
  @Test(arguments: GoldenRun.names)
  func logitsArePEFTs(name: String) throws {
    let golden = try GoldenRun(name, "lora")
    let scratch = try ScratchFolder()
    let folder = try adapter(name, in: scratch)
    let samples = try Golden(name).samples
    let model = try LanguageModel(folder, elementType: .float32)
    #expect(relativeDistance(try logits(model, samples), try #require(try golden.floats("logits"))) < 1e-4)

    let merged = scratch.url.appending(path: "merged")
    try MergedModel.write(model, elementType: .float32, to: merged)
    let whole = try LanguageModel(ModelFolder(named: merged.path(percentEncoded: false)), elementType: .float32)
    #expect(relativeDistance(try logits(whole, samples), try #require(try golden.floats("merged.logits"))) < 1e-4)
    for parameter in whole.decoder.parameters {
      guard let expected = try golden.floats("merged.\(parameter.name)") else { continue }
      #expect(relativeDistance(try parameter.tensor.floats(), expected) < 1e-6, "\(parameter.name)")
    }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = golden.trainingSettings
    settings.steps = 3
    settings.lowRank = LowRankSettings(rank: 2, targets: ["all-linear"])
    let trainer = try golden.trainer(settings, in: scratch.url)
    _ = try trainer.run(savedType: .float32)
    let samples = Array(golden.samples.prefix(4))
    let trained = try withoutGradients {
      try trainer.decoder.logits(of: trainer.decoder.hiddenStates(of: ForwardPass(PackedBatch(samples), on: .cpu))).floats()
    }
    let folder = try ModelFolder(named: scratch.url.path(percentEncoded: false))
    #expect(AdapterFolder.isAdapter(folder))
    #expect(try logits(LanguageModel(folder, elementType: .float32), samples) == trained)
    let checkpoint = try ModelFolder(named: TrainingFolder(scratch.url).checkpoint(3).path(percentEncoded: false))
    #expect(try logits(LanguageModel(checkpoint, elementType: .float32), samples) == trained)
    #expect(try LanguageModel.fingerprint(of: folder) != LanguageModel.fingerprint(of: golden.base))
  }

  @Test func newAdaptersChangeNothing() throws {
    let golden = try GoldenRun("gemma-multi-query", "training")
    let samples = Array(golden.samples.prefix(4))
    let model = try LanguageModel(golden.base, elementType: .float32)
    let before = try logits(model, samples)
    let adapters = try LowRankSettings(rank: 3).attach(to: model.decoder, seed: 1)
    #expect(!adapters.isEmpty)
    #expect(try logits(model, samples) == before)
    #expect(throws: TrainingError.self) { _ = try LowRankSettings(rank: 3, targets: ["q_prj"]).attach(to: model.decoder, seed: 1) }
  }

  @Test(arguments: [
    (#""use_dora": true"#, "DoRA"), (#""bias": "all""#, "bias"), (#""peft_type": "PROMPT_TUNING""#, "LoRA"),
    (#""rank_pattern": {"q_proj": 2}"#, "rank_pattern"), (#""r": 0"#, "'r'"), (#""r": "four""#, "'r'"),
  ])
  func otherKindsOfAdaptersAreRefusedByName(change: String, word: String) throws {
    let scratch = try ScratchFolder()
    let folder = try adapter("opt-published", in: scratch)
    let file = folder.file("adapter_config.json")
    var values = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    let changed = try #require(JSONSerialization.jsonObject(with: Data("{\(change)}".utf8)) as? [String: Any])
    values.merge(changed) { $1 }
    try JSONSerialization.data(withJSONObject: values).write(to: file)
    let error = #expect(throws: ModelError.self) { _ = try LanguageModel(folder) }
    #expect(try #require(error?.description).contains(word))
  }
}
