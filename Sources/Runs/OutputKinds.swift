import Foundation
public import Ground

extension OutputKind {
  /// A result of `fit`, `ablate` or `evaluate` as JSON, known by its keys: no other program's file has all of them.
  public static let result = OutputKind("a result of a fit, an ablation or an evaluation") { url in
    guard let data = try? InputFile.contents(of: url, limit: .max),
      let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else {
      return false
    }
    return [fitKeys, ablationKeys, evaluationKeys].contains { $0.isSubset(of: object.keys) }
  }

  private static let fitKeys: Set = [
    "target", "names", "score", "coefficients", "nonnegative", "r2", "adjusted_r2", "condition_number", "ridge", "entries", "undefined",
    "subsets",
    "warnings",
  ]
  private static let ablationKeys: Set = ["about", "samples", "skipped", "tokens", "loss", "items", "random"]
  private static let evaluationKeys: Set = [
    "benchmark", "variant", "shots", "extraction", "metric", "count", "correct", "unanswered", "about",
  ]
}
