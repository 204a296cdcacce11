import Foundation
import Ground
import Instructions
import Selection

/// The data of one task of a mixture, read once to count and once to write.
struct MixtureSource {
  let name: String
  let dataset: Dataset

  /// The positions in the data of the samples that have something to learn from.
  func learnable(_ monitor: RunMonitor) throws -> [Int] {
    let reader = dataset.instructions()
    var positions: [Int] = []
    var without = 0
    while let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      if instruction.isLearnable { positions.append(instruction.index) } else { without += 1 }
    }
    if without > 0 { monitor.note("\(name): \(without) samples have no response and are not drawn") }
    if reader.skipped > 0 { monitor.note("\(name): \(reader.skipped) bad records were passed over") }
    if let warning = reader.limitWarning { monitor.warn("\(name): \(warning)") }
    return positions
  }

  /// Which of those samples are most like a target by their patterns (equation 5): their places among them, the most alike first, and how alike.
  /// Samples that were not measured, and those that are like nothing, are not among them.
  /// - Parameters:
  ///   - target: the target's pattern.
  ///   - files: the patterns of this task's samples.
  ///   - paths: the task's data, as the run named it.
  func order(
    of learnable: [Int], by target: String, _ files: [String], _ paths: [String], _ reading: DataSettings, _ monitor: RunMonitor
  ) throws -> [(place: Int, likeness: Double)] {
    let open = try PatternRepresentation().open(
      target: URL(filePath: target), pool: files.map { URL(filePath: $0) }, RepresentationOptions())
    let positions = try PoolData(dataset, paths, reading).positions(of: open.pool, monitor)
    let places = Dictionary(uniqueKeysWithValues: learnable.enumerated().map { ($0.element, $0.offset) })
    let likeness = try open.likeness(view: .mean)
    return try MeanSelection().choose(likeness.sampleCount, by: likeness) { places[positions[$0]] != nil }
      .compactMap { choice in places[positions[choice.sample]].map { ($0, choice.score) } }
  }

  /// Writes the samples that were drawn, in the order of the data, each as often as it was drawn, under the task's name.
  /// - Parameter times: how often each sample that has something to learn from is written.
  /// - Returns: the positions in the data of what was written.
  func write(_ times: [Int], to writer: InstructionWriter, _ monitor: RunMonitor) throws -> [Int] {
    let reader = dataset.instructions()
    var positions: [Int] = []
    var place = 0
    while place < times.count, var instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      guard instruction.isLearnable else { continue }
      instruction.task = name
      instruction.id = instruction.id ?? String(instruction.index)
      for _ in 0..<times[place] {
        try writer.write(instruction)
        positions.append(instruction.index)
      }
      place += 1
    }
    return positions
  }
}

extension Instruction {
  /// Whether there is anything in it that carries loss.
  package var isLearnable: Bool { isAnswered && pieces.contains { $0.carriesLoss && !$0.text.isEmpty } }
}

extension DataSettings {
  /// Refuses what only a model can tell, for runs that read data without one.
  func requireNoTokenizer() throws {
    for (key, isGiven) in [("min_tokens", minimumTokens != nil), ("max_tokens", maximumTokens != nil), ("chat", chat == "own")]
    where isGiven {
      throw SettingsError(
        "\(setting: Setting(key, value: key == "chat" ? "own" : nil)) needs a model, which this command does not read; write the data by headway data with \(setting: .tokenizer) first"
      )
    }
  }
}
