import ArgumentParser
import Foundation
import Instructions
import Tokenizers

/// How DATA is read: the options that every command with DATA takes.
struct DataOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The data's format; recognised by its fields where left out.", valueName: "name"))
  var format: String?

  @Option(
    help: ArgumentHelp(
      "Field names that differ from the format's, as NAME=FIELD,…; without --format those of 'pairs': prompt=FIELD,response=FIELD.",
      valueName: "fields"))
  var map: String?

  @Option(help: ArgumentHelp("Which of the format's ways to make samples is taken, where it has several.", valueName: "name"))
  var form: String?

  @Option(help: ArgumentHelp("A file with a prompt template of {{field}}s, in the place of the format's own.", valueName: "file"))
  var template: String?

  @Option(
    help: ArgumentHelp(
      "Write samples in a chat form; 'own' is the model's. Left out: chats in the model's own, all else as it is.",
      valueName: "plain|llama2|llama3|gemma|mistral|chatml|own"))
  var chat: String?

  @Option(help: ArgumentHelp("The published split to read of a folder that holds several; 'all' for every one.", valueName: "name"))
  var split: String?

  @Option(help: ArgumentHelp("Keep samples with this tag; repeat it for samples with all of several.", valueName: "tag"))
  var require: [String] = []

  @Option(help: ArgumentHelp("Keep samples with this tag and no other; repeat it for exactly several.", valueName: "tag"))
  var only: [String] = []

  @Option(help: ArgumentHelp("Keep samples in this language (zh, en…); repeat it for several.", valueName: "code"))
  var language: [String] = []

  @Option(help: ArgumentHelp("Keep samples of at least so many tokens.", valueName: "n"))
  var minTokens: Int?

  @Option(help: ArgumentHelp("Keep samples of at most so many tokens.", valueName: "n"))
  var maxTokens: Int?

  @Flag(help: "Leave out samples whose texts are all equal to an earlier one's.")
  var deduplicate = false

  @Option(help: ArgumentHelp("Hold out this share by seed, equal prompts on one side; --part says which part is read.", valueName: "share"))
  var holdOut: Double?

  @Option(help: "The part to read where --hold-out splits.")
  var part: Part = .train

  @Option(help: ArgumentHelp("Draw so many samples by seed, kept in file order.", valueName: "n"))
  var sample: Int?

  @Option(help: ArgumentHelp("The seed of --hold-out and --sample.", valueName: "n"))
  var dataSeed: UInt64 = 0

  @Option(help: ArgumentHelp("Read at most so many samples.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Cut a sample's tokens to so many, at the right end.", valueName: "n"))
  var maxLength = 1024

  @Flag(help: "Pass over bad records and count them, instead of stopping at the first.")
  var skipBad = false

  /// A side of a seeded split.
  enum Part: String, ExpressibleByArgument, CaseIterable {
    case train, test
  }

  /// The options for the library.
  /// - Parameter tokenizer: counts tokens for `--min-tokens` and `--max-tokens`, and names the model's own chat form; nil where no model is at hand.
  func datasetOptions(tokenizer: Tokenizer? = nil) throws -> DatasetOptions {
    var options = DatasetOptions(
      format: format, map: try fieldMap(), form: form, template: template.map { URL(filePath: $0) }, split: split,
      deduplicates: deduplicate,
      sample: sample, seed: dataSeed, limit: limit, skipBad: skipBad)
    options.chat = try chatForm(tokenizer)
    options.modelChatTemplate = tokenizer?.chatTemplate
    options.holdOut = holdOut.map { DatasetOptions.HoldOut(fraction: $0, readsHeldOut: part == .test) }
    options.filter = InstructionFilter(
      requiredTags: require, onlyTags: only, languages: language, minimumTokens: minTokens, maximumTokens: maxTokens)
    if let tokenizer { options.filter.countTokens = { DataOptions.countTokens($0, tokenizer) } }
    return options
  }

  /// The tokens that a sample is encoded to, before it is cut.
  static func countTokens(_ instruction: Instruction, _ tokenizer: Tokenizer) -> Int {
    var count = instruction.endsWithEndOfSequence ? 1 : 0
    for (number, piece) in instruction.pieces.enumerated() { count += tokenizer.encode(piece.text, addSpecialTokens: number == 0).count }
    return count
  }

  private func chatForm(_ tokenizer: Tokenizer?) throws -> ChatForm? {
    guard let chat, chat != "own" else { return try self.chat.map { _ in try ownForm(tokenizer) } ?? nil }
    return try ChatForm(named: chat)
  }

  private func ownForm(_ tokenizer: Tokenizer?) throws -> ChatForm {
    guard let template = tokenizer?.chatTemplate else {
      throw CommandError(
        "--chat own asks for the model's chat form, but \(tokenizer == nil ? "no model is named" : "the model has no chat template"); name a form instead"
      )
    }
    return try ChatForm(template: template)
  }

  private func fieldMap() throws -> [String: String] {
    var fields: [String: String] = [:]
    for pair in (map ?? "").split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--map takes NAME=FIELD pairs joined by commas, not '\(pair)'.") }
      guard fields.updateValue(parts[1], forKey: parts[0]) == nil else { throw ValidationError("--map names '\(parts[0])' twice.") }
    }
    return fields
  }

  func validate() throws {
    _ = try fieldMap()
    func check(_ name: String, _ value: Int?) throws {
      if let value, value < 1 { throw ValidationError("--\(name) takes a number from 1 on, not \(value).") }
    }
    try check("limit", limit)
    try check("sample", sample)
    try check("min-tokens", minTokens)
    try check("max-tokens", maxTokens)
    try check("max-length", maxLength)
    if let holdOut, !(holdOut > 0 && holdOut < 1) { throw ValidationError("--hold-out takes a share between 0 and 1, not \(holdOut).") }
    if chat != nil, template != nil { throw ValidationError("--chat and --template both write the prompt; name one of them.") }
    if let chat, chat != "own" {
      do { _ = try ChatForm(named: chat) } catch { throw ValidationError("\(error)") }
    }
  }
}
