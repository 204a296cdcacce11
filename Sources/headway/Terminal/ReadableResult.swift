/// A result that is told to a person.
protocol ReadableResult {
  /// What standard output shows; nothing where it is empty.
  var text: String { get }
  /// What is good to know beside it, on standard error.
  var notes: [String] { get }
}

extension ReadableResult {
  var notes: [String] { [] }
}

/// A result of which there are several, told together.
protocol ReadableItem {
  /// What standard output shows of all of them.
  static func text(of items: [Self]) -> String
}

extension Array: ReadableResult where Element: ReadableItem {
  var text: String { Element.text(of: self) }
}
