public import Foundation
import Ground

/// How DATA is read. The defaults read every record, in file order, in the format that its fields show.
public struct DatasetOptions: Sendable {
  /// The format's name; nil recognises it from the fields.
  public var format: String?
  /// Field names that differ from the format's: `["prompt": "Instruction"]` reads the field `Instruction` as `prompt`. A dotted path
  /// reaches into a field (`instances.0.input`). Without a format they are those of `pairs`.
  public var map: [String: String]
  /// Which of the format's ways to make samples is taken, where it has several; nil is the first.
  public var form: String?
  /// A template file that takes the place of the format's own (see ``PromptTemplate``).
  public var template: URL?
  /// The chat form that samples are written in; nil leaves single exchanges as they are and writes conversations plainly.
  public var chat: ChatForm?
  /// The model's own chat template, in whose form the format `chat` is written where `chat` is nil. One that is none of the known forms
  /// is refused when such data is opened.
  public var modelChatTemplate: String?
  /// Whether all data is written in the model's own chat form, not the format `chat` alone.
  public var writesModelChat = false
  /// The model as the user named it, for messages.
  public var modelName: String?
  /// The published split to read of a folder that holds several: `train`, `test`, `validation`…
  public var split: String?
  /// Which samples are kept, by what they are.
  public var filter: InstructionFilter
  /// Whether a sample whose texts are all equal to an earlier one's is left out.
  public var deduplicates: Bool
  /// Splits off a part by seed, after filtering.
  public var holdOut: HoldOut?
  /// Draws this many samples by seed, without replacement, kept in file order; after splitting.
  public var sample: Int?
  /// The seed of splitting and sampling.
  public var seed: UInt64
  /// At most this many instructions are given, after all else.
  public var limit: Int?
  /// Whether bad records are passed over and counted, instead of ending the reading.
  public var skipBad: Bool

  /// A seeded split in two.
  public struct HoldOut: Sendable, Hashable {
    /// The share that is held out, between 0 and 1.
    public var fraction: Double
    /// Whether the held-out part is read, or the other.
    public var readsHeldOut: Bool

    /// Holds out this share of the samples, and says which part is read.
    public init(fraction: Double, readsHeldOut: Bool) {
      self.fraction = fraction
      self.readsHeldOut = readsHeldOut
    }
  }

  /// Options; what is left out reads everything as it is published.
  public init(
    format: String? = nil, map: [String: String] = [:], form: String? = nil, template: URL? = nil, chat: ChatForm? = nil,
    modelChatTemplate: String? = nil, split: String? = nil, filter: InstructionFilter = InstructionFilter(), deduplicates: Bool = false,
    holdOut: HoldOut? = nil,
    sample: Int? = nil, seed: UInt64 = 0, limit: Int? = nil, skipBad: Bool = false
  ) {
    self.format = format
    self.map = map
    self.form = form
    self.template = template
    self.chat = chat
    self.modelChatTemplate = modelChatTemplate
    self.split = split
    self.filter = filter
    self.deduplicates = deduplicates
    self.holdOut = holdOut
    self.sample = sample
    self.seed = seed
    self.limit = limit
    self.skipBad = skipBad
  }

  /// Says which field names of `map` cannot be meant.
  /// - Parameter format: the format whose fields are renamed; nil where none is named, which means pairs.
  public func checkMap(of format: String?) throws(DataError) {
    for (name, field) in map.sorted(by: { $0.key < $1.key }) {
      for text in [name, field] where text.isEmpty || text.first?.isWhitespace == true || text.last?.isWhitespace == true {
        throw .options("\(setting: .map) names \(listed([text])), which is empty or begins or ends with a space; leave the space out")
      }
      if format == nil || format == PairsFormat().name, !PairsFormat.readFields.contains(name) {
        throw .options(
          "\(setting: .map) names '\(name)', which the format pairs does not read; it reads \(PairsFormat.readFields.joined(separator: ", "))"
        )
      }
    }
  }

  /// Says which option makes no sense.
  func check() throws(DataError) {
    if let limit, limit < 1 { throw .options("\(setting: .limit) is \(limit); it should be at least 1") }
    if let sample, sample < 1 { throw .options("\(setting: .sample) is \(sample); it should be at least 1") }
    if let holdOut, !(holdOut.fraction > 0 && holdOut.fraction < 1) {
      throw .options("\(setting: .holdOut) is \(holdOut.fraction); it should lie between 0 and 1")
    }
    if template != nil, chat != nil {
      throw .options("\(setting: .template) and \(setting: .chat) both write the prompt; name one of them")
    }
  }
}
