import Ground
public import Instructions
public import Tokenizers

/// Turns instructions into token ids (INTERFACE, "Encoding"): the prompt with the tokenizer's special tokens, what follows it without, then the
/// end-of-sequence token; cut at the right end.
public struct SampleEncoder: Sendable {
  private let tokenizer: Tokenizer
  /// The token that ends a response: the tokenizer's, else the model's; nil where there is none.
  public let endOfSequence: Int?
  /// The most tokens of a sample.
  public let maximumLength: Int
  /// What the user should know of tokenizer and model.
  public let notes: [String]

  /// - Parameters:
  ///   - tokenizer: of the model; it must fit the vocabulary.
  ///   - model: names the end-of-sequence token where the tokenizer does not, and the limits of length.
  ///   - maximumLength: the most tokens of a sample; learned positions cut it further.
  public init(_ tokenizer: Tokenizer, for model: LanguageModel, maximumLength: Int) throws {
    let shape = model.decoder.shape
    guard tokenizer.vocabularySize <= shape.vocabularySize else {
      throw ModelError(
        "the tokenizer of \(model.folder.name) has ids up to \(tokenizer.vocabularySize - 1), but the model's vocabulary ends at \(shape.vocabularySize - 1); use the tokenizer that was published with the model"
      )
    }
    self.tokenizer = tokenizer
    // Rows are added to reach a round number, but not a tenth of them.
    let isFarSmaller = tokenizer.vocabularySize * 10 < shape.vocabularySize * 9
    notes =
      isFarSmaller
      ? [
        "the tokenizer of \(model.folder.name) has \(tokenizer.vocabularySize) tokens, but the model's embedding \(shape.vocabularySize) rows; check that it is the tokenizer of this model"
      ] : []
    var end = try tokenizer.endOfSequence ?? model.configuration.firstInteger("eos_token_id")
    if let id = end, !(0..<shape.vocabularySize).contains(id) {
      guard !model.configuration.states("eos_token_id") else {
        throw ModelError(
          "\(model.folder.name)/config.json: 'eos_token_id' \(id) is not in the vocabulary of \(shape.vocabularySize); check the file")
      }
      // The architecture's default, which a model with a vocabulary of its own need not have.
      end = nil
    }
    endOfSequence = end
    self.maximumLength = shape.positionsEnd ? min(maximumLength, shape.maximumPositions) : maximumLength
  }

  /// The tokens of a prompt: with the tokenizer's special tokens, but no beginning-of-sequence token twice and no end-of-sequence token after it.
  public func encode(prompt: String) -> [Int] {
    var ids = tokenizer.encode(prompt: prompt, endOfSequence: endOfSequence)
    if ids.count > 1, let beginning = tokenizer.beginningOfSequence, ids[0] == beginning, ids[1] == beginning { ids.removeFirst() }
    return ids
  }

  /// The tokens of one sample and which of them are labels.
  public func encode(_ instruction: Instruction) -> TokenizedSample {
    var tokens: [Int] = []
    var isLabel: [Bool] = []
    for (number, piece) in instruction.pieces.enumerated() {
      let ids = number == 0 ? encode(prompt: piece.text) : tokenizer.encode(piece.text, addSpecialTokens: false)
      tokens += ids
      isLabel += repeatElement(piece.carriesLoss, count: ids.count)
    }
    if instruction.endsWithEndOfSequence, let endOfSequence {
      tokens.append(endOfSequence)
      isLabel.append(true)
    }
    let isTruncated = tokens.count > maximumLength
    if isTruncated {
      tokens.removeLast(tokens.count - maximumLength)
      isLabel.removeLast(isLabel.count - maximumLength)
    }
    return TokenizedSample(tokens: tokens, isLabel: isLabel, index: instruction.index, isTruncated: isTruncated)
  }
}
