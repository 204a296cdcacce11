import Foundation

/// Numbers as people read them.
public enum NumberText {
  /// The number with `digits` significant digits, such as `0.0123`, `4.1e-07`, `1,024` as `1024`; `–` where there is none.
  public static func short(_ value: Double?, digits: Int = 4) -> String {
    guard let value, value.isFinite else { return "–" }
    return String(format: "%.\(max(1, digits))g", value == 0 ? 0 : value)
  }

  /// The number with `decimals` decimals; `–` where there is none.
  public static func fixed(_ value: Double?, decimals: Int) -> String {
    guard let value, value.isFinite else { return "–" }
    let text = String(format: "%.\(max(0, decimals))f", value)
    // What rounds to zero has no sign.
    return text.hasPrefix("-") && !text.contains { ("1"..."9").contains($0) } ? String(text.dropFirst()) : text
  }
}

/// Round values along an axis.
struct Ticks {
  /// The values, rising, inside the range.
  let values: [Double]
  /// Their texts, all with the same decimals or the same power of ten.
  let labels: [String]

  /// About `count` values that are 1, 2 or 5 times a power of ten apart.
  init(from least: Double, to greatest: Double, count: Int) {
    guard least.isFinite, greatest.isFinite, greatest > least else {
      values = least.isFinite ? [least] : []
      labels = values.map { NumberText.short($0) }
      return
    }
    let rough = (greatest - least) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    guard power > 0, power.isFinite, (greatest - least).isFinite else {
      values = [least, greatest]
      labels = values.map { NumberText.short($0) }
      return
    }
    let step = ([1, 2, 5, 10].first { $0 * power >= rough * 0.999 } ?? 10) * power
    let first = (least / step - 1e-9).rounded(.up)
    let last = (greatest / step + 1e-9).rounded(.down)
    // A range far from zero and very narrow has no round values that differ in double precision.
    guard last >= first, last - first < 1000, abs(first) < 1e15 else {
      values = [least, greatest]
      labels = values.map { NumberText.short($0, digits: 6) }
      return
    }
    values = (0...Int(last - first)).map { (first + Double($0)) * step }
    let size = max(abs(least), abs(greatest))
    let exponent = Int(floor(log10(step) + 1e-9))
    if size >= 1e5 || size < 1e-3 {
      let digits = max(0, Int(floor(log10(size) + 1e-9)) - exponent)
      labels = values.map { $0 == 0 ? "0" : String(format: "%.\(digits)e", $0).shortExponent }
    } else {
      let decimals = max(0, -exponent)
      labels = values.map { NumberText.fixed($0, decimals: decimals) }
    }
  }

  /// Every whole number from 0 to below the count, thinned to steps of 1, 2, 4, 5, 8, 10, … so that they are at least so far
  /// apart when each is `spacing` wide.
  static func indices(_ count: Int, spacing: Double, apart: Double) -> [Int] {
    let steps = [1, 2, 4, 5, 8, 10, 16, 20, 32, 40, 50, 64, 80, 100, 128, 200, 256, 500, 512, 1000, 1024]
    let step = steps.first { Double($0) * spacing >= apart } ?? max(1, count)
    return Array(stride(from: 0, to: count, by: step))
  }
}

extension String {
  /// `1.5e-07` as `1.5e-7`.
  fileprivate var shortExponent: String {
    guard let mark = firstIndex(of: "e"), let exponent = Int(self[index(after: mark)...]) else { return self }
    return "\(self[..<mark])e\(exponent)"
  }
}
