public import Foundation

/// A kind of file that Headway writes, and how it is told from other programs' files by what is in it.
public struct OutputKind: Sendable {
  /// What one is called in messages, with its article: `a chart`.
  public let name: String
  /// Whether files of this kind say who wrote them.
  public let isMarked: Bool
  private let recognises: @Sendable (URL) -> Bool

  /// A kind of file.
  /// - Parameters:
  ///   - name: what messages call it.
  ///   - recognises: whether the file at this place, which exists and is no folder, was written by Headway as one of this kind; what cannot be read
  ///     was not.
  public init(_ name: String, recognises: @escaping @Sendable (URL) -> Bool) {
    self.name = name
    isMarked = true
    self.recognises = recognises
  }

  private init(unmarked name: String) {
    self.name = name
    isMarked = false
    recognises = { _ in false }
  }

  /// A kind of file that has no place for a mark, so that a file of it is never known to be Headway's own.
  public static func unmarked(_ name: String) -> OutputKind { OutputKind(unmarked: name) }

  /// A kind of text file that begins in Headway's own way.
  public static func text(_ name: String, beginningWith mark: String) -> OutputKind {
    OutputKind(name) { url in beginning(of: url, mark.utf8.count).elementsEqual(mark.utf8) }
  }

  /// Whether the file at this place was written by Headway as one of this kind.
  public func isOwn(_ url: URL) -> Bool { recognises(url) }

  /// The first bytes of a file; none where it cannot be read. Nobody waits for a pipe of its name.
  public static func beginning(of url: URL, _ count: Int) -> Data {
    (try? InputFile(at: url).read(upTo: count)).map { Data($0) } ?? Data()
  }
}
