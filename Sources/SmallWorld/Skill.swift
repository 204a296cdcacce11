/// Something that can be learned in a small world: a rule that turns a question into an answer.
public struct Skill: Sendable {
  /// What a skill is to others.
  public enum Kind: Sendable, Hashable {
    /// A skill of its own.
    case basic
    /// A skill that takes two basic ones together, by their names.
    case complex(of: [String])
    /// A look-alike of the skill of this name: the same questions, and answers of the same length over the same signs by another rule.
    case decoy(of: String)
  }

  /// Its name in files and reports.
  public let name: String
  /// The word by which texts ask for it. Words of different skills have nothing in common, so that no text tells which belong together.
  public let word: String
  /// What it is to others.
  public let kind: Kind
  /// One sentence for a person: what is asked.
  public let summary: String
  /// Which stems its questions are made of.
  let stems: Stem.Kind
  /// Whether a question is asked in the other script.
  let asksInChinese: Bool
  /// The rule.
  let answer: @Sendable (Stem, Alphabet) -> String

  init(
    _ name: String, word: String, _ kind: Kind, _ summary: String, _ stems: Stem.Kind, asksInChinese: Bool = false,
    answer: @escaping @Sendable (Stem, Alphabet) -> String
  ) {
    self.name = name
    self.word = word
    self.kind = kind
    self.summary = summary
    self.stems = stems
    self.asksInChinese = asksInChinese
    self.answer = answer
  }

  /// The question about a stem.
  func question(_ stem: Stem) -> String { asksInChinese ? stem.text.inChinese() : stem.text }

  /// The names of the basic skills that it takes together; empty for all but complex ones.
  public var parts: [String] { if case .complex(let parts) = kind { parts } else { [] } }

  /// The skill that it looks like; nil where it is no decoy.
  public var original: String? { if case .decoy(let name) = kind { name } else { nil } }
}
