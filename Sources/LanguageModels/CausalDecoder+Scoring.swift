import Ground
import Torch

extension CausalDecoder {
  /// The log-probability of each sequence's scored tokens, given what stands before them: in nats, summed in double precision over the tokens.
  ///
  /// As ``tokenLogProbabilities(of:gates:behind:keeping:)``, which has the single numbers.
  public func logProbabilities(of sequences: [ScoredSequence]) throws -> [Double] {
    try tokenLogProbabilities(of: sequences).map { $0.reduce(0, +) }
  }

  /// The log-probability of every scored token of each sequence, given what stands before it, in nats.
  ///
  /// What neighbouring sequences begin with alike is computed once, in one pass, and only the places before scored tokens reach the vocabulary.
  /// - Parameters:
  ///   - sequences: scored together; put what begins alike side by side.
  ///   - gates: for each layer a factor on every head's output `[H]`; nil where all heads are on.
  ///   - beginning: keeps what this and other passes begin with, made for this decoder and these gates; nil where every pass computes everything.
  ///   - kept: how many leading tokens it keeps; fewer where not all sequences begin with them.
  /// - Throws: `ModelError` for a sequence that is empty or longer than the model has positions, with one more token for the last, which is only predicted.
  public func tokenLogProbabilities(
    of sequences: [ScoredSequence], gates: [[Float]]? = nil, behind beginning: KeptBeginning? = nil, keeping kept: Int = 0
  ) throws -> [[Double]] {
    for (number, sequence) in sequences.enumerated() {
      guard !sequence.tokens.isEmpty else { throw ModelError("sequence \(number) has no token to score") }
      guard !shape.positionsEnd || sequence.tokens.count <= shape.maximumPositions + 1 else {
        throw ModelError(
          "sequence \(number) has \(sequence.tokens.count) tokens, but the model only \(shape.maximumPositions) positions; cut its beginning"
        )
      }
      guard sequence.tokens.allSatisfy({ (0..<shape.vocabularySize).contains($0) }) else {
        throw ModelError("sequence \(number) holds a token beyond the vocabulary of \(shape.vocabularySize); use the model's own tokenizer")
      }
    }
    // Beyond some length a model may stretch positions by the sequence's own, which a shared beginning does not know.
    let shares = shape.positionsStretchBeyond.map { limit in sequences.allSatisfy { $0.tokens.count <= limit + 1 } } ?? true
    if let beginning, shares {
      let length = KeptBeginning.keepable(min(kept, sequences.sharedContext), piece: beginning.piece)
      if length > 0 { return try tokenLogProbabilities(of: sequences, behind: beginning, keeping: length, gates: gates) }
    }
    let layout = PackedTree(PrefixTree(sequences, shares: shares))
    guard !layout.targets.isEmpty else { return sequences.map { _ in [] } }
    return try withoutGradients {
      let pass = ForwardPass(
        tokens: try Tensor(layout.tokens).moved(to: device), positions: layout.positions,
        bounds: PackedBounds(queries: layout.bounds, parents: layout.parents))
      return try scores(sequences, layout, pass, gates: gates)
    }
  }

  /// The same behind a beginning of `length` tokens, which all sequences have.
  private func tokenLogProbabilities(
    of sequences: [ScoredSequence], behind beginning: KeptBeginning, keeping length: Int, gates: [[Float]]?
  ) throws -> [[Double]] {
    // The last token of the beginning is computed again, since its row predicts what comes behind it.
    let seen = length - 1
    let rest = sequences.map { ScoredSequence(tokens: Array($0.tokens.dropFirst(seen)), firstScored: $0.firstScored - seen) }
    let layout = PackedTree(PrefixTree(rest))
    guard let first = sequences.first else { return [] }
    let cache = try beginning.keep(first.tokens.prefix(length), roomBehind: layout.tokens.count)
    let kept = sequences.contains { $0.firstScored < length } ? try beginning.logProbabilities() : []
    let found = try withoutGradients {
      let pass = try cache.pass(
        behind: seen, tokens: layout.tokens, positions: layout.positions, bounds: layout.bounds, parents: layout.parents, on: device)
      return try scores(rest, layout, pass, gates: gates)
    }
    return zip(sequences, found).map { sequence, scores in kept.dropFirst(sequence.firstScored) + scores }
  }

  /// The log-probabilities of the scored tokens of a pass over a tree.
  private func scores(_ sequences: [ScoredSequence], _ layout: PackedTree, _ pass: ForwardPass, gates: [[Float]]?) throws -> [[Double]] {
    var pass = pass
    pass.rows = try Tensor(layout.rows).moved(to: device)
    pass.gates = try gates.map { try HeadGates(heads: $0, tokens: layout.tokens.count, on: device) }
    let hidden = try hiddenStates(of: pass)
    return layout.scores(try crossEntropies(of: hidden, layout.targets), sequences)
  }

  /// The cross-entropy of each target `[M]` given the hidden state `[M, hidden]` that predicts it.
  func crossEntropies(of hidden: Tensor, _ targets: [Int]) throws -> [Double] {
    let projection = outputProjection
    return try hidden.linearCrossEntropy(
      weight: projection.weight, bias: projection.bias, targets: try Tensor(targets).moved(to: device),
      labelWeights: try Tensor.ones([targets.count], on: device), chunk: labelChunk, softcap: logitSoftcap
    ).each.doubles()
  }
}

extension [ScoredSequence] {
  /// How many leading tokens all sequences have in common, with another one behind them: what can be kept from pass to pass.
  public var sharedContext: Int {
    guard let first else { return 0 }
    return reduce(first.tokens.count - 1) { shared, sequence in
      Swift.min(shared, first.tokens[...].commonPrefix(sequence.tokens[...]), sequence.tokens.count - 1)
    }
  }
}

/// A tree of sequences as one packed batch.
struct PackedTree {
  /// The tokens that are computed `[T]`, node by node, and their places in their sequences.
  private(set) var tokens: [Int] = []
  private(set) var positions: [Int] = []
  /// Where each node's tokens begin, and T.
  private(set) var bounds = [0]
  private(set) var parents: [Int?] = []
  /// The rows that predict a scored token `[M]`; a row before several continuations stands here once for each.
  private(set) var rows: [Int] = []
  /// The tokens that they predict `[M]`.
  private(set) var targets: [Int] = []
  private let tree: PrefixTree
  /// For each node the place in its sequences of its first scored token, and where its targets begin.
  private var scored: [(place: Int, target: Int)] = []

  init(_ tree: PrefixTree) {
    self.tree = tree
    // The row that the tokens behind a node are predicted from.
    var lastRow: [Int] = []
    for node in tree.nodes {
      let before = node.parent.map { lastRow[$0] }
      let first = tokens.count
      let computed = PrefixTree.computed(node)
      tokens += node.tokens.prefix(computed)
      positions += node.start..<(node.start + computed)
      bounds.append(tokens.count)
      parents.append(node.parent)
      lastRow.append(tokens.count - 1)
      let place = max(node.start, node.firstScored, 1)
      scored.append((place, targets.count))
      for place in place..<max(place, node.start + node.tokens.count) {
        guard let row = place == node.start ? before : first + place - node.start - 1 else { continue }
        rows.append(row)
        targets.append(node.tokens[node.tokens.startIndex + place - node.start])
      }
    }
  }

  /// For each sequence minus the cross-entropies of its scored tokens, of those `[M]` of all targets.
  func scores(_ each: [Double], _ sequences: [ScoredSequence]) -> [[Double]] {
    zip(sequences, tree.paths).map { sequence, path in
      path.flatMap { number in
        let node = tree.nodes[number]
        let (place, target) = scored[number]
        let end = node.start + node.tokens.count
        return (max(place, sequence.firstScored)..<max(place, sequence.firstScored, end)).map { -each[target + $0 - place] }
      }
    }
  }
}
