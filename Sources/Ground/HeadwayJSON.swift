public import Foundation

/// JSON as Headway writes it, in files and on standard output: sorted keys, so that two runs can be compared, and no escaped slashes. Numbers
/// that are not finite, for which JSON has no form, are refused.
public enum HeadwayJSON {
  /// The encoder of all JSON that Headway writes.
  /// - Parameter isIndented: whether a person is likely to open the file.
  public static func encoder(isIndented: Bool = false) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    return encoder
  }

  /// One document and a line feed: what `--json` prints, what files of results hold, and a line of JSON Lines.
  /// - Throws: `EncodingError`.
  public static func document(_ value: some Encodable, isIndented: Bool = false) throws -> Data {
    try encoder(isIndented: isIndented).encode(value) + Data("\n".utf8)
  }
}
