import ActivationPatterns
import Foundation
import Ground
import Instructions
import Runs

/// Writes samples of a task into a file of their own, which everything else reads.
struct PartRun: Run {
  static let name = "part"

  /// The task.
  var task: String
  /// A hash of the samples' texts in order.
  var contents: String
  /// Samples.
  var count: Int
  /// Where they go as JSON lines.
  var out: String
  /// How the data is read, and the places of the samples among what that gives. What they are is in `contents`.
  var reading = DataSettings([])
  var places: [Int] = []

  enum CodingKeys: CodingKey {
    case task, contents, count, out
  }

  func mappingPaths(_ change: (String) -> String) -> PartRun {
    var run = self
    run.out = change(out)
    return run
  }

  func run(_ monitor: RunMonitor) throws -> PartResult {
    let reader = try reading.dataset().instructions()
    let writer = try InstructionWriter(to: URL(filePath: out))
    let wanted = Set(places)
    var samples: [Instruction] = []
    var place = 0
    while let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: true) }
      if wanted.contains(place) { samples.append(instruction) }
      place += 1
    }
    var hash = Fingerprint()
    for sample in samples { hash.add(sample.contentFingerprint) }
    guard hash.digits == contents, samples.count == count else {
      throw RunError("the data of the task '\(task)' was changed while the study ran; run it again")
    }
    // Ids pair samples; a dataset's own are kept where each names one sample.
    let ids = samples.map { $0.id ?? "" }
    let areOwn = Set(ids).count == ids.count && !ids.contains("")
    for (number, sample) in samples.enumerated() {
      var sample = sample
      sample.task = task
      sample.id = areOwn ? ids[number] : "\(sample.index)"
      try writer.write(sample)
    }
    try writer.finish()
    return PartResult(samples: samples.count)
  }
}

/// What `PartRun` wrote.
struct PartResult: Codable, Sendable {
  var samples: Int
}

/// Puts the patterns of folds together into one: every sample measured under the model that was not trained on it.
struct JoinRun: Run {
  static let name = "join"

  /// The patterns, with samples.
  var patterns: [String]
  /// Where the joined pattern goes.
  var out: String

  func mappingPaths(_ change: (String) -> String) -> JoinRun {
    JoinRun(patterns: patterns.map(change), out: change(out))
  }

  func run(_ monitor: RunMonitor) throws -> PartResult {
    let joined = try ActivationPattern(joining: patterns.map { try ActivationPattern.read(from: URL(filePath: $0)) })
    try joined.write(to: URL(filePath: out))
    return PartResult(samples: joined.samples?.loss.count ?? 0)
  }
}
