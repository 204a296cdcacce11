public import Foundation
import Synchronization

/// Turns text into the token ids of a model, and ids back into text.
///
/// It reads the files that a Hugging Face folder holds and gives the ids that Hugging Face `tokenizers` and `transformers` give for
/// that folder; what it finds in the files and does not know, it refuses. A tokenizer never changes and may be used from many
/// tasks at once.
public final class Tokenizer: Sendable {
  private let model: BytePairModel
  private let normalizers: [Normalizer]
  private let preTokenizers: [PreTokenizer]
  let decoding: Decoding
  private let template: SpecialTokenTemplate
  private let addedTokens: AddedTokens
  private let silentTokens: Set<UInt32>
  private let matcher: AddedTokenMatcher
  private let normalizedMatcher: AddedTokenMatcher
  private let classes = CharacterClasses.shared
  /// Working memory that no call is using.
  private let idle = Mutex<[EncoderScratch]>([])

  /// Greatest token id plus one.
  public let vocabularySize: Int
  /// The `bos_token` that the folder names, nil where it names none.
  public let beginningOfSequence: Int?
  /// The `eos_token` that the folder names, nil where it names none.
  public let endOfSequence: Int?
  /// The text of the chat template, nil where there is none.
  public let chatTemplate: String?
  /// Names of the files that this tokenizer was read from; a copy of a model needs them all.
  public let files: [String]

  /// Reads the tokenizer of a folder: `tokenizer.json`, else `tokenizer.model` (SentencePiece or tiktoken, told apart by content),
  /// else `vocab.json` with `merges.txt`; with `tokenizer_config.json`, `special_tokens_map.json` and `config.json` where they are.
  ///
  /// - Throws: ``TokenizerError`` where there is no tokenizer, a file is damaged, or it asks for something unknown.
  public static func load(from folder: URL) throws -> Tokenizer {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw TokenizerError.unreadable(file: folder.path, reason: "there is no such folder")
    }
    do {
      return try load(from: .disk(folder))
    } catch {
      throw error.located(in: folder)
    }
  }

  /// Reads the tokenizer of files wherever they are.
  static func load(from folder: TokenizerFolder) throws(TokenizerError) -> Tokenizer {
    var loader = TokenizerLoader(folder)
    return try loader.load()
  }

  init(_ definition: TokenizerDefinition, _ model: BytePairModel, settings: TokenizerSettings, files: [String]) throws(ModelFault) {
    self.model = model
    self.files = files
    normalizers = definition.normalizers
    preTokenizers = definition.preTokenizers
    decoding = Decoding(definition.decoders)
    template = definition.template ?? SpecialTokenTemplate()
    addedTokens = definition.addedTokens
    silentTokens = definition.silentTokens
    matcher = try addedTokens.matcher(normalized: false, normalizers: normalizers)
    normalizedMatcher = try addedTokens.matcher(normalized: true, normalizers: normalizers)
    let greatestAdded = addedTokens.greatest.map { Int($0) + 1 } ?? 0
    vocabularySize = max(model.vocabulary.size, greatestAdded)
    beginningOfSequence = settings.beginning.flatMap { definition.id(of: $0.content) }
    endOfSequence = settings.end.flatMap { definition.id(of: $0.content) }
    chatTemplate = settings.chatTemplate
  }

  /// The token ids of a text.
  ///
  /// - Parameters:
  ///   - text: any text; special tokens that stand in it are recognised.
  ///   - addSpecialTokens: whether to add what the tokenizer puts around a text (for most models a beginning-of-sequence token).
  public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int] {
    encode(text, before: addSpecialTokens ? template.before : [], after: addSpecialTokens ? template.after : [])
  }

  /// The token ids of a text that something will follow: with what the tokenizer puts around a text, but for end-of-sequence tokens at its end.
  ///
  /// - Parameters:
  ///   - text: any text; an end-of-sequence token that stands in it stays.
  ///   - endOfSequence: the id of the end-of-sequence token, nil where there is none.
  public func encode(prompt text: String, endOfSequence: Int?) -> [Int] {
    encode(text, before: template.before, after: template.after.reversed().drop { $0 == endOfSequence }.reversed())
  }

  private func encode(_ text: String, before: [Int], after: [Int]) -> [Int] {
    var ids = before
    ids.reserveCapacity(text.utf8.count / 3 + 8)
    let scratch = idle.withLock { $0.popLast() } ?? EncoderScratch()
    var text = text
    text.withUTF8 { encode($0, scratch, into: &ids) }
    idle.withLock { $0.append(scratch) }
    return ids + after
  }

  private func encode(_ text: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, into ids: inout [Int]) {
    let steps = PreTokenization(steps: preTokenizers, model: model, scratch: scratch, classes: classes)
    matcher.parts(of: text, classes) { part in
      if let id = part.id { return ids.append(Int(id)) }
      let piece = UnsafeBufferPointer(rebasing: text[part.range])
      let isStart = part.range.lowerBound == 0
      withNormalized(piece, scratch) { normalized in
        normalizedMatcher.parts(of: normalized, classes) { part in
          if let id = part.id { return ids.append(Int(id)) }
          let piece = UnsafeBufferPointer(rebasing: normalized[part.range])
          steps.encode(piece, from: 0, isStart: isStart && part.range.lowerBound == 0, into: &ids)
        }
      }
    }
  }

  private func withNormalized(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    guard let first = normalizers.first else { return body(text) }
    scratch.normalized.removeAll(keepingCapacity: true)
    first.apply(to: text, into: &scratch.normalized)
    for step in normalizers.dropFirst() {
      scratch.spare.removeAll(keepingCapacity: true)
      scratch.normalized.withUnsafeBufferPointer { step.apply(to: $0, into: &scratch.spare) }
      swap(&scratch.normalized, &scratch.spare)
    }
    scratch.normalized.withUnsafeBufferPointer(body)
  }

  /// Whether an id stands for a token.
  public func hasToken(_ id: Int) -> Bool {
    guard let known = UInt32(exactly: id) else { return false }
    return addedTokens.tokens[known] != nil || model.vocabulary.token(known) != nil
  }

  /// The text of token ids.
  ///
  /// Bytes that are not UTF-8 become U+FFFD, as tokens can end within a character.
  ///
  /// - Parameters:
  ///   - ids: token ids.
  ///   - skipSpecialTokens: whether to leave special tokens out.
  /// - Throws: ``TokenizerError/unknownToken(id:vocabularySize:)`` for an id that stands for no token.
  public func decode(_ ids: some Sequence<Int>, skipSpecialTokens: Bool = false) throws -> String {
    String(decoding: decoding.bytes(of: try ids.compactMap { try token($0, skipSpecialTokens) }), as: UTF8.self)
  }

  /// What a token id is decoded from; nil for a special one that is left out.
  func token(_ id: Int, _ skipSpecialTokens: Bool) throws(TokenizerError) -> [UInt8]? {
    guard let known = UInt32(exactly: id) else { throw .unknownToken(id: id, vocabularySize: vocabularySize) }
    if let added = addedTokens.tokens[known] {
      if skipSpecialTokens, addedTokens.isSpecial(added.content) { return nil }
      // Tokens that are looked for in normalised text are decoded from that, as decoders undo what normalisers do.
      return added.isNormalized ? normalizers.apply(to: added.content) : added.content
    }
    guard let token = model.vocabulary.token(known) else { throw .unknownToken(id: id, vocabularySize: vocabularySize) }
    return skipSpecialTokens && silentTokens.contains(known) ? nil : Array(token)
  }
}
