import Ground
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

  @Test func aRankBeyondTheMatrixIsRefused() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let model = try LanguageModel(golden.base, elementType: .float32)
    let widest = try #require(model.decoder.parameters.filter(\.isLinear).compactMap { $0.tensor.shape.min() }.min())
    let error = #expect(throws: TrainingError.self) {
      _ = try LowRankSettings(rank: widest + 1, targets: ["all-linear"]).attach(to: model.decoder, seed: 1)
    }
    #expect(try #require(error?.description).contains("a rank of at most \(widest)"))
    #expect(model.decoder.parameters.allSatisfy { $0.adapter == nil })
    _ = try LowRankSettings(rank: widest, targets: ["all-linear"]).attach(to: model.decoder, seed: 1)
  }

  /// The folder's adapter_config.json with some keys changed.
  private func adapter(_ name: String, changed change: String, in scratch: ScratchFolder) throws -> ModelFolder {
    let folder = try adapter(name, in: scratch)
    let file = folder.file("adapter_config.json")
    var values = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    let changed = try #require(JSONSerialization.jsonObject(with: Data("{\(change)}".utf8)) as? [String: Any])
    values.merge(changed) { $1 }
    try JSONSerialization.data(withJSONObject: values).write(to: file)
    return folder
  }

  @Test(arguments: [
    (#""use_dora": true"#, "DoRA"), (#""bias": "all""#, "bias"), (#""peft_type": "PROMPT_TUNING""#, "LoRA"),
    (#""rank_pattern": {"q_proj": 2}"#, "rank_pattern"), (#""r": 0"#, "'r'"), (#""r": "four""#, "'r'"),
    (#""init_lora_weights": "pissa""#, "pissa"), (#""init_lora_weights": "pissa_niter_16""#, "pissa_niter_16"),
    (#""init_lora_weights": "olora""#, "olora"), (#""init_lora_weights": "corda""#, "corda"), (#""init_lora_weights": "loftq""#, "loftq"),
    (#""init_lora_weights": "lora_ga""#, "lora_ga"), (#""init_lora_weights": "new""#, "'new'"),
    (#""alora_invocation_tokens": [1, 2]"#, "aLoRA"), (#""use_qalora": true"#, "QALoRA"), (#""lora_bias": true"#, "lora_bias"),
    (#""kasa_config": {"x": 1}"#, "KaSA"), (#""layer_replication": [[0, 1]]"#, "layer_replication"),
  ])
  func otherKindsOfAdaptersAreRefusedByName(change: String, word: String) throws {
    let scratch = try ScratchFolder()
    let folder = try adapter("opt-published", changed: change, in: scratch)
    let error = #expect(throws: ModelError.self) { _ = try LanguageModel(folder) }
    #expect(try #require(error?.description).contains(word))
  }

  @Test(
    arguments: [
      (#""init_lora_weights": "gaussian""#, nil), (#""init_lora_weights": "eva", "eva_config": {"rho": 2.0}"#, nil),
      (#""init_lora_weights": false"#, nil), (#""alora_invocation_tokens": null, "use_qalora": false, "qalora_group_size": 16"#, nil),
      (#""a_key_of_tomorrow": 3"#, "a_key_of_tomorrow"), (#""a_key_of_tomorrow": false"#, nil), (#""revision": "v2""#, "revision 'v2'"),
    ] as [(String, String?)])
  func whatChangesNothingIsRead(change: String, note: String?) throws {
    let scratch = try ScratchFolder()
    let model = try LanguageModel(adapter("opt-published", changed: change, in: scratch), elementType: .float32)
    if let note {
      #expect(model.notes.contains { $0.contains(note) })
    } else {
      #expect(model.notes.isEmpty)
    }
  }

  /// Adapters without their B, or without those of a layer that the configuration names, are not what was trained.
  @Test(arguments: ["lora_B", "layers.0.", "lora_A", "v_proj.lora_B", ""])
  func adaptersThatAreNotThereAreMissed(left out: String) throws {
    let scratch = try ScratchFolder()
    let folder = try adapter("opt-published", in: scratch)
    let file = try SafetensorsFile(at: folder.file("adapter_model.safetensors"))
    let kept = file.tensors.filter { !$0.name.contains(out) && !out.isEmpty }
    try SafetensorsWriter.write(
      kept.map { entry in .init(name: entry.name, shape: entry.shape, floats: try Tensor(mapping: entry, of: file).floats()) },
      to: folder.file("adapter_model.safetensors"))
    let error = #expect(throws: ModelError.self) { _ = try LanguageModel(folder) }
    #expect(try #require(error?.description).contains("lacks 'base_model.model."))
  }

  @Test func numbersThatAreNotFiniteAreNotMerged() throws {
    let scratch = try ScratchFolder()
    let folder = try adapter("opt-published", in: scratch)
    let file = try SafetensorsFile(at: folder.file("adapter_model.safetensors"))
    func write(_ factor: Float) throws {
      try SafetensorsWriter.write(
        file.tensors.map { entry in
          .init(name: entry.name, shape: entry.shape, floats: try Tensor(mapping: entry, of: file).floats().map { $0 * factor })
        }, to: folder.file("adapter_model.safetensors"))
    }
    try write(.nan)
    let error = #expect(throws: ModelError.self) { _ = try LanguageModel(folder) }
    #expect(try #require(error?.description).contains("not finite"))
    // Finite factors whose product is not.
    try write(1e30)
    let merged = scratch.url.appending(path: "merged")
    let overflow = #expect(throws: (any Error).self) {
      try MergedModel.write(LanguageModel(folder, elementType: .float32), elementType: .float32, to: merged)
    }
    #expect(try #require(overflow).localizedDescription.contains("merged weight"))
    #expect(!FileManager.default.fileExists(atPath: merged.appending(path: "model.safetensors").path(percentEncoded: false)))
    try write(1000)
    #expect(throws: (any Error).self) {
      try MergedModel.write(LanguageModel(folder, elementType: .float32), elementType: .float16, to: merged)
    }
  }
}
