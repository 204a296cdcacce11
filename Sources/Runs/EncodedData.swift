import Foundation
import Ground
public import Instructions
public import LanguageModels

/// A dataset turned into tokens, with what has to be told about it.
public struct EncodedData: Sendable {
  /// All samples in the order of the data.
  public private(set) var samples: [TokenizedSample] = []
  /// Samples without a label.
  public private(set) var skipped = 0
  /// Bad records that were passed over.
  public private(set) var skippedBad = 0
  /// Samples that were cut.
  public private(set) var truncated = 0
  /// The task that the samples name, where they agree.
  public private(set) var task: String?
  /// What is to be said of files of which nothing was read because the limit was reached in an earlier one.
  private var limitWarning: Message?
  private var names: [Int: String] = [:]
  private var contents: [Int: UInt64] = [:]

  /// Reads and encodes everything.
  public init(_ dataset: Dataset, _ encoder: SampleEncoder) throws {
    let reader = dataset.instructions()
    var tasks: Set<String> = []
    while let instruction = try reader.next() {
      let sample = encoder.encode(instruction)
      if let name = instruction.task { tasks.insert(name) }
      if let id = instruction.id { names[sample.index] = id }
      contents[sample.index] = instruction.contentFingerprint
      if sample.labelCount == 0 { skipped += 1 }
      if sample.isTruncated { truncated += 1 }
      samples.append(sample)
    }
    try reader.requireAnsweredSamples()
    limitWarning = reader.limitWarning
    skippedBad = reader.skipped
    task = tasks.count == 1 ? tasks.first : tasks.sorted().joined(separator: "+")
  }

  /// Opens data files for a model, encodes them, and says what a user should know before anything is computed.
  /// - Parameters:
  ///   - data: the files.
  ///   - options: how they are read.
  ///   - encoder: the model's.
  ///   - shape: the model's, which says how long a sample may be.
  ///   - what: what the messages call it.
  ///   - monitor: is told what a user should know.
  /// - Throws: `RunError` where no sample has a label.
  public static func read(
    _ data: DataSettings, _ options: DatasetOptions, _ encoder: SampleEncoder, _ shape: DecoderShape, as what: String = "data",
    _ monitor: RunMonitor
  ) throws -> (dataset: Dataset, encoded: EncodedData) {
    let dataset = try data.dataset(options)
    if dataset.formatWasRecognised {
      monitor.note("\(what): read as \(dataset.formatDescription) (say \(setting: Setting("format")) to choose another)")
    }
    for note in encoder.notes { monitor.note("note: \(note)") }
    let encoded = try EncodedData(dataset, encoder)
    for note in encoded.notes(shape) { monitor.note("note: \(what): \(note)") }
    if let warning = encoded.limitWarning { monitor.warn("\(what): \(warning)") }
    guard encoded.samples.contains(where: { $0.labelCount > 0 }) else {
      throw RunError(
        encoded.truncated == 0
          ? "\(dataset.name): the responses of its samples are empty; check the data"
          : "\(dataset.name): its samples are cut before their response begins, at \(encoder.maximumLength) tokens; raise \(setting: .maximumLength)"
      )
    }
    return (dataset, encoded)
  }

  /// The samples' own ids; their place in the data where they have none.
  public func identifiers(of indices: [Int]) -> [String] { indices.map { names[$0] ?? String($0) } }

  /// A fingerprint of each sample's texts, which tells samples of different files apart.
  func contentFingerprints(of indices: [Int]) -> [UInt64] { indices.map { contents[$0] ?? 0 } }

  /// What a user should know before it is measured.
  func notes(_ shape: DecoderShape) -> [Message] {
    let long = samples.filter { $0.tokens.count > shape.maximumPositions }.count
    guard long > 0, !shape.positionsEnd else { return [] }
    return [
      "\(long) samples are longer than the \(shape.maximumPositions) tokens that the model was made for; lower \(setting: .maximumLength) to cut them there"
    ]
  }
}
