public import Foundation
public import Ground
public import LanguageModels
public import Ranks

/// Makes a row of numbers for each sample of a dataset, several times over where there are several tables (one for each checkpoint of a training),
/// resumable: rows go to a journal as they are found and stay there, so that memory does not grow with their number.
public struct RowMeasurement {
  /// The length of a row.
  public let width: Int
  /// How many tables are made, one after the other.
  public let tables: Int
  /// Which samples are computed together and written together, as ranges of the samples that have labels. It follows from the data alone, so
  /// that a resumed run has the same.
  public let plan: [Range<Int>]
  /// The processes that measure together; nil for this one alone. On all but the first nothing is found.
  public var ranks: RankGroup?

  /// The measurement of these samples.
  /// - Parameters:
  ///   - width: the numbers of a row.
  ///   - tables: the rows of a sample.
  ///   - plan: ranges without gaps that begin at 0.
  public init(width: Int, tables: Int = 1, plan: [Range<Int>]) {
    self.width = width
    self.tables = tables
    self.plan = plan
  }

  /// The rows that were found.
  public struct Result: Sendable {
    /// The places in the data of the samples, in its order: those that have a label.
    public var index: [Int]
    /// Tokens that went through the model, those of a resumed run included; each table's are counted.
    public var tokens: Int
    /// Tokens of this run alone.
    public var measuredTokens: Int
    /// Seconds of the measuring loop.
    public var seconds: Double
    private let journal: MappedFile?
    private let pieces: [[Range<Int>]]

    fileprivate init(index: [Int], tokens: Int, measuredTokens: Int, seconds: Double, journal: MappedFile?, pieces: [[Range<Int>]]) {
      (self.index, self.tokens, self.measuredTokens, self.seconds) = (index, tokens, measuredTokens, seconds)
      (self.journal, self.pieces) = (journal, pieces)
    }

    /// Writes the rows of a table, little-endian float32 in the order of `index`, to a sink.
    /// - Throws: `FileError`.
    public func write(table: Int, to sink: FileSink) throws {
      guard let journal else { return }
      for piece in pieces[table] {
        try sink.write(journal.bytes(in: piece))
        journal.forget(piece)
      }
    }
  }

  /// Computes what the journal does not hold yet.
  ///
  /// - Parameters:
  ///   - samples: all samples of the data; those without a label are left out.
  ///   - journalOutput: the output beside which the journal is kept.
  ///   - identity: what must be equal for a resume beside the samples.
  ///   - resume: whether to go on with a journal that is there.
  ///   - overwrites: whether a journal that is not gone on with is thrown away.
  ///   - shouldStop: asked before every range of the plan.
  ///   - progress: told after every one; samples and tokens are those of all tables together.
  ///   - rows: the rows of a range's samples in a table, [samples · width]. Tables come one after the other.
  /// - Throws: `PatternMeasurement.Stopped` where it was asked to stop, what the journal or `rows` throws.
  public func run(
    _ samples: [TokenizedSample], journalOutput: URL, identity: RunIdentity, resume: Bool = false, overwrites: Bool = false,
    shouldStop: () -> Bool = { false }, progress: (PatternMeasurement.Progress) -> Void = { _ in },
    rows: (_ table: Int, _ samples: [TokenizedSample]) throws -> [Float]
  ) throws -> Result {
    let measured = samples.filter { $0.labelCount > 0 }
    let totalTokens = tables * measured.reduce(0) { $0 + $1.tokens.count }
    var identity = identity
    identity["encoded_fingerprint"] = TokenizedSample.fingerprint(of: samples)
    let work = (0..<tables).flatMap { table in plan.map { (table, $0) } }
    var pieces = [[Range<Int>]](repeating: [], count: tables)
    var (done, doneSamples, doneTokens) = (0, 0, 0)
    func take(_ offset: Int) {
      let (table, range) = work[done]
      pieces[table].append(offset..<offset + 4 * width * range.count)
      done += 1
      doneSamples += range.count
      doneTokens += measured[range].reduce(0) { $0 + $1.tokens.count }
    }
    var journal: RunJournal?
    if ranks.writes {
      journal = try RunJournal.open(beside: journalOutput, identity: identity, resume: resume, overwrites: overwrites) { record in
        var record = record
        guard done < work.count, record.integer(UInt64.self) == UInt64(work[done].0),
          record.integer(UInt64.self) == UInt64(work[done].1.lowerBound), record.remaining == 4 * width * work[done].1.count
        else { return false }
        take(record.offset + 16)
        return true
      }
    }
    let resumedTokens = doneTokens
    let started = ContinuousClock.now
    var begun = try ranks?.told(done) ?? done
    try RankGroup.sideBySide(
      on: ranks, lanes: 1,
      next: { () -> (table: Int, range: Range<Int>)? in
        guard begun < work.count else { return nil }
        begun += 1
        return work[begun - 1]
      },
      shouldStop: shouldStop, stopped: PatternMeasurement.Stopped(),
      { piece, _ -> [Float] in
        let found = try rows(piece.table, Array(measured[piece.range]))
        guard found.count == piece.range.count * width else {
          throw ProbingError("\(found.count) numbers do not make \(piece.range.count) rows of \(width)")
        }
        return found
      },
      encode: { $0.withUnsafeBytes { Array($0) } },
      decode: { bytes, piece in
        guard bytes.count == 4 * width * piece.range.count else {
          throw ProbingError(
            "another rank sent rows that are not \(piece.range.count) of \(width); start all ranks with the same version of Headway")
        }
        return bytes.withUnsafeBytes { bytes in
          stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
        }
      },
      inOrder: { piece, found in
        guard let journal else { return }
        var record = JournalRecord()
        record.put(UInt64(piece.table))
        record.put(UInt64(piece.range.lowerBound))
        found.withUnsafeBytes { record.put($0) }
        take(try journal.append(record) + 16)
        let seconds = (ContinuousClock.now - started).seconds
        progress(
          .init(
            samples: doneSamples, totalSamples: tables * measured.count, tokens: doneTokens, totalTokens: totalTokens,
            tokensPerSecond: seconds > 0 ? Double(doneTokens - resumedTokens) / seconds : 0))
      })
    return Result(
      index: measured.map(\.index), tokens: doneTokens, measuredTokens: doneTokens - resumedTokens,
      seconds: (ContinuousClock.now - started).seconds, journal: try journal?.mapped(), pieces: pieces)
  }
}
