public import ActivationPatterns
import CheckpointFiles
public import Foundation
public import Ground

/// A representation on its way to a file: what is known of it, and where its rows come from when their turn comes.
public struct RepresentationWriter {
  /// What a row is made of.
  public var kind: RepresentationFile.Kind
  /// Where it came from.
  public var provenance: Provenance
  /// The length of a row, D; 1 for a loss.
  public var width: Int
  /// Each sample's position in the data, counted from 0 and rising, [N].
  public var index: [Int64]
  /// Each sample's name in the data, [N].
  public var ids: [String]
  /// A fingerprint of each sample's texts, [N].
  public var contents: [UInt64]
  /// For a gradient the mean learning rate of each of its checkpoints' stretch, [K]; else 1.
  public var weights: [Double] = [1]
  /// Which side a gradient is.
  public var role: RepresentationFile.Role?
  /// What made the random projection of a gradient.
  public var projection: String?

  /// A representation without rows yet.
  public init(
    _ kind: RepresentationFile.Kind, provenance: Provenance, width: Int, index: [Int64], ids: [String], contents: [UInt64]
  ) {
    self.kind = kind
    self.provenance = provenance
    self.width = width
    self.index = index
    self.ids = ids
    self.contents = contents
  }

  /// Writes the file whole or not at all, its ids before it.
  /// - Parameters:
  ///   - url: the file, `.safetensors`.
  ///   - rows: writes the N rows of one tensor, little-endian float32, to a sink; asked once for each, from 0 to K - 1.
  /// - Throws: `FileError` where it cannot be written, `CheckpointError` where rows are missing, `SelectionError` where what is known does not
  ///   belong together, or what `rows` throws.
  public func write(to url: URL, _ rows: @escaping (_ tensor: Int, _ sink: FileSink) throws -> Void) throws {
    guard ids.count == index.count, contents.count == index.count, width > 0, kind != .loss || width == 1,
      kind == .gradient ? role != nil && projection != nil && !weights.isEmpty : weights.count == 1
    else {
      throw SelectionError(
        "\(index.count) positions, \(ids.count) ids and \(contents.count) texts of a \(kind.rawValue) of width \(width) do not belong together; give one of each for every sample"
      )
    }
    typealias Key = RepresentationFile.Key
    var metadata = provenance.metadata
    metadata["headway.kind"] = RepresentationFile.mark
    metadata[Key.representation] = kind.rawValue
    metadata[Key.identifiers] = SampleIdentifiers.fingerprint(ids)
    if kind == .gradient {
      metadata[Key.weights] = weights.map { "\($0)" }.joined(separator: " ")
      metadata[Key.role] = role?.rawValue
      metadata[Key.projection] = projection
    }
    let shape = kind == .loss ? [index.count] : [index.count, width]
    var sources = RepresentationFile.names(of: kind, checkpoints: weights.count).enumerated().map { number, name in
      SafetensorsWriter.Source(name: name, elementType: .float32, shape: shape) { sink in try rows(number, sink) }
    }
    sources.append(.init(name: "index", shape: [index.count], int64s: index))
    sources.append(.init(name: "content", shape: [contents.count], int64s: contents.map { Int64(bitPattern: $0) }))
    try SampleIdentifiers.write(ids, index: index, to: SampleIdentifiers.url(beside: url))
    try SafetensorsWriter.write(sources, metadata: metadata, to: url)
  }
}
