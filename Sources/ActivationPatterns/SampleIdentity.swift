import Ground

/// What tells the samples of a pattern apart, and which of another pattern's samples are the same ones.
///
/// A position in a file names a sample of that file alone, and an id is no more than what a dataset calls it. What a sample is, is its text.
/// So texts decide where both sides recorded them (`ActivationPattern.Samples.contents`); otherwise ids do, and last positions, within one
/// file of data.
struct SampleIdentity {
  private let ids: [String]?
  private let index: [Int64]
  private let contents: [UInt64]?
  private let dataFingerprint: String?

  init(_ samples: ActivationPattern.Samples, dataFingerprint: String?) {
    ids = samples.ids
    index = samples.index
    contents = samples.contents
    self.dataFingerprint = dataFingerprint
  }

  /// How the samples of one pattern lie in another.
  struct Match {
    /// For each sample of the first, its position in the second; nil where it is not there.
    var positions: [Int?]
    /// The first sample of the second that is not in the first.
    var surplus: Int?

    /// Whether both have the same samples.
    var isComplete: Bool { surplus == nil && !positions.contains(nil) }
    /// Whether they share none.
    var isEmpty: Bool { positions.allSatisfy { $0 == nil } }
  }

  /// Matches the samples of two patterns; nil where nothing that both recorded tells their samples apart.
  /// - Parameter comparesTexts: false where both show the same samples through different templates, so that texts differ in any case.
  func match(_ other: SampleIdentity, comparesTexts: Bool) -> Match? {
    if comparesTexts, let one = contentKeys(with: other), let two = other.contentKeys(with: self) { return Self.match(one, two) }
    let isOneFile = dataFingerprint == other.dataFingerprint
    guard isOneFile else { return nil }
    if let one = idKeys, let two = other.idKeys { return Self.match(one, two) }
    guard dataFingerprint != nil, let one = positionKeys(with: other), let two = other.positionKeys(with: self) else { return nil }
    return Self.match(one, two)
  }

  /// The name of a sample in messages.
  func name(_ sample: Int) -> String { ids.map { $0[sample].debugDescription } ?? "the one at position \(index[sample])" }

  // MARK: Keys

  /// Ids are compared by their bytes: Swift's strings compare canonically, and ids that differ in code points are different samples.
  private struct Key: Hashable {
    var id: [UInt8] = []
    var number: UInt64 = 0
  }

  /// Whether every id is only the sample's position, as for data without ids.
  private var hasOwnIds: Bool { ids.map { zip($0, index).contains { $0 != String($1) } } ?? false }

  private func contentKeys(with other: SampleIdentity) -> [Key]? {
    guard let contents, other.contents != nil else { return nil }
    guard hasOwnIds, other.hasOwnIds, let ids else { return contents.map { Key(number: $0) } }
    return zip(ids, contents).map { Key(id: Array($0.utf8), number: $1) }
  }

  /// Keys of the ids; nil where there are none, or one stands for several samples.
  private var idKeys: [Key]? {
    guard let keys = ids?.map({ Key(id: Array($0.utf8)) }), Set(keys).count == keys.count else { return nil }
    return keys
  }

  private func positionKeys(with other: SampleIdentity) -> [Key]? {
    guard Set(index).count == index.count else { return nil }
    guard let ids, other.ids != nil else { return index.map { Key(number: UInt64(bitPattern: $0)) } }
    return zip(ids, index).map { Key(id: Array($0.utf8), number: UInt64(bitPattern: $1)) }
  }

  /// Equal keys are matched in turn: what has one key has one text.
  private static func match(_ one: [Key], _ two: [Key]) -> Match {
    var places: [Key: [Int]] = [:]
    for (position, key) in two.enumerated().reversed() { places[key, default: []].append(position) }
    let positions = one.map { places[$0]?.popLast() }
    return Match(positions: positions, surplus: places.values.compactMap(\.last).min())
  }
}

extension Provenance {
  /// A text that changes when any sample's content does, whatever their order: what patterns that keep no samples tell their data apart by.
  /// - Parameter contents: a fingerprint of each sample's texts.
  public static func fingerprint(ofSamples contents: [UInt64]) -> String {
    var fingerprint = Fingerprint()
    for content in contents.sorted() { withUnsafeBytes(of: content.littleEndian) { fingerprint.add($0) } }
    return SampleIdentifiers.hexadecimal(fingerprint)
  }
}
