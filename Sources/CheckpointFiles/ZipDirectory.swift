import StrictJSON

/// What is wrong with a checkpoint's container or description, and what to do about it; the file is added by whoever opened it.
package struct CheckpointProblem: Error {
  var problem: String
  var remedy = "download or write it again"
}

/// The entries of a zip archive and where their bytes lie, as far as checkpoints need it: stored entries of one part, with zip64's sizes.
///
/// Layout after PKWARE's APPNOTE 6.3: entries with a local header each, a central directory, and its end record, which zip64 doubles for
/// sizes beyond 4 GiB.
package struct ZipDirectory {
  /// Bytes of each entry, counted from the start of the file.
  package let entries: [String: Range<Int>]
  /// The name of the first entry of the directory.
  let firstName: String

  /// A checkpoint has one entry a storage: no model has a million.
  static let mostEntries = 1_000_000

  /// Reads the directory and every entry's header; entries may lie nowhere but in the file.
  package init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointProblem) {
    let file = LittleEndianBytes(bytes)
    let directory = try ZipDirectory.directory(of: file)
    var entries: [String: Range<Int>] = [:]
    var firstName: String?
    var place = directory.start
    for _ in 0..<directory.count {
      guard try file.integer(at: place, as: UInt32.self) == 0x0201_4b50 else {
        throw CheckpointProblem(problem: "its zip directory is damaged at byte \(place)")
      }
      let flags = try file.integer(at: place + 8, as: UInt16.self)
      let method = try file.integer(at: place + 10, as: UInt16.self)
      let packedSize = try file.integer(at: place + 20, as: UInt32.self)
      let size = try file.integer(at: place + 24, as: UInt32.self)
      let nameLength = Int(try file.integer(at: place + 28, as: UInt16.self))
      let extraLength = Int(try file.integer(at: place + 30, as: UInt16.self))
      let commentLength = Int(try file.integer(at: place + 32, as: UInt16.self))
      let offset = try file.integer(at: place + 42, as: UInt32.self)
      let name = try file.text(at: place + 46, length: nameLength)
      let extra = place + 46 + nameLength
      var wide = try Zip64Fields(file: file, range: try file.checked(extra, extraLength))
      let fullSize = try wide.value(size)
      let fullPackedSize = try wide.value(packedSize)
      let header = try wide.value(offset)
      guard flags & 1 == 0 else { throw CheckpointProblem(problem: "its entry \(name.debugDescription) is encrypted", remedy: .convert) }
      guard method == 0, fullSize == fullPackedSize else {
        throw CheckpointProblem(
          problem: "its entry \(name.debugDescription) is compressed (zip method \(method)), but torch.save stores entries as they are",
          remedy: .convert)
      }
      guard entries[name] == nil else { throw CheckpointProblem(problem: "it has two entries named \(name.debugDescription)") }
      entries[name] = try ZipDirectory.contents(of: name, header: header, size: fullSize, in: file)
      firstName = firstName ?? name
      place = extra + extraLength + commentLength
    }
    guard let firstName else { throw CheckpointProblem(problem: "it is a zip archive without entries") }
    self.entries = entries
    self.firstName = firstName
  }

  /// Where an entry's bytes lie: after its own header, whose name and padding may differ in length from the directory's.
  private static func contents(
    of name: String, header: Int, size: Int, in file: LittleEndianBytes
  ) throws(CheckpointProblem) -> Range<Int> {
    guard try file.integer(at: header, as: UInt32.self) == 0x0403_4b50 else {
      throw CheckpointProblem(problem: "its zip directory places \(name.debugDescription) at byte \(header), where no entry begins")
    }
    let nameLength = Int(try file.integer(at: header + 26, as: UInt16.self))
    let extraLength = Int(try file.integer(at: header + 28, as: UInt16.self))
    return try file.checked(header + 30 + nameLength + extraLength, size)
  }

  /// Finds the directory from the end of the file.
  private static func directory(of file: LittleEndianBytes) throws(CheckpointProblem) -> (start: Int, count: Int) {
    let endSize = 22
    let last = file.count - endSize
    var end = last
    // A comment of up to 65535 bytes may follow the record.
    while end >= max(0, last - 65_535) {
      if try file.integer(at: end, as: UInt32.self) == 0x0605_4b50,
        try end + endSize + Int(file.integer(at: end + 20, as: UInt16.self)) == file.count
      {
        break
      }
      end -= 1
    }
    guard end >= max(0, last - 65_535), last >= 0 else {
      throw CheckpointProblem(problem: "it begins as a zip archive but has no zip directory at its end: it is cut short")
    }
    var count = Int(try file.integer(at: end + 10, as: UInt16.self))
    var start = Int(try file.integer(at: end + 16, as: UInt32.self))
    let locator = end - 20
    if locator >= 0, try file.integer(at: locator, as: UInt32.self) == 0x0706_4b50 {
      let record = try file.position(at: locator + 8)
      guard try file.integer(at: record, as: UInt32.self) == 0x0606_4b50 else {
        throw CheckpointProblem(problem: "its zip64 directory is not at byte \(record), where it should be")
      }
      count = try file.position(at: record + 32)
      start = try file.position(at: record + 48)
    }
    guard count <= mostEntries else {
      throw CheckpointProblem(problem: "its zip directory claims \(count) entries, more than the \(mostEntries) that Headway reads")
    }
    return (start, count)
  }

  /// The 64-bit values that stand in for 32-bit fields that are all ones, in the order of those fields.
  private struct Zip64Fields {
    let file: LittleEndianBytes
    private var place: Int?

    init(file: LittleEndianBytes, range: Range<Int>) throws(CheckpointProblem) {
      self.file = file
      var field = range.lowerBound
      while field + 4 <= range.upperBound {
        let kind = try file.integer(at: field, as: UInt16.self)
        let length = Int(try file.integer(at: field + 2, as: UInt16.self))
        if kind == 1 {
          place = field + 4
          return
        }
        field += 4 + length
      }
    }

    mutating func value(_ narrow: UInt32) throws(CheckpointProblem) -> Int {
      guard narrow == .max, let place else { return Int(narrow) }
      self.place = place + 8
      return try file.position(at: place)
    }
  }
}

extension String {
  /// The remedy for a checkpoint that only PyTorch reads.
  static let convert = "load it with PyTorch, if you trust where it comes from, and save its tensors as safetensors"
}

/// Checked reading of little-endian numbers.
struct LittleEndianBytes {
  private let bytes: UnsafeRawBufferPointer
  var count: Int { bytes.count }

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The range of `length` bytes from `start`, if they are all there.
  func checked(_ start: Int, _ length: Int) throws(CheckpointProblem) -> Range<Int> {
    guard start >= 0, length >= 0, start <= bytes.count, length <= bytes.count - start else {
      throw CheckpointProblem(
        problem: "its zip directory speaks of \(length) bytes at byte \(start), but the file has \(bytes.count): it is cut short")
    }
    return start..<start + length
  }

  func integer<Number: FixedWidthInteger>(at place: Int, as type: Number.Type) throws(CheckpointProblem) -> Number {
    let range = try checked(place, MemoryLayout<Number>.size)
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: Number.self))
  }

  /// A 64-bit place or size, kept so small that adding to it cannot overflow.
  func position(at place: Int) throws(CheckpointProblem) -> Int {
    let value = try integer(at: place, as: UInt64.self)
    guard value <= UInt64(Int.max / 4) else { throw CheckpointProblem(problem: "its zip directory speaks of byte \(value)") }
    return Int(value)
  }

  func text(at place: Int, length: Int) throws(CheckpointProblem) -> String {
    let range = try checked(place, length)
    guard length <= 4096 else { throw CheckpointProblem(problem: "an entry's name in its zip directory has \(length) bytes") }
    do throws(ForeignText.Problem) {
      return try ForeignText.text(UnsafeRawBufferPointer(rebasing: bytes[range]).bindMemory(to: UInt8.self))
    } catch {
      throw CheckpointProblem(problem: "an entry's name in its zip directory \(error.rawValue)")
    }
  }
}
