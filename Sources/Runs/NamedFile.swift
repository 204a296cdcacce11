import Foundation

/// A file or folder with the name that it goes by: `FILE` or `NAME=FILE` on the command line and in records.
public protocol NamedFile: Codable, Sendable, Hashable {
  /// The file or folder.
  var path: String { get set }
  /// The name in place of the file's own; nil for that.
  var givenName: String? { get }
  /// A file, with a name where its own is not to be used.
  init(_ path: String, name: String?)
}

extension NamedFile {
  /// What it is called: the name given, or the file's without extension.
  public var name: String { givenName ?? URL(filePath: path).deletingPathExtension().lastPathComponent }

  /// Reads `FILE` or `NAME=FILE`. A file whose own name has an equals sign is taken as it is.
  public init(text: String) {
    self.init(text: text, isFile: FileManager.default.fileExists(atPath: text))
  }

  /// Reads ``recorded``.
  init(recorded text: String) {
    // Whether there is such a file cannot decide here: a record's paths are relative to the record.
    if text.hasPrefix("=") { self.init(String(text.dropFirst()), name: nil) } else { self.init(text: text, isFile: false) }
  }

  private init(text: String, isFile: Bool) {
    if let mark = text.firstIndex(of: "="), mark > text.startIndex, !isFile {
      self.init(String(text[text.index(after: mark)...]), name: String(text[..<mark]))
    } else {
      self.init(text, name: nil)
    }
  }

  /// As it is written on a command line.
  public var text: String { givenName.map { "\($0)=\(path)" } ?? path }

  /// As it is written in records, where a path with an equals sign and without a name begins with one.
  var recorded: String { givenName.map { "\($0)=\(path)" } ?? (path.contains("=") ? "=\(path)" : path) }

  /// Reads the text of a record.
  public init(from decoder: any Swift.Decoder) throws {
    self.init(recorded: try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the text of a record.
  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(recorded)
  }
}
