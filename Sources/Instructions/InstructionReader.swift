import StrictJSON

/// Reads a dataset's instructions, one after another.
public final class InstructionReader {
  /// Bad records that were passed over so far.
  public private(set) var skipped = 0
  /// The first few of the errors that were passed over, for a message.
  public private(set) var skippedErrors: [DataError] = []
  /// Instructions given so far whose answer is not published.
  public private(set) var unanswered = 0
  /// Instructions given so far.
  public private(set) var count = 0

  private let dataset: Dataset
  private var nextFile = 0
  private var records: (any RecordReader)?
  private var recordsInFile = 0
  private var pending: ArraySlice<Sample> = []
  private var position = 0

  init(_ dataset: Dataset) {
    self.dataset = dataset
  }

  /// The next instruction, nil behind the last.
  public func next() throws(DataError) -> Instruction? { try nextSample()?.instruction }

  /// The next instruction with the fields that it was made of, nil behind the last.
  public func nextSample() throws(DataError) -> Sample? {
    if let limit = dataset.options.limit, count >= limit { return nil }
    guard var sample = try nextOfFiles() else {
      guard count > 0 || skipped > 0 else { throw .file(dataset.dataFiles[0].name, problem: "holds no record") }
      return nil
    }
    sample.instruction.task = sample.instruction.task ?? dataset.formatName
    count += 1
    if !sample.instruction.isAnswered { unanswered += 1 }
    return sample
  }

  /// All instructions that are left.
  public func rest() throws(DataError) -> [Instruction] {
    var instructions: [Instruction] = []
    while let instruction = try next() { instructions.append(instruction) }
    return instructions
  }

  /// The next sample in file order, whatever the limit; bad records are passed over if that is allowed.
  private func nextOfFiles() throws(DataError) -> Sample? {
    while true {
      if var sample = pending.popFirst() {
        sample.instruction.index = position
        position += 1
        return sample
      }
      do throws(DataError) {
        guard let record = try nextRecord() else { return nil }
        pending = try dataset.format.samples(of: try renamed(record), form: dataset.form)[...]
      } catch {
        guard dataset.options.skipBad, error.concernsOneRecord else { throw error }
        position += 1
        skipped += 1
        if skippedErrors.count < 8 { skippedErrors.append(error) }
      }
    }
  }

  private func nextRecord() throws(DataError) -> Record? {
    while true {
      if records == nil {
        guard nextFile < dataset.dataFiles.count else { return nil }
        let unit = dataset.format.textUnit(form: dataset.form) ?? .file
        records = try dataset.dataFiles[nextFile].records(unit: unit)
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
