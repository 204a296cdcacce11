import CheckpointFiles
import Ground
public import Tokenizers
import Torch

/// Writes text with a model: any number of prompts of any lengths, as many at once as its cache has room for.
///
/// A text that is done leaves, and the next prompt takes its place in the following pass. What a prompt has in common with the one before it or after
/// it is computed once, so prompts that begin alike (the questions of a subject, after the same shots) should stand together; nothing else is asked of
/// their order. In float32 a text does not depend on what is written beside it, but for roundings that only a tie of two tokens would show.
///
///     let model = try LanguageModel(ModelFolder(named: "./llama-3-8b"))
///     let tokenizer = try Tokenizer.load(from: model.tokenizerFolder.url)
///     let encoder = try SampleEncoder(tokenizer, for: model, maximumLength: .max)
///     var settings = GenerationSettings()
///     settings.maximumTokens = 512
///     settings.stops = ["\n\n", "Question:"]
///     let generator = try TextGenerator(model, tokenizer, settings: settings, batchSize: 32)
///     let texts = try generator.write(
///       questions.map { encoder.encode(prompt: $0) },
///       finished: { number, text in try journal.append(number, text) },
///       shouldStop: { isInterrupted })
///
/// Not for use from several threads at once.
public final class TextGenerator {
  /// How text is written.
  public let settings: GenerationSettings
  private let decoder: any CausalDecoder
  private let scanner: StopScanner
  private let ends: Set<Int>
  private let batchSize: Int
  private let memoryLimit: Int
  private let passTokens: Int
  /// The tokens that went through the decoder so far.
  private(set) var computedTokens = 0

  /// The fewest tokens that neighbours must begin with in common to share them; fewer are computed again more cheaply.
  private static let leastShared = 16

  /// - Parameters:
  ///   - model: what writes.
  ///   - tokenizer: the model's.
  ///   - settings: how.
  ///   - batchSize: the most texts that are written at once.
  ///   - memoryLimit: the most bytes of cached keys and values; where nil, half of what the device has left beside the weights. Fewer texts are
  ///     written at once where they do not fit.
  ///   - passTokens: the most tokens of one pass; longer prompts are computed in several.
  /// - Throws: `ModelError` where a setting makes no sense or a file of the model is wrong.
  public init(
    _ model: LanguageModel, _ tokenizer: Tokenizer, settings: GenerationSettings = GenerationSettings(), batchSize: Int = 8,
    memoryLimit: Int? = nil, passTokens: Int = 2048
  ) throws {
    try settings.validate()
    self.settings = settings
    self.batchSize = max(1, batchSize)
    self.passTokens = max(1, passTokens)
    decoder = model.decoder
    self.memoryLimit = try memoryLimit ?? KeyValueCache.room(beside: decoder)
    scanner = StopScanner(tokenizer, stops: settings.stops)
    ends = try TextGenerator.endTokens(of: model, tokenizer).union(scanner.specialTokens)
  }

  /// The tokens that end a text: those of `generation_config.json`, else of `config.json`, and the tokenizer's.
  static func endTokens(of model: LanguageModel, _ tokenizer: Tokenizer) throws -> Set<Int> {
    let file = "generation_config.json"
    var ends: [Int] = []
    if model.base.contains(file) { ends = try ModelConfiguration(of: model.base, file: file).integers("eos_token_id") }
    if ends.isEmpty { ends = try model.configuration.integers("eos_token_id") }
    if let end = tokenizer.endOfSequence { ends.append(end) }
    return Set(ends)
  }

  /// One text that is being written.
  private struct Sequence {
    let number: Int
    let slot: Int
    var sampler: TokenSampler
    var tokens: [Int] = []
    var logProbabilities: [Float] = []
    /// The most tokens that this text may have.
    let limit: Int
  }

  /// Writes a text for each prompt.
  ///
  /// - Parameters:
  ///   - prompts: token ids, at least one each; those that begin alike beside each other.
  ///   - added: told the position of a prompt and the ids of its text so far, whenever one is added.
  ///   - finished: told the position of a prompt and its text as soon as that is done: for progress and journals. Short texts are done before long ones,
  ///     so positions come out of order, from 0 to `batchSize` texts late; each comes once.
  ///   - shouldStop: asked before every pass and between the parts of a long prompt; a run that is told to stop returns the texts that are done.
  /// - Returns: the texts in the order of the prompts, nil for those that were not done when the run was stopped.
  /// - Throws: `ModelError` where a prompt is empty or longer than the model's positions, or not one text fits into memory, all before anything is
  ///   computed; `NotFiniteError` where the model's logits are not finite; what `added` and `finished` throw.
  public func write(
    _ prompts: [[Int]], added: (Int, [Int]) throws -> Void = { _, _ in }, finished: (Int, GeneratedText) throws -> Void = { _, _ in },
    shouldStop: () -> Bool = { false }
  ) throws -> [GeneratedText?] {
    var texts = [GeneratedText?](repeating: nil, count: prompts.count)
    do {
      try write(prompts, to: &texts, added: added, finished: finished, shouldStop: shouldStop)
    } catch is Stopped {}
    return texts
  }

  /// The run was told to stop.
  private struct Stopped: Error {}

  /// Puts each text where its prompt stands as soon as it is done.
  /// - Throws: `Stopped` as soon as the run is told to stop, besides what the public method throws.
  private func write(
    _ prompts: [[Int]], to texts: inout [GeneratedText?], added: (Int, [Int]) throws -> Void,
    finished: (Int, GeneratedText) throws -> Void, shouldStop: () -> Bool
  ) throws {
    guard !prompts.isEmpty else { return }
    let limits = try prompts.enumerated().map { try limit(of: $1, number: $0) }
    // The last token that is written is never computed with.
    let capacity = zip(prompts, limits).map { $0.count + $1 - 1 }.max() ?? 1
    let (slots, sharing) = try room(capacity: capacity, texts: prompts.count)
    let cache = try KeyValueCache(decoder, slots: slots + (sharing ? 1 : 0), capacity: capacity)
    defer { computedTokens += cache.computedTokens }
    // The last slot holds what neighbours share.
    var prefix = SharedPrefix(slot: slots, isUsed: sharing)
    var free = Array((0..<slots).reversed())
    var active: [Sequence] = []
    var next = 0
    while next < prompts.count || !active.isEmpty {
      if shouldStop() { throw Stopped() }
      var pass = Pass(decoder, cache, limit: passTokens)
      for sequence in active {
        let isOutgrown = outgrows(cache.lengths[sequence.slot])
        if isOutgrown { try cache.truncate(sequence.slot, to: 0) }
        let tokens = isOutgrown ? prompts[sequence.number] + sequence.tokens : Array(sequence.tokens.suffix(1))
        try pass.add(tokens[...], to: sequence.slot, shouldStop)
      }
      // New prompts are computed in the pass of the texts that go on, so that weights are read once for all.
      while next < prompts.count, !free.isEmpty, active.isEmpty || !shouldStop(), let slot = free.popLast() {
        try pass.add(begin(prompts, next, in: slot, cache, &prefix, shouldStop), to: slot, shouldStop)
        active.append(Sequence(number: next, slot: slot, sampler: TokenSampler(settings, stream: next), limit: limits[next]))
        next += 1
      }
      try choose(&active, pass.hiddenStates())
      for sequence in active { try added(sequence.number, sequence.tokens) }
      var remaining: [Sequence] = []
      for sequence in active {
        guard let text = try text(of: sequence) else {
          remaining.append(sequence)
          continue
        }
        texts[sequence.number] = text
        try cache.truncate(sequence.slot, to: 0)
        free.append(sequence.slot)
        try finished(sequence.number, text)
      }
      active = remaining
    }
  }

  /// A text as it is shown while it is written.
  public struct ShownText {
    fileprivate let scanner: StopScanner
    fileprivate var text: GrowingText

    /// Adds a token.
    /// - Returns: the text so far that can be shown before it is done: without what may become a stop text or half a character.
    public mutating func add(_ token: Int) throws -> String {
      try scanner.add(token, to: &text)
      let (shown, isStopped) = scanner.cut(text.text)
      return isStopped ? shown : scanner.settled(shown)
    }
  }

  /// A text of which nothing is written yet.
  public func shownText() -> ShownText { ShownText(scanner: scanner, text: scanner.growingText()) }

  // MARK: - Room

  /// The most new tokens of a prompt's text.
  private func limit(of prompt: [Int], number: Int) throws -> Int {
    guard !prompt.isEmpty else {
      throw ModelError(
        "prompt \(number) has no tokens: it is empty and the tokenizer begins no text with one of its own; begin it with some text")
    }
    let shape = decoder.shape
    if let token = prompt.first(where: { !(0..<shape.vocabularySize).contains($0) }) {
      throw ModelError(
        "prompt \(number) has the token \(token), but the model's vocabulary ends at \(shape.vocabularySize - 1); use the model's own tokenizer"
      )
    }
    // Whatever is longer fits no machine.
    guard shape.positionsEnd else { return min(settings.maximumTokens, 1 << 48) }
    guard prompt.count <= shape.maximumPositions else {
      throw ModelError("prompt \(number) has \(prompt.count) tokens, but the model has positions for \(shape.maximumPositions); shorten it")
    }
    // The last token that is written needs no position of its own.
    return min(settings.maximumTokens, shape.maximumPositions - prompt.count + 1)
  }

  /// How many texts are written at once, and whether there is room for what they share.
  private func room(capacity: Int, texts: Int) throws -> (slots: Int, sharing: Bool) {
    let (bytes, overflows) = KeyValueCache.bytesPerToken(decoder).multipliedReportingOverflow(by: capacity)
    let fitting = overflows ? 0 : memoryLimit / max(1, bytes)
    guard fitting > 0 else {
      throw ModelError(
        "the keys and values of \(capacity) tokens take \(overflows ? "more than a machine has" : "\(bytes >> 20) MiB"), but there is room for \(memoryLimit >> 20) MiB; write fewer tokens (\(setting: .maximumTokens)), shorten the prompts, or free memory"
      )
    }
    let wanted = min(batchSize, texts)
    let sharing = texts > 1 && fitting > 1
    return (min(wanted, sharing ? fitting - 1 : fitting), sharing)
  }

  // MARK: - Prompts

  /// What neighbouring prompts begin with, computed once.
  private struct SharedPrefix {
    let slot: Int
    let isUsed: Bool
    var tokens: [Int] = []
  }

  /// Puts into a slot what a prompt shares with its neighbours.
  /// - Returns: the prompt's tokens that are still to be computed, at least the last.
  private func begin(
    _ prompts: [[Int]], _ number: Int, in slot: Int, _ cache: KeyValueCache, _ prefix: inout SharedPrefix,
    _ shouldStop: () -> Bool
  ) throws -> ArraySlice<Int> {
    let prompt = prompts[number]
    // Where rotation depends on the length of the whole, a part computed alone would be another one.
    guard prefix.isUsed, !stretches(prompt.count) else { return prompt[...] }
    // The last token is computed in any case, since its hidden state is wanted.
    func common(_ other: [Int]) -> Int { min(prompt.count - 1, zip(prompt, other).prefix { $0 == $1 }.count) }
    var shared = common(prefix.tokens)
    let ahead = number + 1 < prompts.count ? common(prompts[number + 1]) : 0
    if ahead >= shared + TextGenerator.leastShared {
      try cache.truncate(prefix.slot, to: shared)
      var pass = Pass(decoder, cache, limit: passTokens)
      try pass.add(prompt[shared..<ahead], to: prefix.slot, shouldStop)
      try pass.compute()
      prefix.tokens = Array(prompt[..<ahead])
      shared = ahead
    }
    guard shared >= TextGenerator.leastShared else { return prompt[...] }
    try cache.copy(shared, from: prefix.slot, to: slot)
    return prompt[shared...]
  }

  /// Whether one token more makes the keys of so many others invalid.
  private func outgrows(_ length: Int) -> Bool {
    decoder.shape.stretchingBeginsAnew && !stretches(length) && stretches(length + 1)
  }

  private func stretches(_ length: Int) -> Bool { decoder.shape.positionsStretchBeyond.map { length > $0 } ?? false }

  /// Tokens of several sequences on their way through the decoder together, in as few passes as their limit allows.
  private struct Pass {
    let decoder: any CausalDecoder
    let cache: KeyValueCache
    let limit: Int
    private var additions: [KeyValueCache.Addition] = []
    private var count = 0
    private var hidden: [Tensor] = []

    init(_ decoder: any CausalDecoder, _ cache: KeyValueCache, limit: Int) {
      self.decoder = decoder
      self.cache = cache
      self.limit = limit
    }

    /// Adds the next tokens of a slot's sequence, at least one. Of many, all but the last ones are computed at once, part by part.
    /// - Throws: `Stopped` where the run is told to stop between two parts.
    mutating func add(_ tokens: ArraySlice<Int>, to slot: Int, _ shouldStop: () -> Bool) throws {
      var left = tokens
      // A sequence whose rotation depends on its length is computed whole.
      let mayBeParted = decoder.shape.positionsStretchBeyond.map { cache.lengths[slot] + tokens.count <= $0 } ?? true
      while mayBeParted, left.count > limit {
        if shouldStop() { throw Stopped() }
        _ = try decoder.extend(cache, by: [KeyValueCache.Addition(slot: slot, tokens: Array(left.prefix(limit)))])
        left = left.dropFirst(limit)
      }
      if count + left.count > limit { try compute() }
      additions.append(KeyValueCache.Addition(slot: slot, tokens: Array(left)))
      count += left.count
    }

    /// Computes what was added since.
    mutating func compute() throws {
      guard !additions.isEmpty else { return }
      hidden.append(try decoder.extend(cache, by: additions))
      additions = []
      count = 0
    }

    /// The hidden states of each addition's last token in the order in which they were added `[additions, hidden]`.
    mutating func hiddenStates() throws -> Tensor {
      try compute()
      return hidden.count == 1 ? hidden[0] : try Tensor.concatenated(hidden)
    }
  }

  // MARK: - Tokens

  /// Adds each sequence's next token, from the hidden states of their last ones `[sequences, hidden]`.
  private func choose(_ sequences: inout [Sequence], _ hidden: Tensor) throws {
    let logits = try withoutGradients { try decoder.logits(of: hidden).converted(to: .float32) }
    guard try logits.isFinite() else { throw try decoder.notFinite("a logit of the next token is not finite") }
    let size = decoder.shape.vocabularySize
    let chosen: [Int]
    if settings.temperature == 0 {
      chosen = try logits.indexOfGreatest(dimension: 1).integers()
    } else {
      let values = try logits.floats()
      chosen = sequences.indices.map { sequences[$0].sampler.draw(from: values[$0 * size..<($0 + 1) * size]) }
    }
    let logarithms = settings.keepsLogProbabilities ? try logits.logSoftmax().floats() : []
    for (index, token) in chosen.enumerated() {
      sequences[index].tokens.append(token)
      if !logarithms.isEmpty { sequences[index].logProbabilities.append(logarithms[index * size + token]) }
    }
  }

  /// The text of a sequence that is done; nil where it goes on.
  private func text(of sequence: Sequence) throws -> GeneratedText? {
    let ended = sequence.tokens.last.map(ends.contains) ?? false
    let isFull = sequence.tokens.count >= sequence.limit
    let mayBeStopped = try scanner.isComplete(sequence.tokens)
    guard ended || isFull || mayBeStopped else { return nil }
    let (text, isStopped) = try scanner.text(of: sequence.tokens)
    guard ended || isFull || isStopped else { return nil }
    return GeneratedText(
      text: text, tokens: sequence.tokens, logProbabilities: sequence.logProbabilities, finish: ended || isStopped ? .stop : .length)
  }
}
