public import Foundation
import Ground
import Instructions
import StrictJSON

/// A small world on disk: everything that pretraining, fine-tuning and measuring it takes.
public struct WorldFolder: Sendable {
  /// How much of the world is written.
  public struct Size: Sendable, Hashable {
    /// Texts to pretrain on.
    public var pretraining: Int
    /// Samples of each skill to fine-tune on.
    public var train: Int
    /// Samples of each skill to choose from.
    public var pool: Int
    /// Questions of each skill to measure and ask.
    public var test: Int
    /// The model.
    public var model: WorldModel

    /// A size.
    public init(pretraining: Int, train: Int, pool: Int, test: Int, model: WorldModel) {
      self.pretraining = pretraining
      self.train = train
      self.pool = pool
      self.test = test
      self.model = model
    }

    /// That of the demo.
    public static let standard = Size(pretraining: 51_200, train: 240, pool: 100, test: 100, model: .standard)
    /// That of tests: seconds instead of minutes.
    public static let tiny = Size(pretraining: 640, train: 32, pool: 8, test: 12, model: .tiny)
  }

  /// Where it lies.
  public let url: URL

  /// The world at this place.
  public init(_ url: URL) { self.url = url }

  /// The model before any training: configuration, tokenizer and weights drawn by the seed.
  public var model: URL { url.appending(path: "untrained", directoryHint: .isDirectory) }
  /// The texts to pretrain on, format `text`.
  public var pretraining: URL { url.appending(path: "pretraining.jsonl") }
  /// The samples of a skill, format `pairs`.
  public func samples(of skill: Skill, _ part: SmallWorld.Part) -> URL { url.appending(path: "\(skill.name)-\(part.rawValue).jsonl") }

  /// Writes a world into the folder, which must exist. Files of the same names are replaced, what killed processes left half-written is deleted; the
  /// texts come last, so that where they are all is.
  /// - Throws: `FileError`, or `SmallWorldError` where the world is smaller than asked.
  public func write(_ world: SmallWorld, _ size: Size) throws {
    try Folders.make(model)
    for folder in [url, model] { Leftovers.remove(from: folder) }
    try size.model.write(to: model, seed: world.seed)
    for skill in Skill.all {
      for (part, count) in [(SmallWorld.Part.train, size.train), (.pool, size.pool), (.test, size.test)] {
        let writer = try InstructionWriter(to: samples(of: skill, part))
        for sample in try world.samples(of: skill, part, count: count) { try writer.write(sample) }
        try writer.finish()
      }
    }
    var bytes: [UInt8] = []
    for text in world.pretrainingTexts(count: size.pretraining) {
      let record: JSONValue = ["text": .string(text)]
      record.append(to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(Data(bytes), to: pretraining)
  }
}
