import ActivationPatterns
import Foundation
import Ground
import Instructions
import Selection

/// The texts of a pool, and which of them the rows of its files stand for. Several files of data are one dataset, so that positions count on from file to
/// file.
struct PoolData {
  let dataset: Dataset
  /// The SHA-256 of the data.
  let fingerprint: String
  private let paths: [String]
  private let options: DatasetOptions
  private let reading: DataSettings

  /// - Parameter paths: what the dataset was made of.
  init(_ dataset: Dataset, _ paths: [String], _ reading: DataSettings) throws {
    self.dataset = dataset
    fingerprint = try dataset.fingerprint()
    self.paths = paths
    self.reading = reading
    options = try reading.datasetOptions()
  }

  init(_ paths: [String], _ reading: DataSettings, as what: String, _ monitor: RunMonitor) throws {
    let dataset = try Dataset(at: paths.map { URL(filePath: $0) }, options: reading.datasetOptions())
    if dataset.formatWasRecognised {
      monitor.note("\(what): read as \(dataset.formatDescription) (say \(setting: Setting("format")) to choose another)")
    }
    try self.init(dataset, paths, reading)
  }

  // MARK: Positions

  /// Where the data stands that each row of the files was measured on, counted from the first file of data on, [N].
  ///
  /// A file was measured on all of the data, or, where there are as many files as files of data, on its own.
  /// - Throws: `RunError` where a file was measured on other data than what was named, or two hold the same sample.
  func positions(of files: [SampleFile], _ monitor: RunMonitor) throws -> [Int] {
    var begin = 0
    var positions: [Int] = []
    var isShared = false
    for (number, file) in files.enumerated() {
      guard let index = file.index else {
        throw RunError(
          "\(file.url.path(percentEncoded: false)) keeps no samples; measure it with \(setting: Setting("per_sample")), since each is chosen by its own"
        )
      }
      let own = file.provenance.dataFingerprint
      if own == fingerprint || (own == nil && files.count == 1) {
        positions += index.map { Int($0) }
        isShared = isShared || files.count > 1
        continue
      }
      guard files.count > 1, files.count == paths.count else { throw otherData(file, files.count) }
      let part = try Dataset(at: [URL(filePath: paths[number])], options: wholeOptions(ofSource: number))
      guard try own == nil || own == part.fingerprint() else { throw otherData(file, files.count, paths[number]) }
      let start = begin
      positions += index.map { start + Int($0) }
      // Behind the last file nothing is counted.
      if number < files.count - 1 { begin += try PoolData.count(part, monitor) }
    }
    if isShared, Set(positions).count < positions.count {
      throw RunError("the pool's files hold some samples of \(dataset.name) twice; name each file once")
    }
    return positions
  }

  /// Everything that is there: positions are counted before any filter or limit.
  private func wholeOptions(ofSource number: Int) -> DatasetOptions {
    let (format, form) = dataset.sourceFormats[number]
    return DatasetOptions(format: format, map: options.map, form: form, split: options.split, skipBad: options.skipBad)
  }

  private func otherData(_ file: SampleFile, _ count: Int, _ path: String? = nil) -> RunError {
    let name = file.url.path(percentEncoded: false)
    if let path {
      return RunError("\(name) was not measured on \(path) as it is now; name the data of each file in the same order, unchanged")
    }
    return count == 1
      ? RunError("\(name) was not measured on \(dataset.name) as it is now; name its data unchanged")
      : RunError(
        "\(name) was not measured on all of \(dataset.name), and there are \(count) files of patterns but \(paths.count) of data; name as many in the same order"
      )
  }

  private static func count(_ dataset: Dataset, _ monitor: RunMonitor) throws -> Int {
    let reader = dataset.instructions()
    while try reader.next() != nil {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
    }
    return reader.counts.read + reader.counts.skipped
  }

  // MARK: What may be chosen

  /// The positions that the settings of reading leave; nil where they leave all.
  func allowedPositions(_ monitor: RunMonitor) throws -> Set<Int>? {
    guard reading.leavesOut else { return nil }
    var positions: Set<Int> = []
    try forEach(monitor) { positions.insert($0.index) }
    return positions
  }

  /// Goes through the samples that there is something to learn from.
  func forEachLearnable(_ monitor: RunMonitor, _ body: (Instruction) throws -> Void) throws {
    var without = 0
    try forEach(monitor) { instruction in
      if instruction.isLearnable { try body(instruction) } else { without += 1 }
    }
    if without > 0 { monitor.note("\(dataset.name): \(without) samples have no response and are not chosen") }
  }

  private func forEach(_ monitor: RunMonitor, _ body: (Instruction) throws -> Void) throws {
    let reader = dataset.instructions()
    while let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      try body(instruction)
    }
    if reader.skipped > 0 { monitor.note("\(dataset.name): \(reader.skipped) bad records were passed over") }
    if let warning = reader.limitWarning { monitor.warn("\(dataset.name): \(warning)") }
  }

  // MARK: Texts

  /// The samples at these positions, with the files that they lie in. The data is read until the last of them.
  /// - Throws: `RunError` where there is none at one of them.
  func samples(at positions: Set<Int>, _ monitor: RunMonitor) throws -> [Int: (sample: Instruction, file: String?)] {
    var found: [Int: (sample: Instruction, file: String?)] = [:]
    let reader = dataset.instructions()
    while found.count < positions.count, let instruction = try reader.next() {
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      if positions.contains(instruction.index) { found[instruction.index] = (instruction, reader.file) }
    }
    if let missing = positions.subtracting(found.keys).min() {
      throw RunError(
        "\(dataset.name) has no sample at position \(missing), which was chosen; read it with the settings that it was measured with")
    }
    return found
  }
}

extension DataSettings {
  /// Whether reading by these settings leaves samples out.
  var leavesOut: Bool {
    limit != nil || sample != nil || holdOut != nil || deduplicates || !requiredTags.isEmpty || !onlyTags.isEmpty || !languages.isEmpty
  }
}
