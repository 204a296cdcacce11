public import Foundation

/// What a long run found so far, on disk beside its output, so that a killed run goes on where it stopped and ends with the same bytes.
///
/// A line of text that tells the run's identity in JSON, then records: the length of what it holds, that, and a checksum. A record that was cut off or
/// damaged, and all after it, is found again.
public final class RunJournal {
  private let file: GrowingFile
  private var synced = ContinuousClock.now
  /// The most bytes of one record.
  private static let recordLimit: UInt64 = 1 << 32
  /// What every journal begins with.
  fileprivate static let mark = "headway journal\t"

  /// Where the journal of an output lies.
  public static func url(beside output: URL) -> URL { output.appendingPathExtension("journal") }

  /// Whether an unfinished run left one.
  public static func exists(beside output: URL) -> Bool {
    FileManager.default.fileExists(atPath: url(beside: output).path(percentEncoded: false))
  }

  /// Deletes the journal of a run whose output is written.
  public static func remove(beside output: URL) {
    let url = url(beside: output)
    if OutputKind.journal.isOwn(url) { try? FileManager.default.removeItem(at: url) }
  }

  /// Whether a file is a journal that a run keeps beside an output of one of these names: `NAME.journal`, or `NAME.PART.journal` where it keeps several.
  static func isJournal(_ url: URL, besideOneOf names: Set<String>) -> Bool {
    let name = url.lastPathComponent
    return name.hasSuffix(".journal") && names.contains { name.hasPrefix("\($0).") } && FileKind(of: url) == .file
      && OutputKind.journal.isOwn(url)
  }

  /// Starts an empty journal, or opens the one that is there where `resume` asks for it and hands its records over, first to last.
  ///
  /// - Parameters:
  ///   - output: the output beside which the journal lies.
  ///   - identity: the facts that a run must share with the one that wrote the journal to continue it.
  ///   - resume: whether to continue with a journal that is there.
  ///   - overwrites: whether one that is not gone on with is thrown away.
  ///   - body: takes a record and tells whether it follows from those before; one that does not ends the usable part.
  /// - Throws: `JournalError` where a journal is there that is neither to be gone on with nor to be thrown away, or belongs to another run.
  public static func open(
    beside output: URL, identity: RunIdentity, resume: Bool, overwrites: Bool, _ body: (_ record: JournalRecord) throws -> Bool
  ) throws -> RunJournal {
    let url = url(beside: output)
    let path = url.path(percentEncoded: false)
    let isThere = exists(beside: output)
    guard !isThere || OutputKind.journal.isOwn(url) else {
      throw JournalError("\(path) is not a journal of a measurement; move it away, or choose another \(setting: .output)")
    }
    guard resume, isThere else {
      guard !isThere || overwrites else {
        throw JournalError(
          "\(path) holds what an interrupted run found; continue that run with \(setting: .resume), or delete it and start over with \(setting: .overwrite)"
        )
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      try AtomicFile.write(Data(mark.utf8) + encoder.encode(identity) + Data("\n".utf8), to: url)
      return RunJournal(try GrowingFile(at: url))
    }
    let journal = RunJournal(try GrowingFile(at: url))
    guard let header = try journal.line() else {
      throw JournalError("\(path) is damaged; delete it and start over with \(setting: .overwrite)")
    }
    guard let earlier = try? JSONDecoder().decode(RunIdentity.self, from: Data(header.dropFirst(mark.count).utf8)) else {
      throw JournalError(
        "\(path) is of a run that another version of Headway began; finish it with that version, or start over by \(setting: .overwrite)")
    }
    if let difference = identity.difference(from: earlier) {
      throw JournalError(
        "\(path) belongs to a run with other settings (\(difference)); use the same ones, or start over by \(setting: .overwrite)")
    }
    var end = journal.file.readCount
    while let record = try journal.record(), try body(record) { end = journal.file.readCount }
    try journal.file.keep(first: end)
    return journal
  }

  private init(_ file: GrowingFile) { self.file = file }

  /// Adds a record.
  /// - Returns: where its bytes lie in the journal's file, for those who read them there when the run is done.
  @discardableResult
  public func append(_ record: JournalRecord) throws -> Int {
    var whole = JournalRecord()
    whole.put(UInt64(record.bytes.count))
    whole.bytes += record.bytes
    whole.put(RunJournal.checksum(whole.bytes[...]))
    let place = file.count + 8
    try file.append(whole.bytes)
    // Written data survives a killed process at once; a lost machine costs at most these few seconds.
    if ContinuousClock.now - synced > .seconds(5) {
      try file.synchronize()
      synced = .now
    }
    return place
  }

  /// The journal's file with everything that was added so far, mapped: what it holds costs no memory of the process's own.
  /// - Throws: `FileError`.
  public func mapped() throws -> MappedFile { try MappedFile(at: file.url) }

  private func line() throws -> String? {
    var text: [UInt8] = []
    while let byte = try file.read(1).first {
      if byte == 10 { return String(validating: text, as: UTF8.self) }
      guard text.count < 1 << 20 else { return nil }
      text.append(byte)
    }
    return nil
  }

  /// The next record, or nil where there is none or it was cut off.
  private func record() throws -> JournalRecord? {
    let head = try file.read(8)
    guard head.count == 8 else { return nil }
    var length = JournalRecord(head)
    let size = length.integer(UInt64.self)
    guard size < RunJournal.recordLimit, Int(size) + 8 <= file.unreadCount else { return nil }
    let whole = head + (try file.read(Int(size) + 8))
    var checksum = JournalRecord(Array(whole.suffix(8)))
    guard RunJournal.checksum(whole.dropLast(8)) == checksum.integer(UInt64.self) else { return nil }
    return JournalRecord(Array(whole[8..<whole.count - 8]), offset: file.readCount - whole.count + 8)
  }

  /// Enough to notice a record that was cut off.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 { Fingerprint(of: bytes).value }
}

/// A journal that a run cannot use, and what to do about it.
public struct JournalError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message
  init(_ message: Message) { self.message = message }
}

extension OutputKind {
  /// The journal of a measurement: of a pattern, an ablation or an evaluation.
  public static let journal = OutputKind.text("a journal of a measurement", beginningWith: RunJournal.mark)
}

/// The bytes of one record, written and read as little-endian numbers one after another.
public struct JournalRecord {
  /// What was written.
  public fileprivate(set) var bytes: [UInt8]
  private var place = 0
  /// Where the record's bytes lie in the journal's file; 0 for one that was not read from there.
  public let offset: Int

  /// An empty record.
  public init() { self.init([]) }

  /// A record that was sent as bytes.
  public init(_ bytes: [UInt8]) { self.init(bytes, offset: 0) }

  fileprivate init(_ bytes: [UInt8], offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The bytes that were not read yet.
  public var remaining: Int { bytes.count - place }

  /// Writes a number.
  public mutating func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

  /// Writes bytes as they are.
  public mutating func put(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

  /// Passes bytes over.
  public mutating func skip(_ count: Int) { place += count }

  /// Writes a text: its length in UTF-8, and that.
  public mutating func put(_ text: String) {
    put(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  /// The next text; nil where it is cut off or not UTF-8.
  public mutating func text() -> String? {
    let count = integer(UInt64.self)
    guard place <= bytes.count, count <= UInt64(bytes.count - place) else { return nil }
    defer { place += Int(count) }
    return String(validating: bytes[place..<place + Int(count)], as: UTF8.self)
  }

  /// The next number; what lies beyond the end reads as 0.
  public mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
    var value: Number = 0
    for index in 0..<MemoryLayout<Number>.size where bytes.indices.contains(place + index) {
      value |= Number(truncatingIfNeeded: bytes[place + index]) << Number(8 * index)
    }
    place += MemoryLayout<Number>.size
    return value
  }
}
