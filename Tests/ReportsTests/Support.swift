import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import Testing

/// Whether the text is well-formed XML, and the texts and tooltips that it holds.
final class MarkupReader: NSObject, XMLParserDelegate {
  private(set) var elements: [String: Int] = [:]
  private(set) var texts: [String] = []
  private var open: [String] = []

  /// Reads a document; nil where it is not well-formed.
  static func read(_ text: String) -> MarkupReader? {
    let reader = MarkupReader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    return parser.parse() ? reader : nil
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
    open.append("")
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    guard !open.isEmpty else { return }
    open[open.count - 1] += string
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    if let text = open.popLast(), name == "title" || name == "text" { texts.append(text) }
  }
}

/// Writes a picture for a person to look at, where `HEADWAY_GALLERY` names a folder.
func keepForLooking(_ document: String, as name: String) throws {
  guard let folder = ProcessInfo.processInfo.environment["HEADWAY_GALLERY"] else { return }
  try Data(document.utf8).write(to: URL(filePath: folder).appending(path: name))
}

/// Numbers that repeat from run to run, in [0, 1).
struct Congruence {
  var state: UInt64
  mutating func uniform() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) * 0x1p-53
  }
}
