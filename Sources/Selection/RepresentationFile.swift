public import ActivationPatterns
import CheckpointFiles
public import Foundation
public import Ground

/// What stands for each sample of a dataset where samples are chosen by likeness: a file of one row a sample, as `represent` writes it.
///
/// Rows stay in the mapped file until they are asked for, so that a pool of 10⁶ rows of 8,192 numbers costs no memory of the process's own.
public struct RepresentationFile: Sendable {
  /// What a row is made of.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// The gradient of the sample's loss by the weights of low-rank adapters, projected at random to D dimensions, for each of K checkpoints
    /// of their training (LESS, Xia et al. 2024).
    case gradient
    /// The position-weighted mean of the last hidden states (RDS+, Ivison et al. 2025).
    case embedding
    /// The mean cross-entropy over the sample's labels: one number.
    case loss
  }

  /// Which side of LESS's inner product a gradient is.
  public enum Role: String, Sendable, Codable, CaseIterable {
    /// The direction that Adam would step in from the checkpoint's moments: of data to choose from.
    case pool
    /// The gradient itself: of the target's samples.
    case target
  }

  /// The rows of one tensor, F32 [N, D], where they lie in the file.
  public struct Rows: Sendable {
    /// The number of samples, N.
    public let count: Int
    /// The length of a row, D; 1 for a loss.
    public let width: Int
    fileprivate let mapping: MappedFile
    fileprivate let byteRange: Range<Int>

    /// The bytes of consecutive rows, little-endian float32 row by row, at no particular alignment, valid while this value lives.
    /// Nothing says that they are finite: who reads them looks.
    /// - Throws: `FileError` where the range leaves the rows.
    public func bytes(of rows: Range<Int>) throws -> UnsafeRawBufferPointer {
      let end = rows.upperBound <= count ? byteRange.lowerBound + rows.upperBound * width * 4 : .max
      return try mapping.bytes(in: byteRange.lowerBound + max(0, rows.lowerBound) * width * 4..<end)
    }

    /// One sample's row, [D].
    /// - Throws: `FileError` where there is no such row, `SelectionError` where a value is not finite.
    public func row(_ sample: Int) throws -> [Float] {
      let bytes = try bytes(of: sample..<sample + 1)
      let row = (0..<width).map { Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))) }
      if let bad = row.firstIndex(where: { !$0.isFinite }) {
        throw SelectionError(
          "\(mapping.url.path(percentEncoded: false)): sample \(sample) has the value \(String(row[bad])) at entry \(bad); make the representation again: it holds finite numbers only"
        )
      }
      return row
    }
  }

  /// The file.
  public let url: URL
  /// What a row is made of.
  public let kind: Kind
  /// Where it came from.
  public let provenance: Provenance
  /// The number of samples, N.
  public let sampleCount: Int
  /// The length of a row, D; 1 for a loss.
  public let width: Int
  /// One for an embedding or a loss; for a gradient one for each of its K checkpoints, the earliest first.
  public let rows: [Rows]
  /// LESS's η_i, [K]: the mean learning rate of the stretch of training that each checkpoint ends. 1 for an embedding or a loss.
  public let weights: [Double]
  /// Which side of the inner product a gradient is; nil for what is none.
  public let role: Role?
  /// What made the random projection of a gradient; nil for what is none. Gradients of different projections have nothing in common.
  public let projection: String?
  /// Each sample's position in the data, counted from 0 and rising, [N].
  public let index: [Int64]
  /// A fingerprint of each sample's texts, [N]; nil where it was not recorded.
  public let contents: [UInt64]?
  /// Ties the ids to the file.
  private let identifiersFingerprint: String?

  /// Opens a file and checks its form; rows are looked at only when they are asked for.
  /// - Throws: `FileError`, `CheckpointError`, `PatternError` or `SelectionError` naming the file and what is wrong with it.
  public init(at url: URL) throws {
    let file = try SafetensorsFile(at: url)
    let metadata = file.metadata
    func wrong(_ problem: Message, _ remedy: Message = "make it again") -> SelectionError {
      SelectionError("\(file.path): \(problem); \(remedy)")
    }
    guard metadata["headway.kind"] == RepresentationFile.mark else {
      let what: Message = metadata["headway.kind"].map { "it holds a \($0), not a representation" } ?? "it is no representation"
      throw wrong(what, "give a file that represent wrote")
    }
    guard let kind = metadata[Key.representation].flatMap(Kind.init) else {
      throw wrong(
        "its metadata \"representation\" is \(metadata[Key.representation]?.debugDescription ?? "missing"), not one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    if let kept = metadata[Key.role], Role(rawValue: kept) == nil {
      throw wrong("its metadata \"\(Key.role)\" is \(kept.debugDescription), neither pool nor target")
    }
    let weights = try RepresentationFile.weights(metadata[Key.weights], of: kind, wrong)
    guard kind != .gradient || (metadata[Key.role] != nil && metadata[Key.projection] != nil) else {
      throw wrong("it holds gradients but not their \(metadata[Key.role] == nil ? "role" : "projection")")
    }
    let index = try file.int64s("index")
    guard index.first.map({ $0 >= 0 }) ?? true, zip(index, index.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw wrong("its samples' positions in the data do not rise")
    }
    var rows: [Rows] = []
    for name in RepresentationFile.names(of: kind, checkpoints: weights.count) {
      let entry = try file.tensor(named: name)
      let shape = kind == .loss ? entry.shape + [1] : entry.shape
      guard entry.elementType == .float32, shape.count == 2, shape[0] == index.count, shape[1] > 0,
        shape[1] == rows.first?.width ?? shape[1]
      else {
        let form = kind == .loss ? "[\(index.count)]" : "[\(index.count), \(rows.first.map { String($0.width) } ?? "dimensions")]"
        throw CheckpointError(
          path: file.path, tensor: name, problem: "is \(entry.elementType.safetensorsName) \(entry.shape), not F32 \(form)",
          remedy: "make it again")
      }
      rows.append(Rows(count: shape[0], width: shape[1], mapping: file.mapping, byteRange: entry.byteRange))
    }
    contents = file["content"] == nil ? nil : try file.int64s("content").map { UInt64(bitPattern: $0) }
    if let contents, contents.count != index.count {
      throw wrong("it has \(contents.count) fingerprints of texts for \(index.count) samples")
    }
    self.url = url
    self.kind = kind
    self.rows = rows
    self.weights = weights
    self.index = index
    sampleCount = index.count
    width = rows.first?.width ?? 1
    role = kind == .gradient ? metadata[Key.role].flatMap(Role.init) : nil
    projection = kind == .gradient ? metadata[Key.projection] : nil
    identifiersFingerprint = metadata[Key.identifiers]
    provenance = try Provenance(metadata: metadata.filter { !Key.all.contains($0.key) }, path: file.path)
  }

  /// The samples' ids, [N]; nil where there are none beside the file, or those of another.
  /// - Throws: `PatternError` naming the line that is wrong.
  public func identifiers() throws -> [String]? {
    let url = SampleIdentifiers.url(beside: url)
    guard let identifiersFingerprint, FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return nil }
    let ids = try SampleIdentifiers.read(from: url)
    return SampleIdentifiers.fingerprint(ids) == identifiersFingerprint && ids.count == sampleCount ? ids : nil
  }

  /// The files that a representation is read from: itself, and its ids where it has any.
  public static func files(of url: URL) -> [URL] { [url, SampleIdentifiers.url(beside: url)] }

  // MARK: Form

  /// What the metadata `headway.kind` is.
  static let mark = "representation"

  /// What the file's form adds to the provenance.
  enum Key {
    static let representation = "representation"
    static let weights = "gradient.weights"
    static let role = "gradient.role"
    static let projection = "gradient.projection"
    static let identifiers = "ids_fingerprint"
    static let all: Set = ["headway.kind", representation, weights, role, projection, identifiers]
  }

  /// The names of the tensors that hold rows, in order.
  static func names(of kind: Kind, checkpoints: Int) -> [String] {
    kind == .gradient ? (0..<checkpoints).map { "gradient.\($0)" } : [kind.rawValue]
  }

  private static func weights(
    _ text: String?, of kind: Kind, _ wrong: (_ problem: Message, _ remedy: Message) -> SelectionError
  ) throws -> [Double] {
    guard kind == .gradient else { return [1] }
    let weights = (text ?? "").split(separator: " ").map { Double($0) ?? .nan }
    guard !weights.isEmpty, weights.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw wrong("its metadata \"\(Key.weights)\" is not a learning rate for each checkpoint", "make it again")
    }
    return weights
  }
}

extension OutputKind {
  /// A representation of samples; its metadata say what it is.
  public static let representation = OutputKind("a representation") { url in
    (try? SafetensorsFile(at: url))?.metadata["headway.kind"] == RepresentationFile.mark
  }
}

extension OutputGuard {
  /// Takes a representation's file as an output, with its ids and its journal.
  /// - Throws: as `claim(file:as:beside:)` does.
  public func claim(representation url: URL, journal: Companion) throws {
    try claim(
      file: url, as: .representation, beside: [.part(SampleIdentifiers.url(beside: url), as: .identifiers(of: url)), journal])
  }
}
