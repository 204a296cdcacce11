import CLikeness
import Dispatch
import Foundation
import Ground
import Synchronization

/// Pearson correlation or cosine of each sample's numbers with each target's, straight from mapped files, on all processors.
///
/// Where a sample has several rows, one for each checkpoint of a training, the likeness is the weighted mean of the rows'.
struct VectorLikeness: Likeness {
  /// How alike two rows are.
  enum Measure: Sendable {
    /// Pearson correlation over the entries (equation 5).
    case correlation
    /// The cosine of the angle between them.
    case cosine
  }

  /// The pool's rows, one set for each checkpoint, [K]; all of the same files.
  let rows: [SampleRows]
  /// What each checkpoint counts, [K], adding up to 1.
  let weights: [Double]
  let measure: Measure
  /// What rows are standardised by; nil for none.
  let standard: ColumnMoments?
  let targetNames: [String]
  /// Each target's vector, of length one and, for a correlation, of mean zero: [K][T · D].
  private let directions: [[Double]]

  var sampleCount: Int { rows.first?.count ?? 0 }
  private var entries: Int { standard?.entries ?? rows.first?.width ?? 0 }

  /// - Parameters:
  ///   - rows: one set of rows for each checkpoint, at least one.
  ///   - targets: the targets' numbers, for each checkpoint one row for each target, [K][T][D].
  /// - Throws: `SelectionError` where a target has no direction: where its numbers are all the same, or all zero.
  init(
    _ rows: [SampleRows], weights: [Double] = [1], to targets: [[[Double]]], named names: [String], by measure: Measure,
    standardisedBy standard: ColumnMoments? = nil
  ) throws {
    self.rows = rows
    let sum = weights.reduce(0, +)
    self.weights = weights.map { $0 / sum }
    self.measure = measure
    self.standard = standard
    targetNames = names
    directions = try targets.map { checkpoint in
      try zip(checkpoint, names).flatMap { row, name in
        guard let direction = VectorLikeness.direction(VectorLikeness.standardised(row, by: standard), measure, standard) else {
          throw SelectionError("the numbers of \(name) are all the same, so that nothing is like it; give another target")
        }
        return direction
      }
    }
  }

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    guard let pieces = rows.first?.pieces, let width = rows.first?.width else { return }
    let targets = targetNames.count
    // Some 32 MiB of rows at a time: large beside the cost of waking the threads, small beside memory.
    let blockRows = max(1, min((32 << 20) / (4 * width), (16 << 20) / (8 * targets), rows.first?.count ?? 1))
    let values = UnsafeMutableBufferPointer<Double>.allocate(capacity: blockRows * targets)
    defer { values.deallocate() }
    let part = UnsafeMutableBufferPointer<Double>.allocate(capacity: rows.count > 1 ? blockRows * targets : 0)
    defer { part.deallocate() }
    let scales = standard?.scales
    let shifts = standard?.shifts
    var first = 0
    for (number, piece) in pieces.enumerated() {
      for start in stride(from: 0, to: piece.count, by: blockRows) {
        let range = start..<min(piece.count, start + blockRows)
        let count = range.count * targets
        for (checkpoint, rows) in rows.enumerated() {
          let out = checkpoint == 0 ? values : part
          try compare(rows.pieces[number], range, width, directions[checkpoint], scales, shifts, out)
          guard self.rows.count > 1 else { continue }
          let weight = weights[checkpoint]
          if checkpoint == 0 {
            for place in 0..<count { values[place] *= weight }
          } else {
            for place in 0..<count { values[place] += weight * part[place] }
          }
        }
        try body(first, UnsafeBufferPointer(rebasing: values[0..<count]))
        first += range.count
      }
    }
  }

  /// Compares some rows of a file with every target, a share of them on each processor.
  private func compare(
    _ piece: SampleRows.Piece, _ range: Range<Int>, _ width: Int, _ directions: [Double], _ scales: [Double]?, _ shifts: [Double]?,
    _ out: UnsafeMutableBufferPointer<Double>
  ) throws {
    let bytes = try piece.bytes(range)
    guard let address = bytes.baseAddress, let place = out.baseAddress else { return }
    if range.lowerBound == 0 { clikeness_reads_in_order(address, Int64(piece.count * width * 4)) }
    let targets = targetNames.count
    let firstBad = Mutex(Int?.none)
    // Each share reads rows and writes results of its own.
    nonisolated(unsafe) let (start, results) = (address, place)
    func work(_ with: clikeness_targets) {
      let shares = min(range.count, 4 * ProcessInfo.processInfo.activeProcessorCount)
      nonisolated(unsafe) let with = with
      DispatchQueue.concurrentPerform(iterations: shares) { share in
        let own = range.count * share / shares..<range.count * (share + 1) / shares
        let rows = start + own.lowerBound * width * 4
        let bad = withUnsafePointer(to: with) { clikeness_rows(rows, Int64(own.count), $0, results + own.lowerBound * targets) }
        clikeness_have_read(rows, Int64(own.count * width * 4))
        guard bad != -1 else { return }
        let row = own.lowerBound + max(0, Int(bad))
        firstBad.withLock { $0 = min($0 ?? row, row) }
      }
    }
    directions.withUnsafeBufferPointer { directions in
      var with = clikeness_targets()
      with.width = Int64(width)
      with.targets = directions.baseAddress
      with.target_count = Int64(targets)
      with.entries = Int64(entries)
      with.centred = measure == .correlation ? 1 : 0
      guard let scales, let shifts else { return work(with) }
      scales.withUnsafeBufferPointer { scales in
        shifts.withUnsafeBufferPointer { shifts in
          with.scale = scales.baseAddress
          with.shift = shifts.baseAddress
          work(with)
        }
      }
    }
    if let bad = firstBad.withLock({ $0 }) { throw SampleRows.problem(of: range.lowerBound + bad, in: piece, width: width) }
  }

  /// What each entry adds to the correlation of a sample with a target, [D]: they add up to it. Of the first checkpoint.
  func parts(sample: Int, target: Int) throws -> [Double] {
    guard let rows = rows.first, let all = directions.first else { return [] }
    let row = VectorLikeness.standardised(try rows.row(sample), by: standard)
    guard let own = VectorLikeness.direction(row, measure, standard) else { return [] }
    return zip(own, all[target * rows.width..<(target + 1) * rows.width]).map { $0 * $1 }
  }

  private static func standardised(_ row: [Double], by standard: ColumnMoments?) -> [Double] {
    guard let standard else { return row }
    return row.indices.map { standard.deviations[$0] > 0 ? (row[$0] - standard.means[$0]) / standard.deviations[$0] : 0 }
  }

  /// The row brought to length one, its mean taken off for a correlation; nil where nothing is left of it.
  private static func direction(_ row: [Double], _ measure: Measure, _ standard: ColumnMoments?) -> [Double]? {
    let places = row.indices.filter { place in standard.map { $0.deviations[place] > 0 } ?? true }
    var row = row
    if measure == .correlation {
      let counted = places.map { row[$0] }
      guard let least = counted.min(), let greatest = counted.max(), least < greatest else { return nil }
      // The second time what rounding left is taken off.
      for _ in 0..<2 {
        let mean = places.reduce(0) { $0 + row[$1] } / Double(places.count)
        for place in places { row[place] -= mean }
      }
    }
    // Scaled first, so that no square vanishes.
    let greatest = row.reduce(0) { max($0, abs($1)) }
    guard greatest > 0 else { return nil }
    row = row.map { $0 / greatest }
    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return row.map { $0 / length }
  }
}
