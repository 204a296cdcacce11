public import ActivationPatterns
public import Foundation
public import Ground

/// The file beside a pattern that tells its strongest heads' strongest samples token by token, `NAME.tokens.jsonl`: a line that says what it
/// belongs to, then a line a sample.
public struct TokenFile: Sendable {
  /// What a file of tokens belongs to: its first line.
  public struct Heading: Codable, Sendable, Hashable {
    /// What says that Headway wrote it.
    var kind = TokenFile.kind
    /// The model as it was named.
    public var model: String?
    /// The fingerprint of its weights.
    public var modelFingerprint: String?
    /// The fingerprint of the data.
    public var dataFingerprint: String?
    /// The type of the computation.
    public var dtype: String?
    /// How losses were averaged.
    public var loss: String?
    /// The score by which heads and samples were chosen.
    public var score: Score
    /// How many samples were chosen for each head.
    public var samples: Int
    /// The heads, strongest first, each `LAYER:HEAD`.
    public var heads: [String]

    enum CodingKeys: String, CodingKey {
      case kind, model, dtype, loss, score, samples, heads
      case modelFingerprint = "model_fingerprint"
      case dataFingerprint = "data_fingerprint"
    }

    init(_ provenance: Provenance, score: Score, samples: Int, heads: [String]) {
      (model, modelFingerprint) = (provenance.model, provenance.modelFingerprint)
      (dataFingerprint, dtype, loss) = (provenance.dataFingerprint, provenance.dtype, provenance.loss)
      (self.score, self.samples, self.heads) = (score, samples, heads)
    }
  }

  static let kind = "tokens"

  /// What it belongs to.
  public var heading: Heading
  /// The samples in the order of the data.
  public var samples: [SampleTokens]

  /// The file of a pattern's.
  public static func url(beside pattern: URL) -> URL {
    pattern.deletingPathExtension().appendingPathExtension("tokens.jsonl")
  }

  /// Writes it whole or not at all.
  /// - Throws: `FileError`.
  public func write(to url: URL) throws {
    try AtomicFile.write(to: url) { sink in
      try sink.write(HeadwayJSON.document(heading))
      for sample in samples { try sink.write(HeadwayJSON.document(sample)) }
    }
  }

  /// Reads a file.
  /// - Throws: `FileError`, or `RunError` naming the line that is wrong.
  public init(from url: URL) throws {
    let file = try MappedFile(at: url)
    let path = url.path(percentEncoded: false)
    let lines = withExtendedLifetime(file) { file.bytes.split(separator: UInt8(ascii: "\n")).map { Data($0) } }
    guard let heading = lines.first.flatMap(Self.heading) else {
      throw RunError("\(path) does not begin as a file of tokens; measure its pattern again with \(setting: .tokens)")
    }
    self.heading = heading
    let decoder = JSONDecoder()
    samples = try lines.dropFirst().enumerated().map { number, line in
      guard let sample = try? decoder.decode(SampleTokens.self, from: line), sample.isWhole else {
        throw RunError("\(path): line \(number + 2) is no sample token by token; measure its pattern again with \(setting: .tokens)")
      }
      return sample
    }
  }

  init(heading: Heading, samples: [SampleTokens]) { (self.heading, self.samples) = (heading, samples) }

  /// The tokens beside a pattern; nil where there are none, or those of another pattern.
  /// - Throws: as `init(from:)`.
  public init?(beside pattern: URL, of provenance: Provenance) throws {
    let url = Self.url(beside: pattern)
    guard OutputKind.tokens.isOwn(url) else { return nil }
    try self.init(from: url)
    guard heading.modelFingerprint == provenance.modelFingerprint, heading.dataFingerprint == provenance.dataFingerprint,
      heading.dtype == provenance.dtype, heading.loss == provenance.loss
    else { return nil }
  }

  fileprivate static func heading(_ line: Data) -> Heading? {
    guard let heading = try? JSONDecoder().decode(Heading.self, from: line), heading.kind == kind else { return nil }
    return heading
  }
}

extension SampleTokens {
  /// Whether all its lists are of one length.
  fileprivate var isWhole: Bool {
    texts.count == tokens.count && labels.allSatisfy(tokens.indices.contains)
      && heads.allSatisfy {
        $0.layer >= 0 && $0.head >= 0 && $0.signed.count == tokens.count && $0.saliency?.count ?? tokens.count == tokens.count
      }
  }
}

extension OutputKind {
  /// Samples token by token beside a pattern, known by their first line.
  public static let tokens = OutputKind("the tokens of the pattern's strongest samples") { url in
    guard let handle = try? FileHandle(forReadingFrom: url) else { return false }
    defer { try? handle.close() }
    // A heading is short: the heads that are named make its length.
    guard let start = try? handle.read(upToCount: 1 << 20), let end = start.firstIndex(of: UInt8(ascii: "\n")) else { return false }
    return TokenFile.heading(start[..<end]) != nil
  }
}

extension Setting {
  static let tokens = Setting("tokens")
  static let tokenHeads = Setting("token_heads")
}
