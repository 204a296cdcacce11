public import Foundation

/// How DATA is read. The defaults read every record, in file order, in the format that its fields show.
public struct DatasetOptions: Sendable, Hashable {
  /// The format's name; nil recognises it from the fields.
  public var format: String?
  /// Field names that differ from the format's: `["prompt": "Instruction"]` reads the field `Instruction` as `prompt`. A dotted path
  /// reaches into a field (`instances.0.input`). Without a format they are those of `pairs`.
  public var map: [String: String]
  /// Which of the format's ways to make samples is taken, where it has several; nil is the first.
  public var form: String?
  /// A template file that takes the place of the format's own (see ``PromptTemplate``).
  public var template: URL?
  /// The published split to read of a folder that holds several: `train`, `test`, `validation`…
  public var split: String?
  /// At most so many instructions are given.
  public var limit: Int?
  /// Whether bad records are passed over and counted, instead of ending the reading.
  public var skipBad: Bool

  public init(
    format: String? = nil, map: [String: String] = [:], form: String? = nil, template: URL? = nil, split: String? = nil,
    limit: Int? = nil, skipBad: Bool = false
  ) {
    self.format = format
    self.map = map
    self.form = form
    self.template = template
    self.split = split
    self.limit = limit
    self.skipBad = skipBad
  }
}
