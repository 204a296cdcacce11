import Foundation
public import Ground
import SmallWorld

/// Writes a small world: text to pretrain a model on, samples of every skill, and a model before any training. What a seed makes is the same everywhere.
public struct WorldRun: Run, RecordedSettings {
  /// `headway world` and the keys of its record.
  public static let form: SettingsForm<WorldRun> = SettingsForm(
    "world", WorldRun(out: ""),
    [
      .folder("out", \.out), .setting("seed", \.seed), .setting("pretraining", \.pretraining), .setting("train", \.train),
      .setting("pool", \.pool), .setting("test", \.test), .flag("overwrite", \.overwrite),
    ])

  /// The folder that is filled.
  public var out: String
  /// Makes another world, and another model.
  public var seed: UInt64 = 0
  /// Texts to pretrain on.
  public var pretraining = WorldFolder.Size.standard.pretraining
  /// Samples of each skill to fine-tune on.
  public var train = WorldFolder.Size.standard.train
  /// Samples of each skill to choose from.
  public var pool = WorldFolder.Size.standard.pool
  /// Questions of each skill to measure and ask.
  public var test = WorldFolder.Size.standard.test
  /// Whether to delete an earlier world in the folder.
  public var overwrite = false

  /// A world of the demo's size.
  public init(out: String) { self.out = out }

  /// Refuses numbers below 1.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    for (key, value) in [("pretraining", pretraining), ("train", train), ("pool", pool), ("test", test)] where value < 1 {
      throw SettingsError("\(setting: Setting(key)) takes a number from 1 on, not \(value)")
    }
  }

  /// Writes the world.
  /// - Throws: `SmallWorldError` where a skill has fewer questions than asked for, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> WorldResult {
    try validate()
    let folder = OutputFolder(URL(filePath: out, directoryHint: .isDirectory))
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try outputs.claim(folder: folder)
    if overwrite {
      for name in folder.own { AtomicFolder.remove(folder.url.appending(path: name)) }
      try folder.removeOwn()
    }
    try folder.make()
    let world = WorldFolder(folder.url)
    let files = Skill.all.flatMap { skill in [SmallWorld.Part.train, .pool, .test].map { world.samples(of: skill, $0) } }
    try folder.claim((files + [world.model, world.pretraining]).map(\.lastPathComponent))
    try world.write(
      SmallWorld(seed: seed), WorldFolder.Size(pretraining: pretraining, train: train, pool: pool, test: test, model: .standard))
    return WorldResult(
      out: out, model: world.model.relativePath, pretraining: world.pretraining.relativePath, skills: Skill.all.map(\.name))
  }
}

/// What `WorldRun` wrote: what `world --json` prints.
public struct WorldResult: Codable, Sendable, Equatable {
  /// The folder.
  public var out: String
  /// The model before any training.
  public var model: String
  /// The texts to pretrain on, format `text`.
  public var pretraining: String
  /// The skills, each with the files `SKILL-train.jsonl`, `SKILL-pool.jsonl` and `SKILL-test.jsonl`, format `pairs`.
  public var skills: [String]
}
