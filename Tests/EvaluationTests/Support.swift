import Foundation
import Instructions
import StrictJSON
import Testing

@testable import Evaluation

/// A fixture that is JSON.
func golden(_ name: String) throws -> JSONValue {
  let folder = try #require(Bundle.module.resourceURL).appending(component: "Fixtures")
  return try JSONParser().parse(Array(try Data(contentsOf: folder.appending(component: name))))
}

extension JSONValue {
  subscript(name: String) -> JSONValue? { object?[name] }
  var texts: [String] { (list ?? []).compactMap(\.string) }
}

/// A folder for one test's files, removed with the value.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(component: "headway-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ text: String) throws {
    let place = url.appending(path: name)
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: place)
  }
}

/// The items of files in their published form, in the order of their names.
func items(_ benchmark: any Benchmark, _ files: JSONValue) throws -> [Item] {
  try samples(benchmark, files).map { try benchmark.item(of: $0) }
}

/// The samples of files in their published form, in the order of their names.
func samples(_ benchmark: any Benchmark, _ files: JSONValue) throws -> [Sample] {
  let folder = try TemporaryFolder()
  for file in files.object?.fields ?? [] { try folder.write(file.name, try #require(file.value.string)) }
  let isText = files.object?.names.contains { $0.hasSuffix(".txt") } ?? false
  let format = isText ? benchmark.formats.last : benchmark.formats.first
  let reader = try Dataset(at: [folder.url], options: DatasetOptions(format: format)).instructions()
  var samples: [Sample] = []
  while let sample = try reader.nextSample() { samples.append(sample) }
  return samples
}
