/// A picture that draws itself.
public protocol Chart: Sendable {
  /// The picture as one SVG document.
  func svg() -> String
  /// What the pointer does on it; empty for nothing. Paper leaves it out.
  var hint: String { get }
}

extension Chart {
  /// Nothing but tooltips.
  public var hint: String { "" }
}
