import Foundation
public import Ground
public import Instructions

/// A world of short text puzzles, made by a seed: skills, look-alikes of skills, and texts about them in several forms.
///
/// It stands in for the real one where that is too large: basic skills, complex ones that take two together, decoys that look like a skill and are
/// none, text to pretrain a model on that shows the skills in several forms, and tasks to fine-tune on in a form that the text never has.
///
///     let world = SmallWorld(seed: 0)
///     let samples = try world.samples(of: skill, .test, count: 100)
///     try world.write(to: folder, .standard)
///
/// The same seed makes the same world on every platform. No question of one part is one of another, whatever skill asks it and in whatever script.
public struct SmallWorld: Sendable {
  /// What the world is made from.
  public let seed: UInt64
  /// Its signs.
  public let alphabet: Alphabet

  /// The world of a seed.
  public init(seed: UInt64) {
    self.seed = seed
    alphabet = Alphabet(seed: seed)
  }

  /// A part of the world's questions.
  public enum Part: String, Sendable, CaseIterable {
    /// What the pretraining text is about.
    case pretraining
    /// What is fine-tuned on.
    case train
    /// What data is chosen from.
    case pool
    /// What is measured and asked.
    case test

    /// The share of all questions, in twentieths.
    fileprivate var weight: Int {
      switch self {
      case .pretraining: 8
      case .train, .pool, .test: 4
      }
    }
    fileprivate static var allWeights: Int { 20 }
  }

  /// The part that a stem belongs to.
  func part(of stem: Stem) -> Part {
    var generator = SeededGenerator(seed: seed, stream: "small world part of \(stem.text)")
    var place = generator.integer(below: Part.allWeights)
    for part in Part.allCases {
      if place < part.weight { return part }
      place -= part.weight
    }
    return .test
  }

  /// A stem of a part.
  private func stem(of skill: Skill, _ part: Part, using generator: inout SeededGenerator) -> Stem {
    while true {
      let stem = Stem(skill.stems, alphabet, using: &generator)
      if self.part(of: stem) == part { return stem }
    }
  }

  // MARK: Tasks

  /// The form in which every task is asked, and no text of the pretraining is written.
  public static func prompt(_ question: String, word: String) -> String { "Input: \(question)\nTask: \(word)\nAnswer: " }

  /// Samples of a skill, all different.
  /// - Parameters:
  ///   - skill: the skill.
  ///   - part: the part of the world.
  ///   - count: how many; those of a smaller count are the first of a larger one.
  /// - Returns: samples in the tasks' form, with ids and the skill's name as task.
  /// - Throws: `SmallWorldError` where more are asked for than half of what the world has.
  public func samples(of skill: Skill, _ part: Part, count: Int) throws -> [Instruction] {
    // Half of a part's questions at most, so that drawing until they differ ends soon.
    let most = skill.stems.count * part.weight / Part.allWeights / 2
    guard count <= most else {
      throw SmallWorldError(
        "the small world has \(most) questions of \(skill.name) for its part \(part.rawValue), not \(count); ask for fewer")
    }
    var generator = SeededGenerator(seed: seed, stream: "small world \(skill.name) \(part.rawValue)")
    var seen: Set<Stem> = []
    var samples: [Instruction] = []
    while samples.count < count {
      let stem = stem(of: skill, part, using: &generator)
      guard seen.insert(stem).inserted else { continue }
      samples.append(
        Instruction(
          prompt: Self.prompt(skill.question(stem), word: skill.word), response: skill.answer(stem, alphabet), task: skill.name,
          id: "\(skill.name)-\(part.rawValue)-\(samples.count)", index: samples.count))
    }
    return samples
  }

  // MARK: Pretraining

  /// The forms in which the pretraining text shows a skill.
  static let forms: [@Sendable (_ word: String, _ question: String, _ answer: String) -> String] = [
    { "\($0) \($1) = \($2)" },
    { "\($0)(\($1)) gives \($2)." },
    { "\($1) -> \($0) -> \($2)" },
    { "the \($0) of \($1) is \($2)" },
    { "\($1)\n\($0): \($2)" },
    { "Do \($0).\n\($1)\n= \($2)" },
  ]

  /// Texts to pretrain on, a puzzle each: skills, forms and questions drawn by the seed.
  /// - Parameter count: how many; those of a smaller count are the first of a larger one.
  public func pretrainingTexts(count: Int) -> [String] {
    var generator = SeededGenerator(seed: seed, stream: "small world pretraining")
    let bag = Skill.all.flatMap { skill in Array(repeating: skill, count: skill.pretrainingWeight) }
    return (0..<max(0, count)).map { _ in
      let skill = bag[generator.integer(below: bag.count)]
      let form = Self.forms[generator.integer(below: Self.forms.count)]
      let stem = stem(of: skill, .pretraining, using: &generator)
      return form(skill.word, skill.question(stem), skill.answer(stem, alphabet))
    }
  }
}

extension Skill {
  /// How often the pretraining text shows it beside the others. Sums take longer to learn than the rest; complex skills and their look-alikes are not
  /// shown at all, so that whoever knows them has put two skills together.
  fileprivate var pretrainingWeight: Int {
    if name == "addition" { return 3 }
    switch kind {
    case .basic: return 1
    case .decoy(let original): return Skill.complex.contains { $0.name == original } ? 0 : 1
    case .complex: return 0
    }
  }
}

/// A small world that cannot be made as asked.
public struct SmallWorldError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message
  init(_ message: Message) { self.message = message }
}
