public import Foundation

/// Something a person can set: the option `--max-length` of the program, the key `max_length` of a run record, a property of a settings type.
///
/// Libraries name a setting in their messages by this type; only the program knows how it is spelled on its command line.
public struct Setting: Sendable, Hashable {
  /// The name in run records, in snake case: `max_length`.
  public let name: String
  /// The value that a message recommends, as it is written after the name; nil where it names the setting alone.
  public let value: String?

  /// A setting by its name in run records.
  public init(_ name: String, value: String? = nil) {
    self.name = name
    self.value = value
  }

  /// The same setting with a value that a message recommends.
  public func set(to value: some CustomStringConvertible) -> Setting { Setting(name, value: value.description) }
}

/// A text for a person in which settings are typed, so that each program spells them its own way.
///
///     throw ModelError("\(name) has \(count) positions; lower \(setting: .maximumLength)")
public struct Message: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
  fileprivate enum Piece: Sendable, Hashable {
    case text(String)
    case setting(Setting)
  }
  private var pieces: [Piece]

  /// A message without settings.
  public init(_ text: String) { pieces = [.text(text)] }

  /// A message from a literal.
  public init(stringLiteral text: String) { self.init(text) }

  /// A message from an interpolated literal.
  public init(stringInterpolation: StringInterpolation) { pieces = stringInterpolation.pieces }

  /// The text, every setting spelled as the closure says.
  public func text(spelling: (Setting) -> String) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .setting(let setting): spelling(setting)
      }
    }.joined()
  }

  /// The text with settings by their names in run records: `max_length`, `batch_size 1`.
  public var description: String { text { setting in setting.value.map { "\(setting.name) \($0)" } ?? setting.name } }

  /// The same message with a setting replaced by words, for a caller that has no such setting and another way to the same end.
  public func replacing(_ setting: Setting, by words: String) -> Message {
    var message = self
    message.pieces = pieces.map { piece in if case .setting(let found) = piece, found.name == setting.name { .text(words) } else { piece } }
    return message
  }

  /// The first message followed by the second.
  public static func + (first: Message, second: Message) -> Message {
    var both = first
    both.pieces += second.pieces
    return both
  }

  /// Collects the pieces of an interpolated literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var pieces: [Piece] = []

    /// Room for a literal of this size.
    public init(literalCapacity: Int, interpolationCount: Int) { pieces.reserveCapacity(2 * interpolationCount + 1) }
    /// A part between interpolations.
    public mutating func appendLiteral(_ literal: String) { if !literal.isEmpty { pieces.append(.text(literal)) } }
    /// A setting that each program spells its own way.
    public mutating func appendInterpolation(setting: Setting) { pieces.append(.setting(setting)) }
    /// Another message, its settings kept.
    public mutating func appendInterpolation(_ message: Message) { pieces += message.pieces }
    /// Another error's message, its settings kept.
    public mutating func appendInterpolation(_ error: any ExplainedError) { pieces += error.message.pieces }
    /// Anything else, as it describes itself.
    @_disfavoredOverload
    public mutating func appendInterpolation<Value>(_ value: Value) { pieces.append(.text("\(value)")) }
  }
}

/// An error that tells in one sentence what went wrong, where, and what to do about it.
public protocol ExplainedError: Error, Sendable, CustomStringConvertible, LocalizedError {
  /// The sentence.
  var message: Message { get }
}

extension ExplainedError {
  /// The sentence, with settings by their names in run records.
  public var description: String { message.description }
  /// The same text, for Foundation.
  public var errorDescription: String? { message.description }
}
