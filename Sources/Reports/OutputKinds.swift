public import Foundation
public import Ground

extension OutputKind {
  /// A chart of this library, which begins with a class of its own.
  public static let chart = OutputKind.text("a chart", beginningWith: "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"headway-chart\"")
  /// A page of this library, which names its maker.
  public static let page = OutputKind.text(
    "a report page",
    beginningWith: "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"Headway\">\n")
}

extension ReportPage {
  /// The names of the files of numbers that a page which this type wrote names, without their folder.
  public static func numberFiles(of page: URL) throws -> Set<String> {
    Set(try String(contentsOf: page, encoding: .utf8).matches(of: #/href="[^"/]+/([A-Za-z0-9._-]+)">numbers: /#).map { String($0.1) })
  }
}
