public import CheckpointFiles
public import Foundation
public import LanguageModels
import Torch

/// A tiny random model with what transformers and PyTorch computed from it (scripts/goldens/models.py).
public struct Golden {
  /// The model folder.
  public let folder: URL
  /// What was computed from it.
  public let file: SafetensorsFile
  /// What it was computed of.
  public let samples: [TokenizedSample]

  /// Where the models lie: beside this file, read in place.
  public static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  /// The names of the models whose name begins so.
  public static func names(_ prefix: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false))) ?? []
    return all.filter { $0.hasPrefix(prefix) }.sorted()
  }

  /// All models: a new fixture is held against transformers without a line in any test.
  public static var all: [String] {
    names("").filter { FileManager.default.fileExists(atPath: directory.appending(path: "\($0)/config.json").path(percentEncoded: false)) }
  }

  /// Reads one.
  public init(_ name: String) throws {
    folder = Golden.directory.appending(path: name)
    file = try SafetensorsFile(at: folder.appending(path: "golden.safetensors"))
    struct Sample: Decodable {
      var ids: [Int]
      var promptLength: Int
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let decoded = try decoder.decode([Sample].self, from: Data(contentsOf: folder.appending(path: "samples.json")))
    samples = decoded.enumerated().map { TokenizedSample(tokens: $1.ids, promptLength: $1.promptLength, index: $0) }
  }

  /// The model, computing in this type.
  public func model(_ type: ElementType) throws -> LanguageModel {
    try LanguageModel(ModelFolder(named: folder.path(percentEncoded: false)), elementType: type)
  }
}

/// The greatest difference, relative to the greatest expected magnitude.
public func relativeDistance(_ actual: [Float], _ expected: [Float]) -> Double {
  guard actual.count == expected.count, !expected.isEmpty else { return .infinity }
  let scale = Double(expected.map(abs).max() ?? 0)
  let greatest = zip(actual, expected).map { abs(Double($0) - Double($1)) }.max() ?? 0
  return zip(actual, expected).allSatisfy { $0.isFinite && $1.isFinite } ? greatest / max(scale, 1e-30) : .infinity
}
