import ActivationPatterns
import Foundation
import Ground
import Instructions
import Selection

/// The texts of a target, and the groups that its samples make.
struct TargetTexts {
  let dataset: Dataset
  let fingerprint: String
  /// The samples that there is something to learn from.
  let samples: [Instruction]
  private let all: [Int: Instruction]

  /// Nil where no data is named.
  init?(_ paths: [String], format: String?, _ monitor: RunMonitor) throws {
    guard !paths.isEmpty else { return nil }
    dataset = try Dataset(at: paths.map { URL(filePath: $0) }, options: DatasetOptions(format: format))
    if dataset.formatWasRecognised {
      monitor.note("target: read as \(dataset.formatDescription) (say \(setting: Setting("target_format")) to choose another)")
    }
    fingerprint = try dataset.fingerprint()
    let reader = dataset.instructions()
    let read = try reader.rest()
    try reader.requireAnsweredSamples()
    samples = read.filter(\.isLearnable)
    all = Dictionary(uniqueKeysWithValues: read.map { ($0.index, $0) })
  }

  /// The groups of the samples; members are their places among ``samples``.
  func groups(by grouping: SelectRun.Grouping, _ monitor: RunMonitor) throws -> [TargetView.Group] {
    try groups(by: grouping, samples.enumerated().map { ($0.offset, $0.element) }, monitor)
  }

  /// The groups of the samples that a file was made of; members are their places in the file.
  /// - Throws: `RunError` where the file is of other data.
  func groups(by grouping: SelectRun.Grouping, ofSamplesIn file: SampleFile, _ monitor: RunMonitor) throws -> [TargetView.Group] {
    let path = file.url.path(percentEncoded: false)
    if let own = file.provenance.dataFingerprint, own != fingerprint {
      throw RunError(
        "\(path) was not measured on \(dataset.name) as it is now; name its data as \(setting: Setting("target_data")), unchanged")
    }
    let members = try (file.index ?? []).enumerated().map { place, index in
      guard let sample = all[Int(index)] else {
        throw RunError("\(dataset.name) has no sample at position \(index), which \(path) holds; name the data that it was measured on")
      }
      return (place, sample)
    }
    return try groups(by: grouping, members, monitor)
  }

  private func groups(
    by grouping: SelectRun.Grouping, _ samples: [(place: Int, sample: Instruction)], _ monitor: RunMonitor
  ) throws -> [TargetView.Group] {
    var groups: [TargetView.Group] = []
    var numbers: [String: Int] = [:]
    var without = 0
    for (place, sample) in samples {
      let names: [String] = grouping == .task ? [sample.task].compactMap(\.self) : sample.tags
      if names.isEmpty { without += 1 }
      for name in names {
        let number = numbers[name] ?? groups.count
        if numbers.updateValue(number, forKey: name) == nil { groups.append(.init(name, members: [])) }
        if groups[number].members.last != place { groups[number].members.append(place) }
      }
    }
    guard !groups.isEmpty else {
      throw RunError("no sample of \(dataset.name) has a \(grouping == .task ? "task" : "tag"); group it otherwise")
    }
    if without > 0 { monitor.note("\(without) samples of the target have no \(grouping == .task ? "task" : "tag") and belong to no group") }
    return groups
  }
}
