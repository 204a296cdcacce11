/// The word that takes the fewest letters put in or taken out; nil where that is too many for a slip of the hand.
public func nearest(to word: String, among words: [String]) -> String? {
  let distances = words.map { ($0, word.difference(from: $0).count) }
  guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(2, word.count / 3) else { return nil }
  return best.0
}
