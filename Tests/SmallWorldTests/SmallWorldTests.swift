import Foundation
import Ground
import Instructions
import LanguageModels
import Testing
import Tokenizers

@testable import SmallWorld

/// The rules, and what a world promises: the same for a seed, no question in two parts.
struct SmallWorldTests {
  private func sample(_ name: String, _ stem: String, seed: UInt64 = 0) throws -> (question: String, answer: String) {
    let skill = try #require(Skill.named(name))
    let stem = Stem(text: stem)
    return (skill.question(stem), skill.answer(stem, SmallWorld(seed: seed).alphabet))
  }

  @Test func rulesByHand() throws {
    #expect(try sample("addition", "312+451").answer == "763")
    #expect(try sample("numerals", "9075") == ("九零七五", "9075"))
    #expect(try sample("reversal", "bake").answer == "ekab")
    #expect(try sample("capitals", "bake").answer == "BAKE")
    #expect(try sample("sorting", "bake").answer == "abek")
    #expect(try sample("doubling", "bake").answer == "bbaakkee")
    #expect(try sample("chinese-addition", "312+451") == ("三一二加四五一", "763"))
    #expect(try sample("capital-reversal", "bake").answer == "EKAB")
    #expect(try sample("addition-decoy", "312+451").answer == "452")
    #expect(try sample("numerals-decoy", "9075") == ("九零七五", "2308"))
    #expect(try sample("reversal-decoy", "bake").answer == "keba")
    #expect(try sample("sorting-decoy", "baked").answer == "bkdae")
    #expect(try sample("doubling-decoy", "bake").answer == "bakeekab")
    #expect(try sample("chinese-addition-decoy", "312+451") == ("三一二加四五一", "452"))
    #expect(try sample("capital-reversal-decoy", "bake").answer == "KEBA")
    let letters = SmallWorld(seed: 0).alphabet.letters
    #expect(try sample("capitals-decoy", "\(letters[0])\(letters[11])").answer == "\(letters[1])\(letters[0])".uppercased())
  }

  @Test func everySkillHasADecoyOfItsLengthAndSigns() throws {
    let world = SmallWorld(seed: 3)
    let digits = Set("0123456789")
    for skill in Skill.basic + Skill.complex {
      let decoys = Skill.decoys.filter { $0.original == skill.name }
      let decoy = try #require(decoys.first)
      #expect(decoys.count == 1 && decoy.stems == skill.stems && decoy.asksInChinese == skill.asksInChinese)
      var different = 0
      for sample in try world.samples(of: skill, .train, count: 60) {
        let stem = Stem(text: try #require(sample.stem))
        let (answer, other) = (skill.answer(stem, world.alphabet), decoy.answer(stem, world.alphabet))
        #expect(sample.response == answer && answer.count == other.count, "\(skill.name) \(stem.text)")
        let letters = Set(world.alphabet.letters).union(String(world.alphabet.letters).uppercased())
        #expect(Set(answer + other).isSubset(of: skill.stems == .word ? letters : digits))
        different += answer == other ? 0 : 1
      }
      #expect(different > 45, "\(skill.name)")
    }
    #expect(Set(Skill.all.map(\.word)).count == Skill.all.count && Set(Skill.all.map(\.name)).count == Skill.all.count)
    for skill in Skill.complex { #expect(skill.parts.count == 2 && skill.parts.allSatisfy { Skill.named($0)?.kind == .basic }) }
  }

  @Test func noQuestionIsInTwoParts() throws {
    let world = SmallWorld(seed: 1)
    var parts: [String: Set<SmallWorld.Part>] = [:]
    for skill in Skill.all {
      for part in [SmallWorld.Part.train, .pool, .test] {
        let samples = try world.samples(of: skill, part, count: 150)
        #expect(Set(samples.map(\.prompt)).count == 150 && Set(samples.compactMap(\.id)).count == 150)
        for sample in samples { parts[try #require(sample.stem), default: []].insert(part) }
        #expect(try world.samples(of: skill, part, count: 40) == Array(samples.prefix(40)))
      }
    }
    #expect(parts.values.allSatisfy { $0.count == 1 })
    // The text to pretrain on asks none of them, in neither script, and never in the tasks' form.
    let texts = world.pretrainingTexts(count: 2000)
    for text in texts {
      #expect(!text.contains("Input") && !text.contains("Answer"))
      let words = text.split { !($0.isLetter || $0.isNumber || $0 == "+") }.map(String.init)
      let stems = words.map { Stem(text: $0.inDigits) }
      #expect(stems.contains { world.part(of: $0) == .pretraining }, "\(text)")
      // Answers are words and numbers too, but not sums and not Chinese.
      let questions = zip(words, stems).filter { $0.0.contains("+") || $0.0.inDigits != $0.0 }
      #expect(questions.allSatisfy { world.part(of: $0.1) == .pretraining }, "\(text)")
    }
    #expect(world.pretrainingTexts(count: 5) == Array(texts.prefix(5)))
  }

  /// Fixed for ever: a seed means the same on every platform and in every version.
  @Test func aSeedMakesTheSameWorld() throws {
    let world = SmallWorld(seed: 0)
    var fingerprint = Fingerprint(of: world.pretrainingTexts(count: 200).joined(separator: "\n"))
    for skill in Skill.all {
      for sample in try world.samples(of: skill, .test, count: 20) { fingerprint.add(sample.prompt + sample.response) }
    }
    #expect(fingerprint.digits == "bc184a888bad904d")
    #expect(SmallWorld(seed: 1).alphabet != world.alphabet)
    #expect(SmallWorld(seed: 1).pretrainingTexts(count: 5) != world.pretrainingTexts(count: 5))
  }

  @Test func tooManyQuestionsAreRefused() throws {
    let addition = try #require(Skill.named("addition"))
    let error = #expect(throws: SmallWorldError.self) { try SmallWorld(seed: 0).samples(of: addition, .test, count: 1_000_000) }
    #expect(error?.description.contains("ask for fewer") == true)
  }

  @Test func theFolderIsAModelAndData() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)", directoryHint: .isDirectory)
    try Folders.make(place)
    defer { try? FileManager.default.removeItem(at: place) }
    let folder = WorldFolder(place)
    // Half-written by a process of a number that none has.
    let part = "\(ThisProcess.host).\(Int32.max)-12345678.part"
    let halves = [place.appending(path: ".addition-train.jsonl.\(part)"), folder.model.appending(path: ".model.safetensors.\(part)")]
    try Folders.make(folder.model)
    for half in halves { try Data().write(to: half) }
    try folder.write(SmallWorld(seed: 0), .tiny)
    #expect(halves.allSatisfy { FileKind(of: $0) == nil })
    let model = try LanguageModel(ModelFolder(named: folder.model.path(percentEncoded: false)))
    #expect(model.decoder.shape.layers == 2 && model.decoder.shape.attentionHeads == 4 && model.notes.isEmpty)
    let tokenizer = try Tokenizer.load(from: folder.model)
    // A sign of either script is a token, and every other text is bytes.
    #expect(tokenizer.encode("三一二加四五一", addSpecialTokens: false).count == 7)
    let text = "Input: bake三\nTask: é\nAnswer: "
    #expect(try tokenizer.decode(tokenizer.encode(text, addSpecialTokens: false)) == text)
    #expect(tokenizer.encode("a").count == 2 && tokenizer.beginningOfSequence == 0)
    let addition = try #require(Skill.named("addition"))
    let read = try Dataset(at: [folder.samples(of: addition, .train)], options: DatasetOptions()).instructions()
    var samples: [Instruction] = []
    while let sample = try read.next() { samples.append(sample) }
    #expect(try samples == SmallWorld(seed: 0).samples(of: addition, .train, count: 32))
    let texts = try Dataset(at: [folder.pretraining], options: DatasetOptions())
    #expect(texts.formatName == "text")
  }
}

extension Instruction {
  /// The stem that the question is about, in ASCII.
  fileprivate var stem: String? {
    prompt.split(separator: "\n").first.map { String($0.dropFirst("Input: ".count)).inDigits }
  }
}

extension String {
  /// Chinese numerals as digits.
  fileprivate var inDigits: String {
    String(map { sign in Alphabet.numerals.firstIndex(of: sign).map { Character("\($0)") } ?? (sign == Alphabet.chinesePlus ? "+" : sign) })
  }
}
