/// A picture that draws itself.
public protocol Chart: Sendable {
  /// The picture as one SVG document.
  func svg() -> String
}
