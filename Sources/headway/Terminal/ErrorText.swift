import ActivationPatterns
import ArgumentParser
import Foundation
import Ground
import Runs

/// How errors are told: one line, what, where and the remedy.
enum ErrorText {
  /// The error as one line. What the libraries throw is a sentence already; what Foundation throws is put into words here.
  /// However long the names are that it quotes, it stays readable.
  static func sentence(_ error: any Error) -> String { oneLine(text(error)).excerpt(4000) }

  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as UnlikePatterns where !error.again.isEmpty:
      let commands = error.again.map { ShellCommand.text(of: $0) }.joined(separator: " and ")
      return "\(error.reason.problem); measure both alike by \(commands), or give --mixed to compare them anyway"
    case let error as any ExplainedError: return error.message.onCommandLine
    case let error as DecodingError: return text(error)
    case let error as EncodingError:
      guard case .invalidValue(let value, let context) = error else { return "a result cannot be written as JSON" }
      return "\(place(context.codingPath)) of the result is \(value), which JSON cannot hold; check the model and the data"
    default: return file(error)?.description ?? Headway.message(for: error)
    }
  }

  private static func text(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "\(place(context.codingPath + [key])) is missing; check the file that was read"
    case .valueNotFound(_, let context): "\(place(context.codingPath)) is null; check the file that was read"
    case .typeMismatch(let type, let context): "\(place(context.codingPath)) is not of the type \(type); check the file that was read"
    case .dataCorrupted(let context):
      "\(place(context.codingPath)) cannot be read: \(context.debugDescription); check the file that was read"
    @unknown default: "a file cannot be read; check it"
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "the document" : "'\(path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))'"
  }

  /// What Foundation says of a file, as this project says it; nil for anything else.
  static func file(_ error: any Error) -> FileError? {
    let error = error as NSError
    guard [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain) else { return nil }
    let url = error.userInfo[NSURLErrorKey] as? URL
    let path = error.userInfo[NSFilePathErrorKey] as? String ?? url?.path(percentEncoded: false) ?? "a file"
    let isPOSIX = error.domain == NSPOSIXErrorDomain
    let operation = !isPOSIX && (512..<1024).contains(error.code) ? "write" : "read"
    if let code = isPOSIX ? Int32(exactly: error.code) : systemCode(error) {
      return FileError(path: path, operation: operation, code: code)
    }
    return FileError(path: path, operation: operation, reason: error.localizedDescription, remedy: "check the path and the disk")
  }

  /// The system's error number that Foundation's error stands for.
  private static func systemCode(_ error: NSError) -> Int32? {
    if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError, cause.domain == NSPOSIXErrorDomain {
      return Int32(exactly: cause.code)
    }
    return switch CocoaError.Code(rawValue: error.code) {
    case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
    case .fileReadNoPermission, .fileWriteNoPermission: EACCES
    case .fileWriteOutOfSpace: ENOSPC
    case .fileWriteVolumeReadOnly: EROFS
    case .fileWriteFileExists: EEXIST
    default: nil
    }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }.joined(separator: " ")
  }
}
