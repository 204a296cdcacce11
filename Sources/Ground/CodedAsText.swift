/// A value that records and JSON hold as the text by which it is named.
public protocol CodedAsText: Codable, LosslessStringConvertible {
  /// What such a text may be, as a message says it: `a device is auto or cpu`.
  static var textForm: String { get }
}

extension CodedAsText {
  /// Reads the text.
  /// - Throws: `DecodingError` where it names nothing.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(Self.textForm), not '\(text)'")
    }
    self = value
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
