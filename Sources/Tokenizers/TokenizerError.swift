public import Foundation

/// Why a tokenizer could not be read, or could not do what it was asked.
public enum TokenizerError: Error, Equatable, Sendable {
  /// The folder holds no tokenizer that Headway knows.
  case noTokenizer(folder: String)
  /// A file could not be read from disk.
  case unreadable(file: String, reason: String)
  /// A file is not what its name promises; `place` is a line, byte or field of it.
  case malformed(file: String, place: String, reason: String)
  /// A file asks for something that Headway does not do; `feature` names it as the file does.
  case unsupported(file: String, feature: String)
  /// A token id to be decoded stands for no token.
  case unknownToken(id: Int, vocabularySize: Int)
}

extension TokenizerError: CustomStringConvertible, LocalizedError {
  /// One sentence: what, where and what to do.
  public var description: String {
    switch self {
    case .noTokenizer(let folder):
      "\(folder) holds no tokenizer: it needs tokenizer.json, tokenizer.model, or vocab.json with merges.txt."
    case .unreadable(let file, let reason):
      "\(file) could not be read: \(reason)."
    case .malformed(let file, let place, let reason):
      "\(file), \(place): \(reason); fetch the file again or save the tokenizer anew."
    case .unsupported(let file, let feature):
      "\(file) asks for \(feature), which Headway does not do, so its token ids could not be trusted."
    case .unknownToken(let id, let vocabularySize):
      "Token id \(id) stands for no token of this tokenizer (its ids are below \(vocabularySize)); does the tokenizer belong to the model?"
    }
  }

  /// The same sentence as ``description``.
  public var errorDescription: String? { description }
}
