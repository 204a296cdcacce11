/// A step that cuts text into pieces, which are then encoded one by one.
enum PreTokenizer: Equatable, Sendable {
  /// When ``metaspace(replacement:prepending:splitting:)`` puts its sign before a piece.
  enum Prepending: Equatable, Sendable {
    /// Before every piece.
    case always
    /// Before the piece at the start of the text.
    case first
    /// Not at all.
    case never
  }

  /// Cuts at a known pattern; each match is a piece.
  case pattern(SplitPattern)
  /// Cuts after every occurrence of a text.
  case after([UInt8])
  /// Cuts digits (`\p{N}`) from other text, each alone where `individually`.
  case digits(individually: Bool)
  /// Hands the pieces over as bytes; `addingSpace` puts a space before pieces that start with none.
  case byteLevel(addingSpace: Bool)
  /// Spaces become `replacement`, which may be put before the piece; cuts before each where `splitting`.
  case metaspace(replacement: [UInt8], prepending: Prepending, splitting: Bool)

  /// How many bytes the step makes at most of each byte of a text that is not empty.
  var expansion: Int {
    switch self {
    case .pattern, .after, .digits: 1
    case .byteLevel(let addingSpace): addingSpace ? 2 : 1
    case .metaspace(let replacement, let prepending, _): replacement.count + (prepending == .never ? 0 : replacement.count)
    }
  }
}

/// Runs the steps of pre-tokenisation over a text, handing each final piece on as soon as it is found.
struct PreTokenization {
  let steps: [PreTokenizer]
  let model: BytePairModel
  let scratch: EncoderScratch
  let classes: CharacterClasses

  /// Encodes `text`, from step `index` on.
  ///
  /// - Parameter isStart: whether `text` starts where the whole input starts.
  func encode(_ text: UnsafeBufferPointer<UInt8>, from index: Int, isStart: Bool, into ids: inout [Int]) {
    // Empty pieces are dropped.
    guard !text.isEmpty else { return }
    guard index < steps.count else { return model.encode(text, scratch, into: &ids) }
    switch steps[index] {
    case .pattern(let pattern):
      var start = 0
      while start < text.count {
        let end = pattern.end(from: start, in: text, classes)
        hand(text, start..<end, from: index, isStart: isStart, into: &ids)
        start = end
      }
    case .after(let delimiter):
      var start = 0
      var position = 0
      while position + delimiter.count <= text.count {
        if text[position..<position + delimiter.count].elementsEqual(delimiter) {
          position += delimiter.count
          hand(text, start..<position, from: index, isStart: isStart, into: &ids)
          start = position
        } else {
          position += 1
        }
      }
      hand(text, start..<text.count, from: index, isStart: isStart, into: &ids)
    case .digits(let individually):
      splitDigits(text, individually: individually, from: index, isStart: isStart, into: &ids)
    case .byteLevel(let addingSpace):
      guard addingSpace, text[0] != UInt8(ascii: " ") else {
        return encode(text, from: index + 1, isStart: isStart, into: &ids)
      }
      rewrite(index, isStart, into: &ids) { made in
        made.append(UInt8(ascii: " "))
        made.append(contentsOf: text)
      }
    case .metaspace(let replacement, let prepending, let splitting):
      splitSpaces(text, replacement, prepending, splitting, from: index, isStart: isStart, into: &ids)
    }
  }

  /// Hands a part of `text` to the next step.
  @inline(__always)
  private func hand(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, from index: Int, isStart: Bool, into ids: inout [Int]
  ) {
    let piece = UnsafeBufferPointer(rebasing: text[range])
    if index + 1 == steps.count {
      if !piece.isEmpty { model.encode(piece, scratch, into: &ids) }
    } else {
      encode(piece, from: index + 1, isStart: isStart && range.lowerBound == 0, into: &ids)
    }
  }

  /// Hands a text that `make` builds to the next step.
  private func rewrite(_ index: Int, _ isStart: Bool, into ids: inout [Int], _ make: (inout [UInt8]) -> Void) {
    withMade(index, make) { encode($0, from: index + 1, isStart: isStart, into: &ids) }
  }

  /// Builds a text in the memory of step `index`.
  private func withMade(_ index: Int, _ make: (inout [UInt8]) -> Void, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    while scratch.steps.count <= index { scratch.steps.append([]) }
    // The memory is taken out while it is in use, because the steps below use the same list.
    var made: [UInt8] = []
    swap(&made, &scratch.steps[index])
    made.removeAll(keepingCapacity: true)
    make(&made)
    made.withUnsafeBufferPointer(body)
    swap(&made, &scratch.steps[index])
  }

  private func splitDigits(
    _ text: UnsafeBufferPointer<UInt8>, individually: Bool, from index: Int, isStart: Bool, into ids: inout [Int]
  ) {
    var start = 0
    var position = 0
    var wasNumber = false
    while position < text.count {
      let (scalar, length) = UTF8Coding.scalar(at: position, in: text)
      let isNumber = classes.of(scalar) == CharacterClasses.Class.number
      if position > start, isNumber != wasNumber || (isNumber && individually) {
        hand(text, start..<position, from: index, isStart: isStart, into: &ids)
        start = position
      }
      wasNumber = isNumber
      position += length
    }
    hand(text, start..<text.count, from: index, isStart: isStart, into: &ids)
  }

  private func splitSpaces(
    _ text: UnsafeBufferPointer<UInt8>, _ sign: [UInt8], _ prepending: PreTokenizer.Prepending, _ splitting: Bool,
    from index: Int, isStart: Bool, into ids: inout [Int]
  ) {
    let startsWithSign = text[0] == UInt8(ascii: " ") || (text.count >= sign.count && text[0..<sign.count].elementsEqual(sign))
    let isPrepended = !startsWithSign && (prepending == .always || (prepending == .first && isStart))
    withMade(index) { made in
      if isPrepended { made.append(contentsOf: sign) }
      Normalizer.replace([UInt8(ascii: " ")], by: sign, in: text, into: &made)
    } _: { made in
      guard splitting else { return hand(made, 0..<made.count, from: index, isStart: isStart, into: &ids) }
      var start = 0
      var position = 0
      while position < made.count {
        if position > start, position + sign.count <= made.count, made[position] == sign[0],
          made[position..<position + sign.count].elementsEqual(sign)
        {
          hand(made, start..<position, from: index, isStart: isStart, into: &ids)
          start = position
        }
        position += 1
      }
      hand(made, start..<made.count, from: index, isStart: isStart, into: &ids)
    }
  }
}
