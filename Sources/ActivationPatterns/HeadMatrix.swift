import Ground

/// One number for each layer and query head, both counted from 0.
///
/// An entry may be undefined only in a relative change (where the level before was zero); it is then NaN here and left out,
/// and counted, by whatever is computed.
public struct HeadMatrix: Sendable, Equatable {
  /// The number of layers, L.
  public let layers: Int
  /// The number of query heads in a layer, H.
  public let heads: Int
  /// The entries, layer by layer: [L · H].
  public let values: [Double]

  /// A matrix of finite numbers.
  /// - Throws: `PatternError` where it is empty, the count does not fit, or an entry is not finite.
  public init(layers: Int, heads: Int, values: [Double]) throws {
    try self.init(layers: layers, heads: heads, values: values, mayBeUndefined: false)
  }

  /// A matrix from single-precision numbers, as files hold them.
  /// - Throws: `PatternError` as above.
  public init(layers: Int, heads: Int, values: [Float]) throws {
    try self.init(layers: layers, heads: heads, values: values.map(Double.init))
  }

  init(layers: Int, heads: Int, values: [Double], mayBeUndefined: Bool) throws {
    guard layers > 0, heads > 0 else {
      throw PatternError(problem: "a pattern of \(layers) layers × \(heads) heads is empty", remedy: "give at least one of each")
    }
    let (count, overflow) = layers.multipliedReportingOverflow(by: heads)
    guard !overflow, values.count == count else {
      throw PatternError(
        problem: "\(values.count) values do not fill \(layers) layers × \(heads) heads", remedy: "give one value for each layer and head")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite && !(mayBeUndefined && $0.isNaN) }) {
      throw PatternError(
        problem: "the value of layer \(bad / heads), head \(bad % heads) is \(values[bad])",
        remedy: "measure again in a wider element type: patterns hold finite numbers only")
    }
    self.layers = layers
    self.heads = heads
    self.values = values
  }

  /// The entry of a layer and head.
  public subscript(layer: Int, head: Int) -> Double { values[layer * heads + head] }

  /// The number of entries, L · H.
  public var count: Int { values.count }
  /// The number of entries that are undefined.
  public var undefinedCount: Int { values.count { $0.isNaN } }
  /// The defined entries, in order.
  public var defined: [Double] { values.contains { $0.isNaN } ? values.filter { !$0.isNaN } : values }

  /// Whether the other matrix has the same layers and heads.
  public func hasSameShape(as other: HeadMatrix) -> Bool { layers == other.layers && heads == other.heads }

  /// The shape in words.
  var shapeText: String { "\(layers) layers × \(heads) heads" }
}
