import Torch

/// What the sequences of many scoring passes begin with, computed once: the shots of a subject, before each of its questions.
///
/// Keys, values and hidden states are kept in pieces of one size, each computed in a pass of its own behind those before it. What a piece holds thus
/// depends on the tokens up to its end alone, and not on which passes asked for it: a run that is gone on with computes the same bits as one that was
/// left alone.
///
///     let beginning = KeptBeginning(decoder)
///     for batch in batches { scores += try decoder.tokenLogProbabilities(of: batch, behind: beginning, keeping: 640) }
///
/// Not for use from several threads at once.
public final class KeptBeginning {
  /// The tokens of a piece where nothing else is said: enough of them that a pass is bound by its products rather than by reading the weights.
  public static let usualPiece = 64

  /// The most leading tokens that can be kept where `count` are shared.
  public static func keepable(_ count: Int, piece: Int = usualPiece) -> Int { max(0, count) / piece * piece }

  /// The tokens of a piece.
  public let piece: Int
  /// The tokens that are kept.
  public private(set) var tokens: [Int] = []
  /// How many tokens were computed to be kept, again and again included.
  public private(set) var computedCount = 0
  private let decoder: any CausalDecoder
  private let gates: [[Float]]?
  private var cache: KeyValueCache?
  /// For each piece the hidden states of its tokens `[piece, hidden]`, after the last normalisation.
  private var hiddenStates: [Tensor] = []
  /// For each of the first pieces the log-probabilities of its tokens; the very first token has none and stands as 0.
  private var scores: [[Double]] = []

  /// Nothing kept yet.
  /// - Parameters:
  ///   - decoder: whose keys and values.
  ///   - gates: for each layer a factor on every head's output `[H]`, as the passes have them; nil where all heads are on.
  ///   - piece: the tokens of a piece, at least one.
  public init(_ decoder: any CausalDecoder, gates: [[Float]]? = nil, piece: Int = usualPiece) {
    self.piece = max(1, piece)
    self.decoder = decoder
    self.gates = gates
  }

  /// Keeps these tokens, a multiple of a piece, and makes room for others behind them.
  func keep(_ beginning: ArraySlice<Int>, roomBehind: Int) throws -> KeyValueCache {
    var kept = Self.keepable(tokens[...].commonPrefix(beginning), piece: piece)
    let needed = beginning.count + roomBehind
    let room: KeyValueCache
    if let cache, cache.capacity >= needed {
      room = cache
    } else {
      // Grown by halves, so that slowly growing questions do not compute their beginning again and again.
      let before = cache?.capacity ?? 0
      cache = nil
      room = try KeyValueCache(decoder, slots: 1, capacity: max(needed, before + before / 2))
      kept = 0
    }
    cache = room
    try room.truncate(0, to: kept)
    tokens = Array(beginning.prefix(kept))
    hiddenStates = Array(hiddenStates.prefix(kept / piece))
    scores = Array(scores.prefix(kept / piece))
    for start in stride(from: kept, to: beginning.count, by: piece) {
      let next = beginning.dropFirst(start).prefix(piece)
      let rows = Array(0..<next.count)
      hiddenStates.append(try decoder.extend(room, by: [KeyValueCache.Addition(slot: 0, tokens: Array(next))], rows: rows, gates: gates))
      tokens += next
      computedCount += next.count
    }
    return room
  }

  /// The log-probability of the kept token at each place, given those before it; of the first token, 0.
  func logProbabilities() throws -> [Double] {
    for number in scores.count..<hiddenStates.count {
      var hidden = try hiddenStates[number].narrowed(0, from: 0, length: piece - 1)
      let first = number * piece
      if number > 0 { hidden = try Tensor.concatenated([hiddenStates[number - 1].narrowed(0, from: piece - 1, length: 1), hidden]) }
      let targets = Array(tokens[(number == 0 ? 1 : first)..<(first + piece)])
      let found = targets.isEmpty ? [] : try withoutGradients { try decoder.crossEntropies(of: hidden, targets).map { -$0 } }
      scores.append(number == 0 ? [0] + found : found)
    }
    return Array(scores.joined())
  }
}
