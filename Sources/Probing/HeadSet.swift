import Ground
public import LanguageModels

/// A query head, its layer and its place in the layer counted from 0.
public struct HeadPlace: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The layer.
  public let layer: Int
  /// The query head in the layer.
  public let head: Int

  /// A head.
  public init(layer: Int, head: Int) {
    self.layer = layer
    self.head = head
  }

  /// Layer by layer, then head by head.
  public static func < (one: HeadPlace, other: HeadPlace) -> Bool { (one.layer, one.head) < (other.layer, other.head) }

  /// `layer:head`.
  public var description: String { "\(layer):\(head)" }

  /// Every head of a decoder, layer by layer.
  public static func all(of shape: DecoderShape) -> [HeadPlace] {
    (0..<shape.layers).flatMap { layer in (0..<shape.attentionHeads).map { HeadPlace(layer: layer, head: $0) } }
  }

  /// Makes sure that a decoder has these heads.
  /// - Throws: `ProbingError` naming one that it does not have.
  public static func require(_ heads: [HeadPlace], in shape: DecoderShape) throws {
    for head in heads where !(0..<shape.layers).contains(head.layer) || !(0..<shape.attentionHeads).contains(head.head) {
      throw ProbingError(
        "there is no head \(head); layers go from 0 to \(shape.layers - 1) and heads from 0 to \(shape.attentionHeads - 1)")
    }
  }

  /// The head at a place among the entries `[L, H]` of a pattern in row-major order.
  public init(entry: Int, heads: Int) { self.init(layer: entry / heads, head: entry % heads) }

  /// Its place among the entries `[L, H]` of a pattern in row-major order.
  public func entry(in shape: DecoderShape) -> Int { layer * shape.attentionHeads + head }
}

/// Heads that are switched off together.
public struct HeadSet: Sendable, Hashable {
  /// The heads, layer by layer, each once.
  public let heads: [HeadPlace]

  /// A set of these heads, in any order.
  public init(_ heads: some Sequence<HeadPlace>) { self.heads = Set(heads).sorted() }

  /// All heads of a layer.
  public init(layer: Int, of shape: DecoderShape) { self.init((0..<shape.attentionHeads).map { HeadPlace(layer: layer, head: $0) }) }

  /// The lowest layer with a head of the set: below it nothing changes.
  var lowestLayer: Int { heads.first?.layer ?? 0 }

  /// The heads in a layer.
  func heads(in layer: Int) -> [Int] { heads.filter { $0.layer == layer }.map(\.head) }
}
