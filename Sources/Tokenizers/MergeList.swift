/// Pairs of tokens in the order in which they merge, as a file gives them.
struct MergeList: Sendable {
  /// Left and right tokens end to end, so that the merged token stands there in one piece.
  private var bytes: [UInt8] = []
  /// End of the left token and end of the right token of each pair.
  private var ends: [UInt32] = []

  /// Number of pairs.
  var count: Int { ends.count / 2 }

  /// Adds a pair given as two tokens.
  mutating func append(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) {
    bytes.append(contentsOf: left)
    ends.append(UInt32(truncatingIfNeeded: bytes.count))
    bytes.append(contentsOf: right)
    ends.append(UInt32(truncatingIfNeeded: bytes.count))
  }

  /// Adds a pair given as one text with a space between the tokens; false where it is not of this form.
  mutating func append(_ pair: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let space = pair.firstIndex(of: UInt8(ascii: " ")), !pair[(space + 1)...].contains(UInt8(ascii: " ")) else { return false }
    append(pair[..<space], pair[(space + 1)...])
    return true
  }

  /// The merges in terms of ids; the place in the list is the rank.
  func table(for vocabulary: Vocabulary) throws(ModelFault) -> MergeTable {
    guard bytes.count < Int(UInt32.max) else { throw ModelFault(reason: "the merges are beyond 4 GiB") }
    var table = MergeTable(capacity: count)
    let missing: (rank: Int, token: [UInt8])? = bytes.withUnsafeBufferPointer { bytes in
      for rank in 0..<count {
        let start = rank == 0 ? 0 : Int(ends[2 * rank - 1])
        let middle = Int(ends[2 * rank])
        let end = Int(ends[2 * rank + 1])
        let left = UnsafeBufferPointer(rebasing: bytes[start..<middle])
        let right = UnsafeBufferPointer(rebasing: bytes[middle..<end])
        let merged = UnsafeBufferPointer(rebasing: bytes[start..<end])
        guard let leftID = vocabulary.id(of: left) else { return (rank, Array(left)) }
        guard let rightID = vocabulary.id(of: right) else { return (rank, Array(right)) }
        guard let mergedID = vocabulary.id(of: merged) else { return (rank, Array(merged)) }
        table.set(leftID, rightID, rank: UInt32(rank), token: mergedID)
      }
      return nil
    }
    if let missing {
      throw ModelFault(reason: "merge \(missing.rank) needs the token \(quoted(missing.token)), which is not in the vocabulary")
    }
    return table
  }
}

extension MergeTable {
  /// In which order the merges come that a vocabulary implies.
  enum Order {
    /// By the id of the merged token; within one by the length of the left part (transformers' reading of SentencePiece files).
    case idAndLength
    /// By the id of the merged token; within one by the ids of the parts (transformers' reading of tiktoken files).
    case ids
    /// By the rank of the merged token, which several may share; tokens without a rank do not merge (SentencePiece's own).
    case ranks([UInt32?])
  }

  /// The merges that a vocabulary without a list of merges implies: every way to cut a token into two tokens
  /// (`generate_merges` and `TikTokenConverter` of transformers; `bpe::Model::SampleEncode` of SentencePiece).
  ///
  /// - Throws: where there are more ways than a tokenizer has (see ``TokenizerLimits``).
  static func implied(by vocabulary: Vocabulary, order: Order) throws(ModelFault) -> MergeTable {
    try checkSplitting(vocabulary)
    var table = MergeTable(capacity: vocabulary.count * 2)
    var next: UInt32 = 0
    var cuts: [(left: UInt32, right: UInt32)] = []
    for id in 0..<UInt32(vocabulary.size) {
      vocabulary.withToken(id) { token in
        var cut = 0
        while cut < token.count {
          cut += UTF8Coding.scalar(at: cut, in: token).length
          guard cut < token.count else { break }
          guard let left = vocabulary.id(of: UnsafeBufferPointer(rebasing: token[..<cut])),
            let right = vocabulary.id(of: UnsafeBufferPointer(rebasing: token[cut...]))
          else { continue }
          cuts.append((left, right))
        }
      }
      guard table.count + cuts.count <= TokenizerLimits.merges else {
        throw ModelFault(reason: "its tokens are made of each other in more than \(TokenizerLimits.merges) ways")
      }
      switch order {
      case .idAndLength: break
      case .ids: cuts.sort { ($0.left, $0.right) < ($1.left, $1.right) }
      case .ranks(let ranks):
        // The places of the list are the ids.
        guard let rank = ranks[Int(id)] else {
          cuts.removeAll(keepingCapacity: true)
          continue
        }
        for (left, right) in cuts where ranks[Int(left)] != nil && ranks[Int(right)] != nil {
          table.set(left, right, rank: rank, token: id)
        }
        cuts.removeAll(keepingCapacity: true)
      }
      for (left, right) in cuts {
        table.set(left, right, rank: next, token: id)
        next += 1
      }
      cuts.removeAll(keepingCapacity: true)
    }
    return table
  }

  /// Every cut of a token hashes both its parts, so a token costs the square of its length.
  private static func checkSplitting(_ vocabulary: Vocabulary) throws(ModelFault) {
    var cost = 0
    vocabulary.forEach { token, _ in cost += token.count * token.count }
    guard cost <= TokenizerLimits.splitting else { throw ModelFault(reason: "its tokens are too long") }
  }
}
