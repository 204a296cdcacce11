/// A sequence of tokens of which the last ones are scored.
public struct ScoredSequence: Sendable, Hashable {
  /// All tokens.
  public var tokens: [Int]
  /// The place of the first token whose log-probability is wanted, given all before it. The token at place 0 has nothing before it.
  public var firstScored: Int

  /// A sequence; `firstScored` is from 1 on.
  public init(tokens: [Int], firstScored: Int) {
    self.tokens = tokens
    self.firstScored = max(1, firstScored)
  }

  /// How many tokens are scored.
  public var scoredCount: Int { max(0, tokens.count - firstScored) }

  /// How many tokens are computed to score sequences together.
  public static func computedCount(of sequences: [ScoredSequence]) -> Int { PrefixTree(sequences).computedCount }
}

/// Sequences laid out so that what they begin with alike is computed once: the shots of a subject, the question of several options.
///
/// Each node is a stretch of tokens behind its parent's. A packed pass computes all nodes at once, each seeing the keys of those before it; the last
/// token of a sequence is only predicted, and computed for no one.
struct PrefixTree {
  struct Node {
    /// The node that this one continues, which stands before it in the list.
    var parent: Int?
    /// The place of the first of its tokens in the sequences.
    var start: Int
    var tokens: ArraySlice<Int>
    /// Whether some token follows its last one.
    var isContinued = false
    /// The first place from which on its tokens are scored for some sequence.
    var firstScored: Int
  }

  private(set) var nodes: [Node] = []
  /// For each sequence the nodes that it is made of, from the first on.
  private(set) var paths: [[Int]]

  /// The fewest tokens that are worth a node of their own.
  static let shortestShared = 8

  /// A tree of sequences. Neighbours that begin alike share nodes, unless nothing is to be shared.
  init(_ sequences: [ScoredSequence], shares: Bool = true) {
    paths = Array(repeating: [], count: sequences.count)
    guard shares else {
      for number in sequences.indices { grow(sequences, [number], from: 0, parent: nil) }
      return
    }
    grow(sequences, Array(sequences.indices), from: 0, parent: nil)
  }

  private mutating func grow(_ sequences: [ScoredSequence], _ members: [Int], from start: Int, parent: Int?) {
    var first = 0
    while first < members.count {
      let tokens = sequences[members[first]].tokens
      var shared = tokens.count - start
      var last = first + 1
      while last < members.count {
        let common = min(shared, sequences[members[last]].tokens[start...].commonPrefix(tokens[start...]))
        // Equal sequences share everything, however short.
        guard common >= Self.shortestShared || common == tokens.count - start && common == sequences[members[last]].tokens.count - start
        else { break }
        shared = common
        last += 1
      }
      let group = Array(members[first..<last])
      first = last
      guard shared > 0 else { continue }
      let end = start + shared
      let longer = group.filter { sequences[$0].tokens.count > end }
      let number = nodes.count
      nodes.append(
        Node(
          parent: parent, start: start, tokens: tokens[start..<end], isContinued: !longer.isEmpty,
          firstScored: group.map { sequences[$0].firstScored }.min() ?? end))
      for member in group { paths[member].append(number) }
      grow(sequences, longer, from: end, parent: number)
    }
  }

  /// How many tokens of a node are computed.
  static func computed(_ node: Node) -> Int { node.isContinued ? node.tokens.count : node.tokens.count - 1 }

  /// How many tokens are computed in all.
  var computedCount: Int { nodes.reduce(0) { $0 + Self.computed($1) } }
}

extension ArraySlice<Int> {
  /// How many elements both begin with alike.
  public func commonPrefix(_ other: ArraySlice<Int>) -> Int {
    var count = 0
    for (mine, theirs) in zip(self, other) {
      guard mine == theirs else { break }
      count += 1
    }
    return count
  }
}
