import Ground

/// Bounds on what data may take, so that a hostile or mistaken file exhausts neither memory nor patience: far beyond what is published.
enum RecordLimits {
  /// The bytes of one record, unpacked.
  static let bytes = 16 << 20
  /// The values of one record, elements and fields included.
  static let values = 1 << 20
  /// The cells of a row of a table.
  static let cells = 1 << 16
  /// The bytes of the texts that are made of one record, where it holds several samples.
  static let sampleBytes = 128 << 20
  /// The bytes of the records that are kept to recognise a format; one record is always kept.
  static let recognitionBytes = 8 << 20
}

/// How much more than its size a packed file may hold.
///
/// What packs a thousandfold is no dataset (text packs three- to tenfold), and a file of a few kilobytes should not cost minutes.
struct ExpansionLimit {
  /// This much may be unpacked whatever the file's size.
  static let free = 64 << 20
  /// Beyond that, the most bytes for each byte of the file.
  static let factor = 256

  private var left: Int

  /// - Parameter packed: the bytes of the file.
  init(packed: Int) {
    let (product, overflow) = packed.multipliedReportingOverflow(by: Self.factor)
    left = overflow ? .max : max(Self.free, product)
  }

  /// Counts unpacked bytes.
  /// - Returns: whether they are within the limit.
  mutating func take(_ bytes: Int) -> Bool {
    left -= min(bytes, left)
    return left > 0
  }

  /// What a file is that goes beyond the limit, as the end of a sentence.
  static let problem: Message = "unpacks to more than \(factor) times its size, which no dataset does"
}
