import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Testing

@testable import FineTuning

/// Runs that are made longer by a resume.
@Suite struct LongerRunTests {
  private func settings(_ golden: GoldenRun, steps: Int, _ form: LearningRateSchedule.Form, warmup: Double) -> TrainingSettings {
    var settings = golden.trainingSettings
    settings.steps = steps
    settings.schedule = form
    settings.warmupRatio = warmup
    settings.shuffles = true
    return settings
  }

  private func weights(_ folder: URL) throws -> Data { try Data(contentsOf: folder.appending(path: "model.safetensors")) }

  private func refusal(_ golden: GoldenRun, _ folder: URL, _ settings: TrainingSettings, after step: Int) throws -> String {
    let error = #expect(throws: TrainingError.self) { _ = try golden.trainer(settings, in: folder, resumingAfter: step) }
    return try #require(error?.description)
  }

  @Test func aConstantRateGoesOnToTheBitsOfALongerRun() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let (long, short) = (try ScratchFolder(), try ScratchFolder())
    // Two warm-up steps in both: 0.5 of 4 and 0.25 of 8.
    _ = try golden.trainer(settings(golden, steps: 8, .constant, warmup: 0.25), in: long.url).run(savedType: .float32)
    _ = try golden.trainer(settings(golden, steps: 4, .constant, warmup: 0.5), in: short.url).run(savedType: .float32)
    let told = try refusal(golden, short.url, settings(golden, steps: 8, .constant, warmup: 0.5), after: 4)
    #expect(
      told.contains("cannot go on to step 8: its step 2 had the rate") && told.contains("keep it with warmup_ratio 0.2, or train"),
      "\(told)")
    // The ratio that the error names, and any other that gives two steps.
    _ = try golden.trainer(settings(golden, steps: 8, .constant, warmup: 0.2), in: short.url, resumingAfter: 4).run(savedType: .float32)
    #expect(try weights(short.url) == weights(long.url))
    // What is done now is eight steps.
    #expect(
      try refusal(golden, short.url, settings(golden, steps: 6, .constant, warmup: 0.25), after: 8)
        .hasSuffix("has done 8 steps, and 6 are asked for; give steps 8 or more"))
    var other = settings(golden, steps: 9, .constant, warmup: 0.2)
    other.clip = 3
    #expect(try refusal(golden, short.url, other, after: 8).contains("clip"))
  }

  @Test(arguments: [LearningRateSchedule.Form.cosine, .linear]) func aFallingRateDoesNot(form: LearningRateSchedule.Form) throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let folder = try ScratchFolder()
    _ = try golden.trainer(settings(golden, steps: 3, form, warmup: 0), in: folder.url).run(savedType: .float32)
    let told = try refusal(golden, folder.url, settings(golden, steps: 6, form, warmup: 0), after: 3)
    #expect(
      told.contains("its step 2 had the rate") && told.contains("since a \(form.rawValue) schedule falls to 0 at the last step"), "\(told)")
    let changed = try refusal(golden, folder.url, settings(golden, steps: 6, .constant, warmup: 0), after: 3)
    #expect(changed.contains("since the schedule is another"), "\(changed)")
    // As long as it was.
    _ = try golden.trainer(settings(golden, steps: 3, form, warmup: 0), in: folder.url, resumingAfter: 3)
  }

  @Test func epochsAreCountedInSteps() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let folder = try ScratchFolder()
    var short = settings(golden, steps: 1, .constant, warmup: 0)
    (short.steps, short.epochs) = (nil, 1)
    let first = try golden.trainer(short, in: folder.url)
    _ = try first.run(savedType: .float32)
    short.epochs = 2
    let second = try golden.trainer(short, in: folder.url, resumingAfter: first.totalSteps)
    #expect(second.totalSteps == 2 * first.totalSteps)
  }
}
