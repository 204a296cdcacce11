import Ground

/// Reads a dataset's instructions, one after another.
public final class InstructionReader {
  /// What became of the records so far.
  public var counts: ReadingCounts { stream.counts }
  /// Bad records that were passed over so far.
  public var skipped: Int { stream.counts.skipped }
  /// Instructions given so far.
  public private(set) var count = 0
  /// Instructions given so far whose answer is not published.
  public private(set) var unanswered = 0

  let dataset: Dataset
  private var stream: SampleStream
  /// The positions, among the samples that the stream gives, of those that were drawn; nil where all are taken.
  private var drawn: ArraySlice<Int>?
  private var hasDrawn = false
  /// What the reading that a draw needs found.
  private var drawCounts: ReadingCounts?
  private var streamPosition = 0

  /// Whether a sample that was given holds a conversation.
  private(set) var isChat = false

  /// What became of the records, by the reading that a draw needs where nothing was drawn.
  var wholeCounts: ReadingCounts { counts.read + counts.skipped > 0 ? counts : drawCounts ?? counts }
  /// Files that were opened so far.
  var openedFiles: Int { stream.nextFile }

  init(_ dataset: Dataset) {
    self.dataset = dataset
    stream = SampleStream(dataset)
  }

  /// The file that the latest instruction came from, as the dataset names it; nil before the first.
  public var file: String? { openedFiles > 0 ? dataset.dataFiles[openedFiles - 1].name : nil }

  /// The next instruction, nil behind the last.
  public func next() throws(DataError) -> Instruction? { try nextSample()?.instruction }

  /// The next instruction with the fields that it was made of, nil behind the last.
  public func nextSample() throws(DataError) -> Sample? {
    if let limit = dataset.options.limit, count >= limit { return nil }
    if !hasDrawn {
      drawn = try draw()
      hasDrawn = true
    }
    while true {
      if let drawn, drawn.isEmpty { return nil }
      guard let sample = try stream.next() else {
        guard counts.read > 0 || skipped > 0 else { throw .file(dataset.name, problem: "holds no record") }
        return nil
      }
      defer { streamPosition += 1 }
      if let next = drawn?.first {
        guard next == streamPosition else { continue }
        drawn?.removeFirst()
      }
      count += 1
      if !sample.instruction.isAnswered { unanswered += 1 }
      if sample.messages != nil { isChat = true }
      return sample
    }
  }

  /// All instructions that are left.
  public func rest() throws(DataError) -> [Instruction] {
    var instructions: [Instruction] = []
    while let instruction = try next() { instructions.append(instruction) }
    return instructions
  }

  /// Splits and samples, which needs a reading of its own to know what there is.
  private func draw() throws(DataError) -> ArraySlice<Int>? {
    let options = dataset.options
    guard options.holdOut != nil || options.sample != nil else { return nil }
    var keys: [TextKey] = []
    var total = 0
    var stream = SampleStream(dataset)
    defer { drawCounts = stream.counts }
    while let sample = try stream.next() {
      total += 1
      if options.holdOut != nil { keys.append(.question(sample.instruction)) }
    }
    var positions = Array(0..<total)
    if let holdOut = options.holdOut {
      let sides = heldOut(keys, fraction: holdOut.fraction, seed: options.seed)
      positions = positions.filter { sides[$0] == holdOut.readsHeldOut }
    }
    if let sample = options.sample {
      var generator = SeededGenerator(seed: options.seed, stream: "sample")
      positions = generator.positions(sample, outOf: positions.count).map { positions[$0] }
    }
    return positions[...]
  }
}
