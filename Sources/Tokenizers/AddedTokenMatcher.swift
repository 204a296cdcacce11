/// Finds added tokens in text: leftmost first, longest among those.
///
/// The automaton of Aho and Corasick ("Efficient string matching: an aid to bibliographic search", 1975), so that a text takes linear
/// time whatever the tokens are. For leftmost matches a state behind a whole token has nowhere to fall back to: what begins later
/// loses to what was found.
struct AddedTokenMatcher: Sendable {
  /// A part of a text: a token, or text between tokens.
  struct Part: Equatable {
    var range: Range<Int>
    var id: UInt32?
  }

  /// A state: the text on the way to it, a prefix of some tokens.
  private struct State: Sendable {
    var byte: UInt8
    /// Whether a token, as a whole, is the way to this state.
    var isToken = false
    /// The first of the states that are a byte longer, and the next of those a byte longer than this one's parent; 0 for none.
    var child: UInt32 = 0
    var sibling: UInt32 = 0
    /// The state of the longest proper suffix that is a state, ``dead`` where a match rules it out.
    var fallback: UInt32 = 0
    /// The token that ends here, index plus one; 0 for none.
    var token: UInt32 = 0
  }

  private static let start: UInt32 = 0
  private static let dead = UInt32.max

  private var states = [State(byte: 0)]
  private var tokens: [(id: UInt32, token: AddedToken, length: Int)] = []
  /// The states of one byte, by byte; 0 for none.
  private var first = [UInt32](repeating: 0, count: 256)

  /// A matcher of these tokens, each found by its pattern; of equal patterns the first counts.
  init(_ patterns: [(pattern: [UInt8], id: UInt32, token: AddedToken)]) {
    for (pattern, id, token) in patterns { add(pattern, id: id, token: token) }
    setFallbacks()
  }

  /// Whether there is nothing to find.
  var isEmpty: Bool { tokens.isEmpty }

  private mutating func add(_ pattern: [UInt8], id: UInt32, token: AddedToken) {
    guard !pattern.isEmpty else { return }
    var state = Self.start
    for byte in pattern {
      if let next = child(of: state, byte) {
        state = next
        continue
      }
      let next = UInt32(states.count)
      states.append(State(byte: byte, sibling: states[Int(state)].child))
      states[Int(state)].child = next
      if state == Self.start { first[Int(byte)] = next }
      state = next
    }
    guard !states[Int(state)].isToken else { return }
    tokens.append((id, token, pattern.count))
    states[Int(state)].isToken = true
    states[Int(state)].token = UInt32(tokens.count)
  }

  @inline(__always)
  private func child(of state: UInt32, _ byte: UInt8) -> UInt32? {
    if state == Self.start {
      let next = first[Int(byte)]
      return next == 0 ? nil : next
    }
    var next = states[Int(state)].child
    while next != 0 {
      if states[Int(next)].byte == byte { return next }
      next = states[Int(next)].sibling
    }
    return nil
  }

  /// The state after a byte; ``dead`` where nothing that is not worse than what was found can follow.
  @inline(__always)
  private func next(_ state: UInt32, _ byte: UInt8) -> UInt32 {
    var state = state
    while state != Self.dead {
      if let next = child(of: state, byte) { return next }
      if state == Self.start { return Self.start }
      state = states[Int(state)].fallback
    }
    return Self.dead
  }

  /// Sets where each state falls back to, breadth first.
  private mutating func setFallbacks() {
    var queue = [Self.start]
    var done = 0
    while done < queue.count {
      let parent = queue[done]
      done += 1
      var state = states[Int(parent)].child
      while state != 0 {
        queue.append(state)
        if states[Int(state)].isToken {
          states[Int(state)].fallback = Self.dead
        } else if parent != Self.start {
          let fallback = next(states[Int(parent)].fallback, states[Int(state)].byte)
          states[Int(state)].fallback = fallback
          if fallback != Self.dead { states[Int(state)].token = states[Int(fallback)].token }
        }
        state = states[Int(state)].sibling
      }
    }
  }

  /// The leftmost token from `position` on, the longest of those that start there.
  private func match(from position: Int, in text: UnsafeBufferPointer<UInt8>) -> (range: Range<Int>, token: Int)? {
    var found: (range: Range<Int>, token: Int)?
    var state = Self.start
    var position = position
    while position < text.count {
      state = next(state, text[position])
      position += 1
      if state == Self.dead { return found }
      if state == Self.start {
        // Most text lies here.
        while position < text.count, first[Int(text[position])] == 0 { position += 1 }
        continue
      }
      let token = Int(states[Int(state)].token)
      if token > 0 { found = (position - tokens[token - 1].length..<position, token - 1) }
    }
    return found
  }

  /// Calls `body` with the parts of `text`, which together cover it; an empty text is one empty part.
  func parts(of text: UnsafeBufferPointer<UInt8>, _ classes: CharacterClasses, _ body: (Part) -> Void) {
    guard !text.isEmpty, !isEmpty else { return body(Part(range: 0..<text.count, id: nil)) }
    var done = 0
    var position = 0
    while let (range, index) = match(from: position, in: text) {
      var start = range.lowerBound
      var end = range.upperBound
      position = end
      let (id, token, _) = tokens[index]
      if token.isSingleWord {
        let followsWord = start > 0 && classes.isWord(UTF8Coding.scalar(before: start, in: text).value)
        let precedesWord = end < text.count && classes.isWord(UTF8Coding.scalar(at: end, in: text).value)
        if followsWord || precedesWord { continue }
      }
      if token.stripsLeft {
        while start > done {
          let (scalar, length) = UTF8Coding.scalar(before: start, in: text)
          guard classes.of(scalar) == CharacterClasses.Class.whitespace else { break }
          start -= length
        }
      }
      if token.stripsRight {
        while end < text.count {
          let (scalar, length) = UTF8Coding.scalar(at: end, in: text)
          guard classes.of(scalar) == CharacterClasses.Class.whitespace else { break }
          end += length
        }
      }
      if done < start { body(Part(range: done..<start, id: nil)) }
      body(Part(range: start..<end, id: id))
      done = end
    }
    if done < text.count { body(Part(range: done..<text.count, id: nil)) }
  }
}
