import CheckpointFiles
import Ground

/// Rows of float32 numbers, one for each sample, where they lie: in one mapped file or in several, one after another, [N, D].
struct SampleRows: Sendable {
  /// The rows of one file.
  struct Piece: Sendable {
    /// What messages call the file.
    let name: String
    /// Its rows.
    let count: Int
    /// The bytes of consecutive rows, valid while this value lives, at no particular alignment.
    let bytes: @Sendable (Range<Int>) throws -> UnsafeRawBufferPointer
  }

  /// The files' rows, in order.
  let pieces: [Piece]
  /// The length of a row, D.
  let width: Int
  /// All rows, N.
  let count: Int

  init(_ pieces: [Piece], width: Int) {
    self.pieces = pieces
    self.width = width
    count = pieces.reduce(0) { $0 + $1.count }
  }

  /// Levels of samples, F32 [N, L, H] in each file.
  init(_ tensors: [StoredTensor]) {
    let width = tensors.first.map { $0.shape.dropFirst().reduce(1, *) } ?? 1
    self.init(
      tensors.map { tensor in
        Piece(name: tensor.path, count: tensor.shape.first ?? 0) { rows in
          let start = tensor.byteRange.lowerBound
          return try tensor.mapping.bytes(in: start + rows.lowerBound * width * 4..<start + rows.upperBound * width * 4)
        }
      }, width: width)
  }

  /// Rows of representations.
  init(_ files: [(url: String, rows: RepresentationFile.Rows)]) {
    self.init(
      files.map { url, rows in Piece(name: url, count: rows.count) { try rows.bytes(of: $0) } }, width: files.first?.rows.width ?? 1)
  }

  /// One row widened, [D].
  /// - Throws: `SelectionError` where there is no such row or a number is not finite.
  func row(_ sample: Int) throws -> [Double] {
    var place = sample
    for piece in pieces {
      guard place >= piece.count else { return try SampleRows.row(place, of: piece, width: width) }
      place -= piece.count
    }
    throw SelectionError("there is no sample \(sample) among \(count); count from 0")
  }

  private static func row(_ place: Int, of piece: Piece, width: Int) throws -> [Double] {
    let bytes = try piece.bytes(place..<place + 1)
    let row = (0..<width).map {
      Double(Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))))
    }
    if let bad = row.firstIndex(where: { !$0.isFinite }) {
      throw SelectionError(
        "\(piece.name): its row \(place) has the value \(row[bad]) at entry \(bad); measure it again: only finite numbers can be compared")
    }
    return row
  }

  /// What is wrong with a row that a kernel refused.
  static func problem(of row: Int, in piece: Piece, width: Int) -> any Error {
    do { _ = try self.row(row, of: piece, width: width) } catch { return error }
    return SelectionError("\(piece.name): there is not enough memory to compare its samples; free some")
  }
}
