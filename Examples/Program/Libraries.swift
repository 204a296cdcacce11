// The code with which the page of each library begins (Sources/ROOM/ROOM.docc), here so that it is compiled: one function a library.
// scripts/checks/examples.py holds the two against each other.

import ActivationPatterns
import CheckpointFiles
import Evaluation
import FineTuning
import Foundation
import Ground
import Instructions
import LanguageModels
import Probing
import Ranks
import Reports
import Runs
import Selection
import SmallWorld
import StrictJSON
import Studies
import Tokenizers
import Torch

func ground() throws {
  var generator = SeededGenerator(seed: 7, stream: "shuffle")
  let order = generator.shuffled(Array(0..<100))
  try AtomicFile.write(HeadwayJSON.document(order), to: URL(filePath: "order.json"))
  print(try Fingerprint(ofFile: URL(filePath: "order.json")).digits)
}

func strictJSON() throws {
  let value = try JSONParser().parse(#"{"id": 7, "tags": ["algebra"], "score": 0.5}"#)
  let object = value.object
  print(object?["id"]?.int ?? 0, object?["tags"]?.list?.count ?? 0, value.jsonText)
}

func checkpointFiles() throws {
  let file = try SafetensorsFile(at: URL(filePath: "model.safetensors"))
  for entry in file.tensors { print(entry.name, entry.elementType, entry.shape) }
  let norm = try file.floats("model.norm.weight")
  try SafetensorsWriter.write([.init(name: "norm", shape: [norm.count], floats: norm)], to: URL(filePath: "norm.safetensors"))
}

func torch() throws {
  try Engine.setThreads(4)
  let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]).requiringGradient()
  let loss = try x.matrixProduct(x).sum()
  let gradient = try gradients(of: [loss], by: [x])[0]
  print(try loss.scalar(), try gradient?.floats() ?? [])
}

func tokenizers() throws {
  let tokenizer = try Tokenizer.load(from: URL(filePath: "./llama-3-8b"))
  let ids = tokenizer.encode("Two pears and 3 apples: 5 fruits.")
  print(ids, try tokenizer.decode(ids, skipSpecialTokens: true))
}

func instructions() throws {
  var options = DatasetOptions(limit: 100)
  options.filter.requiredTags = ["algebra"]
  let dataset = try Dataset(at: [URL(filePath: "math/train.jsonl")], options: options)
  let reader = dataset.instructions()
  while let instruction = try reader.next() { print(instruction.prompt, instruction.response) }
}

func languageModels() throws {
  let model = try LanguageModel(ModelFolder(named: "./llama-3-8b"), elementType: .bfloat16)
  let tokenizer = try Tokenizer.load(from: model.tokenizerFolder.url)
  let encoder = try SampleEncoder(tokenizer, for: model, maximumLength: 1024)
  let tokens = encoder.encode(prompt: "The capital of France is")
  let batch = PackedBatch([TokenizedSample(tokens: tokens, promptLength: tokens.count)])
  let hidden = try model.decoder.hiddenStates(of: ForwardPass(batch, on: model.decoder.device))
  print(try model.decoder.logits(of: hidden).shape)
}

func activationPatterns() throws {
  let before = try ActivationPattern.read(from: URL(filePath: "before.safetensors"))
  let after = try ActivationPattern.read(from: URL(filePath: "after.safetensors"))
  let change = try PatternChange(from: ("before", before), to: ("after", after))
  guard let levels = change.levels[.magnitude]?.change else { return }
  let statistics = PatternStatistics(levels, strongest: 5)
  print(statistics.gini ?? 0, statistics.strongest.map { "\($0.layer):\($0.head)" })
}

func ranks() throws {
  guard let environment = try RankEnvironment(ProcessInfo.processInfo.environment) else { return }
  var monitor = RunMonitor()
  monitor.ranks = try RankGroup(environment) { lost in
    print(lost)
    exit(1)
  }
  let run = PatternRun(model: "./llama-3-8b", data: ["gsm8k/test.jsonl"], out: "gsm8k.safetensors")
  do { print(try run.run(monitor).samples) } catch is RunServed {}
  monitor.ranks?.leave()
}

func probing(_ model: LanguageModel, _ samples: [TokenizedSample]) throws {
  let probe = Probe(model.decoder, scores: [.magnitude, .signed])
  let result = try PatternMeasurement(probe, batchTokens: 2048).run(samples)
  for sample in result.samples { print(sample.index, sample.loss, sample.levels[.magnitude] ?? []) }
}

func fineTuning(_ model: LanguageModel, _ samples: [TokenizedSample]) throws {
  var settings = TrainingSettings()
  settings.learningRate = 1e-5
  settings.steps = 100
  let trainer = try Trainer(
    model, base: model.folder, elementType: .bfloat16, settings: settings, samples: .init(training: samples),
    folder: TrainingFolder(URL(filePath: "tuned")), identity: RunIdentity())
  let summary = try trainer.run(savedType: .bfloat16, progress: { print($0.metrics.step, $0.metrics.loss ?? 0) })
  print(summary.tokensPerSecond ?? 0)
}

func evaluation() throws {
  let variant = try Benchmarks.named("gsm8k").variant("lm-eval")
  let shots = try Shots(for: variant)
  let item = Item(index: 0, question: "Two pears and 3 apples: how many fruits?", answer: "5")
  for question in try variant.questions(of: item, shots: shots) {
    guard case .generation(let generation) = question.task else { continue }
    print(question.prompt, generation.verdict(on: "Together these are 5.\n#### 5").isCorrect ?? false)
  }
}

func reports() throws {
  let map = HeatMap(
    panels: [.init(title: "GSM8K", layers: 2, heads: 3, values: [0.1, -0.4, 0.2, nil, 0.9, 0])], title: "Change", isChange: true)
  try AtomicFile.write(map.svg(), to: URL(filePath: "change.svg"))
}

func smallWorld() throws {
  let world = SmallWorld(seed: 0)
  for skill in Skill.basic + Skill.complex {
    for sample in try world.samples(of: skill, .test, count: 2) { print(skill.summary, sample.prompt, sample.response) }
  }
  for text in world.pretrainingTexts(count: 3) { print(text) }
}

func selection() throws {
  var generator = SeededGenerator(seed: 0, stream: "mix")
  let mixture = try Mixture(
    of: [.init("gsm8k", coefficient: 0.6), .init("code", coefficient: 0.3), .init("stories", coefficient: -0.1)],
    keeping: 2, total: 1000, shares: .fit, using: &generator)
  for part in mixture.parts { print(part.name, part.share, part.count) }

  let patterns = try PatternRepresentation().open(
    target: URL(filePath: "target.safetensors"), pool: [URL(filePath: "pool.safetensors")], RepresentationOptions())
  let likeness = try patterns.likeness(view: .mean)
  for choice in try MeanSelection().choose(500, by: likeness, among: { _ in true }) { print(choice.sample, choice.score) }
}

func runs() throws {
  var run = PatternRun(model: "./llama-3-8b", data: ["gsm8k/test.jsonl"], out: "gsm8k.safetensors")
  run.keepsSamples = true
  let result = try run.runRecording()
  print(result.samples, result.loss)
  let again = try RunRecord.run(from: URL(filePath: "gsm8k.run.yaml"), changing: ["max_length=512", "out=short.safetensors"])
  _ = try again.run()
}

func studies() throws {
  var run = StudyRun(file: "study.yaml")
  run.changes = ["seeds=[0, 1, 2]"]
  let plan = try run.plan()
  print(plan.steps.count, plan.cost.operations)
  let result = try run.run()
  for judged in result.verdicts { print(judged.table, judged.arms.map { "\($0.arm): \($0.verdict.rawValue)" }) }
}
