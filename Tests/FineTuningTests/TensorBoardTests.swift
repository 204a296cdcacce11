import Ground
import Foundation
import Testing
import Torch

@testable import FineTuning

/// Event files against those of TensorBoard's own writer (scripts/goldens/tensorboard_events.py).
@Suite struct TensorBoardTests {
  private struct Golden: Decodable {
    var files: [String]
  }

  private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/tensorboard")
  private static let losses = [4.25, 3.5, 3.75, 0, 2]
  private static let rates = [0, 1e-6, -0.0, .infinity, -.infinity]

  /// A clock that says this time when the file is named, and then another, half a second later for every record.
  private static func clock(naming: Double, recording: Double) -> () -> Double {
    var looks = -1
    return {
      looks += 1
      return looks == 0 ? naming : recording + 0.5 * Double(looks - 1)
    }
  }

  private func temporaryFolder() -> URL { FileManager.default.temporaryDirectory.appending(path: "tensorboard-\(UUID().uuidString)") }

  @Test func bytesEqualTensorBoards() throws {
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Self.fixtures.appending(path: "events.json")))
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    for (part, steps) in [0..<4, 3..<5].enumerated() {
      // Both are named within the same second: the second one's name has to sort after the first's all the same.
      let time = Self.clock(naming: 1_700_000_000.25, recording: 1_700_000_000.25 + 100 * Double(part))
      let writer = try TensorBoardWriter(in: folder, resumingAt: part == 0 ? nil : 3, host: "host", process: 42, now: time)
      for step in steps {
        try writer.scalar("loss", Self.losses[step], step: step)
        try writer.scalar("learning rate/größte", Self.rates[step], step: step)
      }
      try writer.close()
      #expect(writer.file.lastPathComponent == golden.files[part])
      #expect(try Data(contentsOf: writer.file) == Data(contentsOf: Self.fixtures.appending(path: golden.files[part])))
    }
  }

  /// Whatever moment a run is killed at, all points that it gave are in the file.
  @Test func everyPointIsWrittenAtOnce() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let writer = try TensorBoardWriter(in: folder)
    var sizes = [try Data(contentsOf: writer.file).count]
    for step in 1...300 {
      try writer.scalar("loss", 1 / Double(step), step: step)
      sizes.append(try Data(contentsOf: writer.file).count)
    }
    #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $1 > $0 })
    try writer.close()
    try writer.close()
    #expect(throws: FileError.self) { try writer.scalar("loss", 0, step: 301) }
  }

  /// A folder that is no folder is an error that names it; another run's files stay as they are.
  @Test func refusals() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try TensorBoardWriter(in: folder)
    let second = try TensorBoardWriter(in: folder, resumingAt: 1)
    #expect(first.file.lastPathComponent < second.file.lastPathComponent)
    let error = #expect(throws: FileError.self) { try TensorBoardWriter(in: first.file) }
    #expect(error?.description.contains(first.file.path(percentEncoded: false)) == true)
  }
}
