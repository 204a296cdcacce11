import Foundation
import Ground
import Instructions
import Runs

/// Writes random halves of a pool.
struct SubsetsRun: Run {
  static let name = "subsets"

  /// The pool's texts.
  var data: [String]
  /// How many halves.
  var count: Int
  /// Seeds them.
  var seed: UInt64
  /// Where half `n` goes: `FOLDER/subset-n.jsonl`.
  var folder: String

  func mappingPaths(_ change: (String) -> String) -> SubsetsRun {
    SubsetsRun(data: data.map(change), count: count, seed: seed, folder: change(folder))
  }

  /// The file of a half.
  func file(_ subset: Int) -> String { "\(folder)/subset-\(subset).jsonl" }

  func run(_ monitor: RunMonitor) throws -> SubsetsResult {
    let samples = try Dataset(at: data.map { URL(filePath: $0) }, options: DatasetOptions(format: "pairs")).readAll()
    let place = URL(filePath: folder, directoryHint: .isDirectory)
    try Folders.make(place)
    Leftovers.remove(from: place)
    var result = SubsetsResult(members: [])
    for subset in 0..<count {
      var generator = SeededGenerator(seed: seed, stream: "study subset \(subset)")
      let members = generator.positions(samples.count / 2, outOf: samples.count)
      let writer = try InstructionWriter(to: URL(filePath: file(subset)))
      for place in members { try writer.write(samples[place]) }
      try writer.finish()
      result.members.append(members)
    }
    return result
  }
}

/// What `SubsetsRun` drew: for each half the positions of its samples in the pool.
struct SubsetsResult: Codable, Sendable {
  var members: [[Int]]
}
