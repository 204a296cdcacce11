internal import Crypto
import Ground
import Foundation

/// A 128-bit hash of texts, by which equal ones are found without keeping them: the first half of their SHA-256.
struct TextKey: Hashable, Sendable {
  let high: UInt64
  private let low: UInt64

  init(_ texts: [String]) {
    var hash = SHA256()
    for text in texts {
      // Each text is preceded by its length, so that no two lists run together to the same bytes.
      withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
      hash.update(data: Array(text.utf8))
    }
    let bytes = Array(hash.finalize())
    func word(_ start: Int) -> UInt64 { bytes[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) } }
    high = word(0)
    low = word(8)
  }

  /// The key of everything that is encoded, for finding exact duplicates.
  static func whole(_ instruction: Instruction) -> TextKey { TextKey(instruction.pieces.map(\.text)) }

  /// The key by which samples stay on one side of a split: the prompt, or the response of a sample without one.
  static func question(_ instruction: Instruction) -> TextKey {
    TextKey([instruction.prompt.isEmpty ? instruction.response : instruction.prompt])
  }
}

/// Splits instructions in two by seed.
///
/// Instructions with the same prompt (or, where they have none, the same response) stay together, so that nothing that is tested was trained on. The groups are
/// shuffled, and held out one after another as long as they fit into `fraction` of all samples, rounded; both parts keep their order.
/// - Parameters:
///   - instructions: what is split.
///   - fraction: the share to hold out, in 0...1.
///   - seed: the same seed gives the same split again.
public func split(_ instructions: [Instruction], holdingOut fraction: Double, seed: UInt64) -> (kept: [Instruction], heldOut: [Instruction])
{
  let sides = heldOut(instructions.map(TextKey.question), fraction: fraction, seed: seed)
  return (zip(instructions, sides).filter { !$0.1 }.map(\.0), zip(instructions, sides).filter(\.1).map(\.0))
}

/// Whether each sample is held out; samples with equal keys are on one side.
func heldOut(_ keys: [TextKey], fraction: Double, seed: UInt64) -> [Bool] {
  var groups: [TextKey: Int] = [:]
  var sizes: [Int] = []
  let groupOf = keys.map { key -> Int in
    if let group = groups[key] {
      sizes[group] += 1
      return group
    }
    groups[key] = sizes.count
    sizes.append(1)
    return sizes.count - 1
  }
  var generator = SeededGenerator(seed: seed, stream: "hold out")
  let target = Int((Double(keys.count) * min(max(fraction, 0), 1)).rounded())
  var isOut = [Bool](repeating: false, count: sizes.count)
  var count = 0
  for group in generator.shuffled(Array(sizes.indices)) where count + sizes[group] <= target {
    isOut[group] = true
    count += sizes[group]
  }
  return groupOf.map { isOut[$0] }
}
