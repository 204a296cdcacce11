import ActivationPatterns
import Evaluation
import FineTuning
import Foundation
import Ground
import Instructions
import Selection
import SmallWorld

/// What mixing and choosing data is worth: one model for each way to come by data, all asked the same questions.
///
/// The target is the last complex skill, of which there are few samples. Its test questions have no part in any pattern, share or choice: what is fitted
/// and compared is measured on its own few samples.
struct DemoComparison {
  let story: DemoStory
  let skill: Skill

  private var settings: DemoSettings { story.settings }
  private var folder: DemoFolder { story.folder }
  private func place(_ name: String) -> URL { folder.arms.appending(path: name) }

  // MARK: The target's own samples

  private var own: URL { place("own.jsonl") }
  private var ownHalves: [URL] { [place("own-first.jsonl"), place("own-second.jsonl")] }

  private func writeOwn() throws {
    try story.step(own) {
      try Folders.make(folder.arms)
      let samples = try SmallWorld(seed: story.demo.seed).samples(of: skill, .train, count: settings.targetSamples)
      let middle = samples.count / 2
      for (url, part) in [(ownHalves[0], samples[..<middle]), (ownHalves[1], samples[middle...]), (own, samples[...])] {
        let writer = try InstructionWriter(to: url)
        for sample in part { try writer.write(sample) }
        try writer.finish()
      }
    }
  }

  // MARK: Data

  /// Mixes basic skills in the proportion in which the target's change is composed of theirs: half of its samples trains, the other is measured.
  private func mixture() throws -> MixResult {
    let out = place("mixture.jsonl")
    let manifest = DrawnData.manifest(beside: out)
    let change = place("own-change.safetensors")
    try story.step(
      manifest,
      telling:
        "mixing \(settings.chosenSamples) samples of basic skills for \(skill.name), as a fit on its own \(settings.targetSamples) samples says"
    ) {
      let tuned = folder.arms.appending(path: "own-half", directoryHint: .isDirectory)
      try story.train(
        folder.base, [ownHalves[0]], to: tuned, settings.fineTuning(seed: story.demo.seed, epochs: settings.targetEpochs))
      try story.measure(folder.base, [ownHalves[1]], to: place("own-before.safetensors"))
      try story.measure(tuned, [ownHalves[1]], to: place("own-after.safetensors"))
      _ = try ChangeRun(
        before: place("own-before.safetensors").path(percentEncoded: false),
        after: place("own-after.safetensors").path(percentEncoded: false),
        out: change.path(percentEncoded: false)
      ).run(story.quietly)
      var fit = FitRun(
        target: PatternSource(change.path(percentEncoded: false), name: skill.name),
        basics: Skill.basic.map { PatternSource(folder.change($0).path(percentEncoded: false), name: $0.name) },
        out: place("mixture-fit.json").path(percentEncoded: false))
      fit.seed = story.demo.seed
      _ = try fit.run(story.quietly)
      var mix = MixRun(
        fit: place("mixture-fit.json").path(percentEncoded: false),
        tasks: Skill.basic.map { TaskFile(folder.world.samples(of: $0, .train).path(percentEncoded: false), name: $0.name) },
        total: settings.chosenSamples, out: out.path(percentEncoded: false))
      mix.reading.format = "pairs"
      mix.seed = story.demo.seed
      // What was killed between data and manifest left data that nobody vouches for.
      mix.overwrite = true
      _ = try mix.run(story.quietly)
    }
    // Its lock lies beside the data.
    Leftovers.remove(of: out)
    return try JSONDecoder().decode(MixResult.self, from: Data(contentsOf: manifest))
  }

  /// Chooses, out of a pool of basic skills and their look-alikes, the samples whose patterns are most like the target's, under the model that was
  /// fine-tuned on the target's own samples.
  private func selection() throws -> SelectResult {
    let out = place("chosen.jsonl")
    let manifest = DrawnData.manifest(beside: out)
    let telling =
      "choosing \(settings.chosenSamples) samples for \(skill.name) out of a pool of \(pool.count) skills and look-alikes, by their patterns"
    try story.step(
      manifest, telling: telling
    ) {
      let model = folder.arms.appending(path: "own", directoryHint: .isDirectory)
      try story.measure(model, [own], to: place("own-pattern.safetensors"))
      try story.measure(model, pool, to: place("pool.safetensors"))
      var select = SelectRun(
        target: place("own-pattern.safetensors").path(percentEncoded: false), pool: [place("pool.safetensors").path(percentEncoded: false)],
        poolData: pool.map { $0.path(percentEncoded: false) }, top: settings.chosenSamples, out: out.path(percentEncoded: false))
      select.reading.format = "pairs"
      select.overwrite = true
      _ = try select.run(story.quietly)
    }
    Leftovers.remove(of: out)
    return try JSONDecoder().decode(SelectResult.self, from: Data(contentsOf: manifest))
  }

  /// What is chosen from: nothing of the target itself.
  private var candidates: [Skill] { Skill.basic + Skill.decoys.filter { decoy in Skill.basic.contains { $0.name == decoy.original } } }
  private var pool: [URL] { candidates.map { folder.world.samples(of: $0, .pool) } }

  // MARK: Arms

  /// Trains on data, then on the target's own samples, and asks.
  private func arm(_ name: String, _ about: String, data: [URL], sample: Int? = nil, seed: UInt64 = 0, updates: Int? = nil) throws -> Arm {
    let final = folder.arms.appending(path: name, directoryHint: .isDirectory)
    var model = folder.base
    if !data.isEmpty {
      let first = folder.arms.appending(path: "\(name)-first", directoryHint: .isDirectory)
      try story.train(model, data, to: first, settings.fineTuning(seed: story.demo.seed), sample: sample, sampleSeed: seed)
      model = first
    }
    var training = settings.fineTuning(seed: story.demo.seed, epochs: settings.targetEpochs)
    if let updates { (training.epochs, training.steps) = (nil, updates) }
    try story.train(model, [own], to: final, training)
    let test = folder.world.samples(of: skill, .test)
    try story.measure(final, [test], to: place("\(name).safetensors"))
    try story.ask(final, test, to: place("\(name).json"))
    let losses = try ActivationPattern.read(from: place("\(name).safetensors")).samples?.loss ?? []
    return Arm(name: name, about: about, losses: losses.map(Double.init), right: try story.outcome(place("\(name).json")).result.value)
  }

  /// One way to come by data, and what its model scored.
  struct Arm {
    var name: String
    var about: String
    /// The loss of each question.
    var losses: [Double]
    var right: Double?

    /// Several draws as one: every question's mean.
    static func mean(_ arms: [Arm], name: String, about: String) -> Arm {
      let count = Double(max(1, arms.count))
      let losses = (arms.first?.losses ?? []).indices.map { question in arms.reduce(0) { $0 + $1.losses[question] } / count }
      return Arm(name: name, about: about, losses: losses, right: arms.reduce(0) { $0 + ($1.right ?? 0) } / count)
    }
  }

  /// As many updates as data and own samples take together.
  private var allUpdates: Int {
    func windows(_ samples: Int) -> Int { (samples + settings.window - 1) / settings.window }
    return settings.epochs * windows(settings.chosenSamples) + settings.targetEpochs * windows(settings.targetSamples)
  }

  private func random(_ name: String, _ about: String, data: [URL]) throws -> Arm {
    let draws = try (0..<settings.randomDraws).map { draw in
      try arm("\(name)-\(draw + 1)", about, data: data, sample: settings.chosenSamples, seed: story.demo.seed &+ UInt64(draw))
    }
    return .mean(draws, name: name, about: about)
  }

  /// Everything, in the order in which it is told.
  func result() throws -> [DemoResult.Comparison] {
    try writeOwn()
    let mix = try mixture()
    let basics = Skill.basic.map { folder.world.samples(of: $0, .train) }
    story.say("training on the mixture and on what it is compared with")
    let alone = try arm("own", "the \(settings.targetSamples) own samples alone", data: [])
    let longer = try arm("own-longer", "the own samples alone, for as many updates", data: [], updates: allUpdates)
    let mixed = try arm("mixed", "mixed by the fit, then the own samples", data: [place("mixture.jsonl")])
    let blind = try random(
      "mixed-random", "mixed of all basic skills by chance, then the own samples (mean of \(settings.randomDraws))", data: basics)
    let chosen = try selection()
    story.say("training on what was chosen and on what it is compared with")
    let picked = try arm("chosen", "chosen by patterns, then the own samples", data: [place("chosen.jsonl")])
    let drawn = try random(
      "chosen-random", "drawn from the pool by chance, then the own samples (mean of \(settings.randomDraws))", data: pool)
    let taken = candidates.map { candidate in
      DemoResult.Comparison.Share(
        name: candidate.name, count: chosen.chosen.count { $0.id.hasPrefix("\(candidate.name)-\(SmallWorld.Part.pool)") })
    }
    return [
      DemoResult.Comparison(
        kind: .mixture, target: skill.name, parts: skill.parts, mix.tasks.map { .init(name: $0.name, count: $0.count) }, method: mixed,
        random: blind, others: [alone, longer], candidates: basics.count),
      DemoResult.Comparison(
        kind: .selection, target: skill.name, parts: skill.parts, taken.sorted { $0.count > $1.count }, method: picked, random: drawn,
        others: [alone, longer], candidates: candidates.count),
    ]
  }
}
