import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Testing
import Torch

@testable import FineTuning

/// Updates held against PyTorch's, step by step: losses to 1e-5 relative and weights to 1e-5 absolute. AdamW divides by the gradients' own
/// size, so where that is near the gradients' rounding error any two correct programs differ by more: the golden run's `rounding` tells how far
/// each entry may be carried by it (its definition is in the script), and only such entries may exceed 1e-5.
@Suite struct StepParityTests {
  @Test(arguments: GoldenRun.names, [false, true])
  func fullFineTuningFollowsPyTorch(name: String, checkpointsActivations: Bool) throws {
    let golden = try GoldenRun(name, "training")
    let scratch = try ScratchFolder()
    var settings = golden.trainingSettings
    settings.checkpointsActivations = checkpointsActivations
    let trainer = try golden.trainer(settings, in: scratch.url)
    _ = try trainer.run(savedType: .float32)
    try compare(golden, scratch.url)
    try compare(golden, trainer.weights.parameters.map(\.name), trainer.weights.masters)
  }

  /// In bfloat16 with float32 masters no two programs round alike, so what is held against float64 is how far Headway is from it: not much
  /// farther than PyTorch, which rounds as often.
  @Test(arguments: GoldenRun.names)
  func mastersWithBFloat16StayAsNearAsPyTorch(name: String) throws {
    let golden = try GoldenRun(name, "training")
    let scratch = try ScratchFolder()
    let trainer = try golden.trainer(golden.trainingSettings, in: scratch.url, type: .bfloat16)
    let start = try trainer.weights.masters.map { try $0.floats() }
    _ = try trainer.run(savedType: .float32)
    var (ours, theirs) = (0.0, 0.0)
    for (line, step) in zip(try StepMetrics.read(from: TrainingFolder(scratch.url).metrics), golden.steps) {
      let exact = step.float64Loss
      ours = max(ours, abs(try #require(line.loss) / exact - 1))
      theirs = max(theirs, abs(try #require(step.bfloat16Loss) / exact - 1))
    }
    var (apart, moved) = (0.0, 0.0)
    for (place, parameter) in trainer.weights.parameters.enumerated() {
      let exact = try #require(try golden.floats("float64.\(parameter.name)"))
      for (index, value) in try trainer.weights.masters[place].floats().enumerated() {
        apart += pow(Double(value - exact[index]), 2)
        moved += pow(Double(exact[index] - start[place][index]), 2)
      }
    }
    let movement = (apart / moved).squareRoot()
    let theirMovement = try #require(golden.bfloat16MovementDistance)
    print("\(name): losses \(ours) from float64, PyTorch's \(theirs); movement \(movement), PyTorch's \(theirMovement)")
    // Losses within bfloat16's own rounding, as PyTorch's are; which of the two is nearer is chance, and depends on the processor's products.
    #expect(ours <= 0x1p-8 && theirs <= 0x1p-8)
    #expect(movement <= 1.5 * theirMovement)
  }

  @Test(arguments: GoldenRun.names)
  func adaptersFollowPEFT(name: String) throws {
    let golden = try GoldenRun(name, "lora")
    let scratch = try ScratchFolder()
    let trainer = try adapterTrainer(golden, scratch.url)
    _ = try trainer.run(savedType: .float32)
    try compare(golden, scratch.url)
    try compare(golden, trainer.weights.parameters.map { "base_model.model.\($0.name)" }, trainer.weights.masters)
  }

  /// In bfloat16 with adapters in float32, as PEFT has them: not much farther from float64 than PEFT, which rounds as often.
  @Test(arguments: GoldenRun.names)
  func adaptersWithBFloat16StayAsNearAsPEFT(name: String) throws {
    struct Theirs: Decodable {
      var losses: [Double]
      var movementDistance: Double
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let theirs = try decoder.decode(
      Theirs.self, from: Data(contentsOf: GoldenRun.fixtures.appending(path: "\(name)/lora-bfloat16.json")))
    let golden = try GoldenRun(name, "lora")
    let scratch = try ScratchFolder()
    let trainer = try adapterTrainer(golden, scratch.url, type: .bfloat16)
    let start = try trainer.weights.masters.map { try $0.floats() }
    _ = try trainer.run(savedType: .float32)
    var (ours, other) = (0.0, 0.0)
    for ((line, step), loss) in zip(zip(try StepMetrics.read(from: TrainingFolder(scratch.url).metrics), golden.steps), theirs.losses) {
      ours = max(ours, abs(try #require(line.loss) / step.float64Loss - 1))
      other = max(other, abs(loss / step.float64Loss - 1))
    }
    var (apart, moved) = (0.0, 0.0)
    for (place, parameter) in trainer.weights.parameters.enumerated() {
      let exact = try #require(try golden.floats("float64.base_model.model.\(parameter.name)"))
      for (index, value) in try trainer.weights.masters[place].floats().enumerated() {
        apart += pow(Double(value - exact[index]), 2)
        moved += pow(Double(exact[index] - start[place][index]), 2)
      }
    }
    let movement = (apart / moved).squareRoot()
    print("\(name): losses \(ours) from float64, PEFT's \(other); movement \(movement), PEFT's \(theirs.movementDistance)")
    // Losses of a base model in bfloat16: within three of its roundings, as PEFT's are.
    #expect(ours <= 3 * 0x1p-8 && other <= 3 * 0x1p-8)
    #expect(movement <= 1.5 * theirs.movementDistance)
  }

  /// A trainer that starts from the golden adapter in place of the seed's.
  private func adapterTrainer(_ golden: GoldenRun, _ folder: URL, type: ElementType = .float32) throws -> Trainer {
    var settings = golden.trainingSettings
    settings.lowRank = LowRankSettings(
      rank: try #require(golden.rank), alpha: golden.alpha,
      targets: ["llama-head-dim", "gpt2-published"].contains(golden.name) ? ["all-linear"] : ["q_proj", "v_proj"])
    let trainer = try golden.trainer(settings, in: folder, type: type)
    let start = try AdapterFolder.tensors(in: GoldenRun.fixtures.appending(path: "\(golden.name)/lora"))
    #expect(Set(trainer.weights.parameters.map(\.storedName)) == Set(start.keys))
    try Tensor.overwrite(trainer.weights.masters, with: trainer.weights.parameters.map { try #require(start[$0.storedName]) })
    return trainer
  }

  private func compare(_ golden: GoldenRun, _ folder: URL) throws {
    let lines = try StepMetrics.read(from: TrainingFolder(folder).metrics)
    #expect(lines.count == golden.steps.count)
    for (line, step) in zip(lines, golden.steps) {
      #expect(line.tokens == step.tokens)
      let rate = try #require(line.lr)
      #expect(abs(rate - step.lr) <= 1e-12 * max(1, step.lr), "step \(line.step)")
      let loss = try #require(line.loss)
      #expect(abs(loss - step.float64Loss) <= 1e-5 * abs(step.float64Loss), "step \(line.step): \(loss) against \(step.float64Loss)")
      // The norm's own tolerance is the losses': it is a sum over all weights, in which single entries' rounding does not show.
      let norm = try #require(line.gradNorm)
      #expect(abs(norm - step.float64GradNorm) <= 1e-5 * step.float64GradNorm, "step \(line.step): \(norm) against \(step.float64GradNorm)")
    }
  }

  private func compare(_ golden: GoldenRun, _ names: [String], _ tensors: [Tensor]) throws {
    var entries = 0
    var amplified = 0
    for (name, tensor) in zip(names, tensors) {
      let expected = try #require(try golden.floats("float64.\(name)"), "\(name)")
      let rounding = try #require(try golden.floats("rounding.\(name)"), "\(name)")
      for (place, value) in try tensor.floats().enumerated() {
        let difference = abs(value - expected[place])
        entries += 1
        guard difference > 1e-5 else { continue }
        amplified += 1
        #expect(difference <= 8 * rounding[place], "\(name)[\(place)]: \(value) against \(expected[place]), rounding \(rounding[place])")
      }
    }
    // What rounding carries beyond 1e-5 stays an exception.
    #expect(Double(amplified) <= 0.01 * Double(entries), "\(amplified) of \(entries) entries")
  }
}
