import Ground
import StrictJSON

/// The samples of a dataset in file order, written by template or chat form and filtered; before splitting, sampling and limit.
struct SampleStream {
  private let dataset: Dataset
  /// Files that were opened.
  private(set) var nextFile = 0
  private var remaining: ArraySlice<(part: DataPart, file: DataFile)>
  private var records: (any RecordReader)?
  private var pending: ArraySlice<Result<Sample, DataError>> = []
  private var place = RecordPlace(file: "", number: 0)
  /// How the record at hand is read.
  private var part: DataPart
  private var position = 0
  private var seen: Set<TextKey> = []

  private(set) var counts = ReadingCounts()

  init(_ dataset: Dataset) {
    self.dataset = dataset
    part = dataset.parts[0]
    remaining = dataset.parts.flatMap { part in part.files.map { (part, $0) } }[...]
  }

  mutating func next() throws(DataError) -> Sample? {
    while true {
      do throws(DataError) {
        guard let sample = try nextWritten() else { return nil }
        counts.read += 1
        if try isKept(sample.instruction) { return sample }
      } catch {
        guard dataset.options.skipBad, error.concernsOneRecord else { throw error }
        position += 1
        counts.skipped += 1
        if counts.skippedErrors.count < 8 { counts.skippedErrors.append(error) }
      }
    }
  }

  /// The next sample of the files, with its prompt as the options have it.
  private mutating func nextWritten() throws(DataError) -> Sample? {
    while pending.isEmpty {
      guard let record = try nextRecord() else { return nil }
      place = record.place
      pending = try part.format.samples(of: try renamed(record), form: part.form)[...]
    }
    guard var sample = try pending.popFirst()?.get() else { return nil }
    if let template = dataset.template { try sample.apply(template, at: place) }
    if let chat = part.chat { try sample.apply(chat, at: place) }
    sample.instruction.index = position
    sample.instruction.task = part.task ?? sample.instruction.task ?? part.format.name
    position += 1
    return sample
  }

  private mutating func isKept(_ instruction: Instruction) throws(DataError) -> Bool {
    do {
      if let reason = try dataset.options.filter.reason(toLeaveOut: instruction) {
        counts.leaveOut(reason)
        return false
      }
    } catch {
      throw .record(place, problem: "the tokens cannot be counted: \(error)")
    }
    if dataset.options.deduplicates, !seen.insert(.whole(instruction)).inserted {
      counts.duplicates += 1
      return false
    }
    return true
  }

  private mutating func nextRecord() throws(DataError) -> Record? {
    while true {
      if records == nil {
        guard let (part, file) = remaining.popFirst() else { return nil }
        self.part = part
        records = try file.records(unit: part.format.textUnit(form: part.form) ?? .file)
        nextFile += 1
      }
      if let record = try records?.next() { return record }
      records = nil
    }
  }

  /// The record with the mapped fields under the format's names. Its own field of such a name gives way.
  private func renamed(_ record: Record) throws(DataError) -> Record {
    guard !dataset.options.map.isEmpty else { return record }
    var renamed = record
    for (name, source) in dataset.options.map.sorted(by: { $0.key < $1.key }) {
      renamed.fields[name] = try record.value(source)
    }
    return renamed
  }
}
