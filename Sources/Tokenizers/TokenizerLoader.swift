import Foundation
import StrictJSON

/// Reads the tokenizer of a folder: finds the files, decides how to understand them as transformers' `AutoTokenizer` does, and puts
/// the tokenizer together.
struct TokenizerLoader {
  private let folder: TokenizerFolder
  /// Files that were read.
  private var files: [String] = []

  init(_ folder: TokenizerFolder) { self.folder = folder }

  /// The bytes of a file of the folder, nil where it is not there.
  private mutating func read(_ name: String) throws(TokenizerError) -> Data? {
    let data = try folder.read(name)
    if data != nil { files.append(name) }
    return data
  }

  /// Runs `body` on the bytes of a file; a fault is told with its line.
  private func parse<Result>(
    _ name: String, _ data: Data, isText: Bool = true, _ body: (UnsafeBufferPointer<UInt8>) throws(Fault) -> Result
  ) throws(TokenizerError) -> Result {
    let outcome: Swift.Result<Result, TokenizerError> = data.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      do throws(Fault) {
        return .success(try body(bytes))
      } catch {
        let before = bytes.prefix(error.offset)
        let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let column = 1 + before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        let place = isText ? "line \(line), byte \(column)" : "byte \(error.offset)"
        return .failure(.malformed(file: name, place: place, reason: error.reason))
      }
    }
    return try outcome.get()
  }

  /// Runs `body` on the JSON text of a file, which must end where `body` stops reading.
  private func parseJSON<Result>(
    _ name: String, _ data: Data, _ body: (inout JSONScanner) throws(JSONError) -> Result
  ) throws(TokenizerError) -> Result {
    try parse(name, data) { bytes throws(Fault) in
      do throws(JSONError) {
        var scanner = JSONScanner(bytes, options: .tokenizerFiles)
        let result = try body(&scanner)
        try scanner.end()
        return result
      } catch {
        throw Fault(error)
      }
    }
  }

  private mutating func json(_ name: String) throws(TokenizerError) -> JSONObject? {
    guard let data = try read(name) else { return nil }
    let value = try parseJSON(name, data) { scanner throws(JSONError) in try scanner.value() }
    guard let object = value.object else {
      throw .malformed(file: name, place: "line 1", reason: "it must hold an object, not \(value.kind)")
    }
    return object
  }

  /// Reads and builds.
  mutating func load() throws(TokenizerError) -> Tokenizer {
    let config = try json("tokenizer_config.json")
    let modelConfig = try json("config.json")
    // config.json belongs to the model: it is read, but not copied with the tokenizer.
    files.removeAll { $0 == "config.json" }
    let declared = config?["tokenizer_class"]?.string ?? modelConfig?["tokenizer_class"]?.string
    let naming = Naming(declared: declared, modelType: modelConfig?["model_type"]?.string, hasConfig: config != nil)
    if let data = try read("tokenizer.json") { return try loadJSON(data, config ?? JSONObject(), naming) }
    if let data = try read("tokenizer.model") { return try loadModel(data, config ?? JSONObject(), naming) }
    if let vocabulary = try read("vocab.json"), let merges = try read("merges.txt") {
      return try loadVocabulary(vocabulary, merges, config ?? JSONObject(), naming)
    }
    throw .noTokenizer(folder: folder.name)
  }

  /// What the folder says of the class of its tokenizer.
  private struct Naming {
    var declared: String?
    var modelType: String?
    var hasConfig: Bool

    /// The class; `otherwise` where nothing names one.
    func resolve(hasByteLevel: Bool = false, otherwise: TokenizerClass) throws(TokenizerError) -> TokenizerClass {
      guard let name = TokenizerClass.name(declared: declared, modelType: modelType, hasByteLevel: hasByteLevel) else { return otherwise }
      guard let result = TokenizerClass(name: name) else {
        throw .unsupported(file: "tokenizer_config.json", feature: "the tokenizer_class \(name)")
      }
      return result
    }
  }

  private mutating func settings(
    _ config: JSONObject, fileTokens: [(id: Int, token: AddedToken)] = []
  ) throws(TokenizerError) -> TokenizerSettings {
    let map = try json("special_tokens_map.json")
    let olderTokens = try json("added_tokens.json")
    var settings = try TokenizerSettings(config: config, map: map, fileTokens: fileTokens, olderTokens: olderTokens)
    if let template = try read("chat_template.jinja") {
      settings.setChatTemplate(String(decoding: template, as: UTF8.self))
    }
    return settings
  }

  // MARK: tokenizer.json

  private mutating func loadJSON(_ data: Data, _ config: JSONObject, _ naming: Naming) throws(TokenizerError) -> Tokenizer {
    let file = "tokenizer.json"
    let document = try parseJSON(file, data) { scanner throws(JSONError) in try TokenizerJSON(&scanner) }
    let reader = PipelineReader(file: file)
    try check(document, file)
    let fileTokens = try addedTokens(document, reader)
    var settings = try settings(config, fileTokens: fileTokens)
    let tokenizerClass = try naming.resolve(hasByteLevel: document.mentionsByteLevel, otherwise: .backend)

    var definition = TokenizerDefinition()
    definition.vocabulary = document.vocabulary
    do throws(ModelFault) {
      definition.merges = try document.merges.table(for: document.vocabulary)
    } catch {
      throw .malformed(file: file, place: "field model.merges", reason: error.reason)
    }
    definition.template = try document.field("post_processor").map { value throws(TokenizerError) in try reader.template(value) }
    switch tokenizerClass {
    case .backend:
      definition.options = try modelOptions(document, file)
      definition.normalizers = try reader.normalizers(document.field("normalizer"))
      definition.preTokenizers = try reader.preTokenizers(document.field("pre_tokenizer"))
      definition.decoders = try reader.decoders(document.field("decoder"))
      definition.addedTokens.add(fileTokens.map(\.token), to: definition.vocabulary)
      for (id, token) in fileTokens where definition.addedTokens.ids[token.content].map({ Int($0) }) != id {
        throw .malformed(
          file: file, place: "field added_tokens", reason: "the token \(quoted(token.content)) has not the id that its place gives it")
      }
    case .llama, .gemma, .gpt2: setSteps(of: tokenizerClass, &definition, &settings)
    }
    return try finish(definition, settings, addingSpecials: false, file: file)
  }

  /// Refuses what a BPE document cannot have.
  private func check(_ document: TokenizerJSON, _ file: String) throws(TokenizerError) {
    let known = [
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
    ]
    for name in document.other.names where !known.contains(name) {
      throw .unsupported(file: file, feature: "the field \(quoted(name.utf8))")
    }
    let modelKnown = [
      "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges",
    ]
    // Old files leave the type out; only BPE has merges.
    let type = document.modelField("type")?.string ?? (document.merges.count > 0 ? "BPE" : "a model without \"type\"")
    guard type == "BPE" else { throw .unsupported(file: file, feature: "the model type \(type)") }
    guard document.hasVocabulary else {
      throw .malformed(file: file, place: "field model.vocab", reason: "it must be an object of tokens and ids")
    }
    for name in document.model.names where !modelKnown.contains(name) {
      throw .unsupported(file: file, feature: "the model setting \(quoted(name.utf8))")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = document.modelField(key), value.bytes?.isEmpty != true { throw .unsupported(file: file, feature: "\(key)") }
    }
    switch document.modelField("dropout") {
    case nil, .int(0)?, .double(0)?: break
    default: throw .unsupported(file: file, feature: "dropout")
    }
  }

  private func addedTokens(
    _ document: TokenizerJSON, _ reader: PipelineReader
  ) throws(TokenizerError) -> [(id: Int, token: AddedToken)] {
    guard let value = document.field("added_tokens") else { return [] }
    let field = "added_tokens"
    guard let elements = value.list else {
      throw .malformed(file: reader.file, place: "field \(field)", reason: "it must be a list, not \(value.kind)")
    }
    return try elements.map { element throws(TokenizerError) in
      guard let id = element["id"]?.int, 0...Int(Vocabulary.greatestID) ~= id else {
        throw .malformed(file: reader.file, place: "field \(field)", reason: "a token has no id, or one out of range")
      }
      return (id, try reader.addedToken(element, field))
    }
  }

  private func modelOptions(_ document: TokenizerJSON, _ file: String) throws(TokenizerError) -> BytePairModel.Options {
    func flag(_ key: String) throws(TokenizerError) -> Bool {
      guard let value = document.modelField(key) else { return false }
      guard let result = value.bool else {
        throw .malformed(file: file, place: "field model.\(key)", reason: "it must be true or false, not \(value.kind)")
      }
      return result
    }
    return .init(
      unknownToken: document.modelField("unk_token")?.bytes,
      fusesUnknown: try flag("fuse_unk"),
      fallsBackToBytes: try flag("byte_fallback"),
      ignoresMerges: try flag("ignore_merges"))
  }

  /// Gives a definition the steps and the settings the default tokens of a class.
  private func setSteps(of tokenizerClass: TokenizerClass, _ definition: inout TokenizerDefinition, _ settings: inout TokenizerSettings) {
    func fill(_ defaults: KeyValuePairs<String, String>) {
      for (name, content) in defaults { settings.setDefault(name, Array(content.utf8)) }
    }
    switch tokenizerClass {
    case .backend: break
    case .llama:
      fill(["unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"])
      definition.setLlamaSteps(legacy: settings.legacy ?? false, addingPrefix: settings.addsPrefixSpace ?? true)
    case .gemma:
      fill(["unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "mask_token": "<mask>"])
      definition.setGemmaSteps(unknownToken: settings.unknown?.content ?? Array("None".utf8))
    case .gpt2:
      fill(["unk_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"])
      definition.setGPT2Steps(addingPrefix: settings.addsPrefixSpace ?? false)
    }
  }

  // MARK: tokenizer.model

  private mutating func loadModel(_ data: Data, _ config: JSONObject, _ naming: Naming) throws(TokenizerError) -> Tokenizer {
    let file = "tokenizer.model"
    var settings = try settings(config)
    var definition = TokenizerDefinition()
    if data.withUnsafeBytes({ TiktokenModel.matches($0.bindMemory(to: UInt8.self)) }) {
      let model = try parse(file, data) { bytes throws(Fault) in try TiktokenModel(bytes) }
      definition.vocabulary = model.vocabulary
      definition.merges = try impliedMerges(of: definition.vocabulary, .ids, file)
      definition.setTiktokenSteps()
      if settings.added.isEmpty, !settings.hasExtra {
        settings.setExtra(TiktokenModel.llama3SpecialTokens.map { TokenizerSettings.special(Array($0.utf8)) })
        settings.setDefault("bos_token", Array("<|begin_of_text|>".utf8))
        settings.setDefault("eos_token", Array("<|end_of_text|>".utf8))
      }
      return try finish(definition, settings, addingSpecials: true, beginsByDefault: !naming.hasConfig, file: file)
    }
    guard data.withUnsafeBytes({ SentencePieceModel.matches($0.bindMemory(to: UInt8.self)) }) else {
      throw .malformed(file: file, place: "byte 0", reason: "this is neither a SentencePiece model nor a tiktoken file")
    }
    let model = try parse(file, data, isText: false) { bytes throws(Fault) in try SentencePieceModel(bytes) }
    if let feature = model.unsupportedFeature { throw .unsupported(file: file, feature: feature) }
    do throws(ModelFault) {
      definition.vocabulary = try model.vocabulary()
    } catch {
      throw .malformed(file: file, place: "vocabulary", reason: error.reason)
    }
    guard naming.hasConfig || naming.declared != nil else { return try sentencePieceAlone(model, &definition, &settings, file) }
    definition.merges = try impliedMerges(of: definition.vocabulary, .idAndLength, file)
    settings.setExtra(
      model.pieces.filter { $0.kind == .control || $0.kind == .userDefined }.map {
        AddedToken(content: $0.text, isNormalized: false, isSpecial: $0.kind == .control)
      })
    setSteps(of: try naming.resolve(otherwise: .llama), &definition, &settings)
    return try finish(definition, settings, addingSpecials: true, file: file)
  }

  private func impliedMerges(
    of vocabulary: Vocabulary, _ order: MergeTable.Order, _ file: String
  ) throws(TokenizerError) -> MergeTable {
    do throws(ModelFault) {
      return try .implied(by: vocabulary, order: order)
    } catch {
      throw .malformed(file: file, place: "vocabulary", reason: error.reason)
    }
  }

  /// A `tokenizer.model` that no `tokenizer_config.json` accompanies, as Llama was first published: the ids are those of SentencePiece
  /// itself, after the beginning-of-sequence token where the file has one. Control pieces that stand in text are text.
  private func sentencePieceAlone(
    _ model: SentencePieceModel, _ definition: inout TokenizerDefinition, _ settings: inout TokenizerSettings, _ file: String
  ) throws(TokenizerError) -> Tokenizer {
    if let feature = model.unsupportedFeatureAlone { throw .unsupported(file: file, feature: feature) }
    definition.merges = try impliedMerges(of: definition.vocabulary, .ranks(model.ranks()), file)
    definition.setSentencePieceSteps(model)
    definition.silentTokens = Set(model.pieces.indices.filter { model.pieces[$0].kind == .control }.map { UInt32($0) })
    func piece(_ id: Int32, _ text: [UInt8]) -> [UInt8]? {
      model.pieces.indices.contains(Int(id)) && model.pieces[Int(id)].text == text ? text : nil
    }
    var template = SpecialTokenTemplate()
    if let content = piece(model.beginningID, model.beginningPiece) {
      settings.setDefault("bos_token", content)
      template.before = [Int(model.beginningID)]
    }
    if let content = piece(model.endID, model.endPiece) { settings.setDefault("eos_token", content) }
    definition.template = template
    return try build(definition, settings, file: file)
  }

  // MARK: vocab.json and merges.txt

  private mutating func loadVocabulary(
    _ vocabulary: Data, _ merges: Data, _ config: JSONObject, _ naming: Naming
  ) throws(TokenizerError) -> Tokenizer {
    var settings = try settings(config)
    let tokenizerClass = try naming.resolve(otherwise: .gpt2)
    guard tokenizerClass == .gpt2 else {
      throw .unsupported(file: "tokenizer_config.json", feature: "vocab.json and merges.txt in a tokenizer_class other than GPT2Tokenizer")
    }
    var definition = TokenizerDefinition()
    definition.vocabulary = try parseJSON("vocab.json", vocabulary) { scanner throws(JSONError) in try scanner.vocabulary() }
    let list = try parse("merges.txt", merges) { bytes throws(Fault) in try Self.mergeLines(bytes) }
    do throws(ModelFault) {
      definition.merges = try list.table(for: definition.vocabulary)
    } catch {
      throw .malformed(file: "merges.txt", place: "merges", reason: error.reason)
    }
    setSteps(of: .gpt2, &definition, &settings)
    return try finish(definition, settings, addingSpecials: true, file: "vocab.json")
  }

  /// Reads `merges.txt`: a pair a line, but for lines that start with `#version`.
  private static func mergeLines(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) -> MergeList {
    if let offset = ForeignText.firstFault(in: bytes) { throw Fault(offset: offset, reason: "this is not UTF-8") }
    var list = MergeList()
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      var line = bytes[start..<end]
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      guard list.count < TokenizerLimits.merges else {
        throw Fault(offset: start, reason: "there are more than \(TokenizerLimits.merges) merges")
      }
      if !line.starts(with: "#version".utf8), !list.append(UnsafeBufferPointer(rebasing: line)) {
        throw Fault(offset: start, reason: "a line is not two tokens with a space between")
      }
      start = end + 1
    }
    return list
  }

  // MARK: putting together

  /// Adds the tokens of the settings, decides what encoding puts around a text, and builds the model.
  ///
  /// - Parameters:
  ///   - addingSpecials: whether `add_bos_token` and `add_eos_token` count; beside a `tokenizer.json` they do not.
  ///   - beginsByDefault: whether a text starts with the beginning-of-sequence token where nothing says otherwise.
  private func finish(
    _ definition: TokenizerDefinition, _ settings: TokenizerSettings, addingSpecials: Bool, beginsByDefault: Bool = false, file: String
  ) throws(TokenizerError) -> Tokenizer {
    var definition = definition
    definition.addedTokens.add(settings.tokensToAdd(known: definition.addedTokens), to: definition.vocabulary)
    if definition.template == nil {
      var template = SpecialTokenTemplate()
      if addingSpecials, settings.addsBeginning ?? beginsByDefault, let id = settings.beginning.flatMap({ definition.id(of: $0.content) }) {
        template.before = [id]
      }
      if addingSpecials, settings.addsEnd ?? false, let id = settings.end.flatMap({ definition.id(of: $0.content) }) {
        template.after = [id]
      }
      definition.template = template
    }
    return try build(definition, settings, file: file)
  }

  private func build(_ definition: TokenizerDefinition, _ settings: TokenizerSettings, file: String) throws(TokenizerError) -> Tokenizer {
    try definition.checkSizes(file)
    do throws(ModelFault) {
      let model = try BytePairModel(
        vocabulary: definition.vocabulary, merges: definition.merges, alphabet: definition.alphabet, options: definition.options)
      return try Tokenizer(definition, model, settings: settings, files: files)
    } catch {
      throw .malformed(file: file, place: "field model", reason: error.reason)
    }
  }
}

extension TokenizerDefinition {
  /// Refuses steps that would make much of little (see ``TokenizerLimits``): then encoding takes memory and time in proportion to the text.
  fileprivate func checkSizes(_ file: String) throws(TokenizerError) {
    func check(_ field: String, _ count: Int, _ limit: Int, _ what: String) throws(TokenizerError) {
      guard count > limit else { return }
      throw .malformed(file: file, place: "field \(field)", reason: "it has more than \(limit) \(what)")
    }
    try check("normalizer", normalizers.count, TokenizerLimits.steps, "steps")
    try check("pre_tokenizer", preTokenizers.count, TokenizerLimits.steps, "steps")
    try check("decoder", decoders?.count ?? 0, TokenizerLimits.steps, "steps")
    let surrounding = (template?.before.count ?? 0) + (template?.after.count ?? 0)
    try check("post_processor", surrounding, TokenizerLimits.surroundingTokens, "tokens around a text")
    let expansions = [
      ("normalizer", normalizers.map(\.expansion) + preTokenizers.map(\.expansion)), ("decoder", decoders?.map(\.expansion) ?? []),
    ]
    for (field, factors) in expansions {
      var total = 1
      for factor in factors {
        let (product, overflow) = total.multipliedReportingOverflow(by: factor)
        guard !overflow, product <= TokenizerLimits.expansion else {
          throw .malformed(file: file, place: "field \(field)", reason: "it makes more than \(TokenizerLimits.expansion) bytes of one")
        }
        total = product
      }
    }
  }

  /// The id of a token, added or of the vocabulary.
  func id(of content: [UInt8]) -> Int? { (addedTokens.ids[content] ?? vocabulary.id(of: content)).map { Int($0) } }
}
