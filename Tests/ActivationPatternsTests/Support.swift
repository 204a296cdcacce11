import ActivationPatterns
import Foundation
import Testing

/// A file of the fixtures.
func fixture(_ name: String) throws -> URL {
  try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
}

/// A JSON file of the fixtures.
func golden<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(type, from: Data(contentsOf: fixture(name)))
}

/// Runs the body with a new folder, removed afterwards.
func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}

/// Whether both are nil, or both are there and within the tolerance of each other, relative to the greater of the expected value
/// and the scale.
func agree(_ value: Double?, _ expected: Double?, tolerance: Double = 1e-10, scale: Double = 0) -> Bool {
  switch (value, expected) {
  case (nil, nil): true
  case (let value?, let expected?): abs(value - expected) <= tolerance * max(abs(expected), scale)
  default: false
  }
}

/// A generator of our own, so that tests repeat: the linear congruence of scripts/goldens/patterns.py.
struct Congruence: RandomNumberGenerator {
  var state: UInt64

  /// A number in [0, 1), as the script makes it.
  mutating func uniform() -> Double {
    step()
    return Double(state >> 11) * 0x1p-53
  }

  /// Two steps mixed: the lower bits of one are not random.
  mutating func next() -> UInt64 {
    step()
    let high = state >> 32
    step()
    return high << 32 | state >> 32
  }

  private mutating func step() { state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }

  /// A normally distributed number (Box and Muller).
  mutating func normal() -> Double {
    (-2 * Foundation.log(1 - uniform())).squareRoot() * Foundation.cos(2 * .pi * uniform())
  }

  /// An exponentially distributed number: mean 1, coefficient of variation 1.
  mutating func exponential() -> Double { -Foundation.log(1 - uniform()) }
}

extension HeadMatrix {
  /// One layer of these values.
  static func row(_ values: [Double]) throws -> HeadMatrix {
    try HeadMatrix(layers: 1, heads: values.count, values: values)
  }
}
