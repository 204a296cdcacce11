import Ground
import Instructions

/// The data of one task of a mixture, read once to count and once to write.
struct MixtureSource {
  let name: String
  let dataset: Dataset

  /// The samples that have something to learn from.
  func available(_ monitor: RunMonitor) throws -> Int {
    let reader = dataset.instructions()
    var (count, without) = (0, 0)
    while let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      if instruction.isLearnable { count += 1 } else { without += 1 }
    }
    if without > 0 { monitor.note("\(name): \(without) samples have no response and are not drawn") }
    if reader.skipped > 0 { monitor.note("\(name): \(reader.skipped) bad records were passed over") }
    if let warning = reader.limitWarning { monitor.warn("\(name): \(warning)") }
    return count
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
  var isLearnable: Bool { isAnswered && pieces.contains { $0.carriesLoss && !$0.text.isEmpty } }
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
