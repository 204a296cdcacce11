public import Ground

extension OutputKind {
  /// A chart of this library, which begins with a class of its own.
  public static let chart = OutputKind.text("a chart", beginningWith: "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"headway-chart\"")
  /// A page of this library, which names its maker.
  public static let page = OutputKind.text(
    "a report page",
    beginningWith: "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"Headway\">\n")
}
