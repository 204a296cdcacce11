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
      "\(folder) holds no tokenizer; it needs tokenizer.json, tokenizer.model, or vocab.json with merges.txt"
    case .unreadable(let file, let reason):
      "\(file) could not be read: \(reason)"
    case .malformed(let file, let place, let reason):
      "\(file), \(place): \(reason); fetch the file again or save the tokenizer anew"
    case .unsupported(let file, let feature):
      "\(file) asks for \(feature), which Headway does not do; save the tokenizer without it, or use another"
    case .unknownToken(let id, let vocabularySize):
      "token id \(id) stands for no token (this tokenizer's are below \(vocabularySize)); use the tokenizer that belongs to the ids"
    }
  }

  /// The same sentence as ``description``.
  public var errorDescription: String? { description }

  /// The error with the path of its file in place of the name.
  func located(in folder: URL) -> TokenizerError {
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    return switch self {
    case .noTokenizer, .unknownToken: self
    case .unreadable(let file, let reason): .unreadable(file: path(file), reason: reason)
    case .malformed(let file, let place, let reason): .malformed(file: path(file), place: place, reason: reason)
    case .unsupported(let file, let feature): .unsupported(file: path(file), feature: feature)
    }
  }
}
