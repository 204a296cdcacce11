/// The unpacked bytes of a gzip stream (RFC 1952), of one member or several. Sizes and checksums are verified.
final class GzipBytes: ByteSource {
  private var inflater: Inflater
  private let name: String
  private var state = State.memberStart
  private var checksum = CRC32()
  private var size: UInt32 = 0
  private var members = 0

  private enum State { case memberStart, inMember, end }

  init(_ source: any ByteSource, name: String) {
    inflater = Inflater(source)
    self.name = name
  }

  func read() throws(DataError) -> [UInt8] {
    do {
      while true {
        switch state {
        case .end: return []
        case .memberStart:
          guard try readHeader() else {
            state = .end
            continue
          }
          inflater.startStream()
          checksum = CRC32()
          size = 0
          state = .inMember
        case .inMember:
          let piece = try inflater.inflate()
          if piece.isEmpty {
            try checkTrailer()
            state = .memberStart
            continue
          }
          checksum.update(piece)
          size &+= UInt32(truncatingIfNeeded: piece.count)
          return piece
        }
      }
    } catch let error as Inflater.Failure {
      throw .file(name, problem: "the gzip data is broken: \(error.problem)")
    } catch let error as DataError {
      throw error
    } catch {
      throw .file(name, problem: "the gzip data is broken")
    }
  }

  /// Reads a member's header. False where the stream has ended; bytes of 0 that pad it are passed over.
  private func readHeader() throws -> Bool {
    var first = try inflater.byteOrEnd()
    if members > 0 { while first == 0 { first = try inflater.byteOrEnd() } }
    guard let first else { return false }
    guard first == 0x1F, try inflater.byte() == 0x8B else {
      throw Inflater.Failure(problem: members == 0 ? "it has no gzip header" : "something that is no gzip follows the data")
    }
    guard try inflater.byte() == 8 else { throw Inflater.Failure(problem: "it is packed by an unknown method") }
    let flags = try inflater.byte()
    guard flags & 0xE0 == 0 else { throw Inflater.Failure(problem: "its header has unknown flags") }
    for _ in 0..<6 { _ = try inflater.byte() }  // time, level, system
    if flags & 4 != 0 {
      let count = Int(try inflater.byte()) | Int(try inflater.byte()) << 8
      for _ in 0..<count { _ = try inflater.byte() }
    }
    if flags & 8 != 0 { while try inflater.byte() != 0 {} }
    if flags & 16 != 0 { while try inflater.byte() != 0 {} }
    if flags & 2 != 0 { for _ in 0..<2 { _ = try inflater.byte() } }
    members += 1
    return true
  }

  private func checkTrailer() throws {
    inflater.dropPartialByte()
    var words: [UInt32] = []
    for _ in 0..<2 {
      var word: UInt32 = 0
      for shift in 0..<4 { word |= UInt32(try inflater.byte()) << UInt32(8 * shift) }
      words.append(word)
    }
    guard words[0] == checksum.value else {
      throw Inflater.Failure(problem: "its checksum does not fit, so bytes were changed; fetch the file again")
    }
    guard words[1] == size else { throw Inflater.Failure(problem: "its length does not fit; fetch the file again") }
  }
}

/// The checksum of gzip: CRC-32 with the reflected polynomial 0xEDB88320, four bytes at a time.
struct CRC32 {
  private var state: UInt32 = 0xFFFF_FFFF
  /// The checksum of all bytes so far.
  var value: UInt32 { ~state }

  /// tables[k][b]: the state after byte b and k further bytes of 0.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 1024)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
      tables[byte] = value
    }
    for index in 256..<1024 {
      let previous = tables[index - 256]
      tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
    }
    return tables
  }()

  mutating func update(_ bytes: [UInt8]) {
    var state = state
    CRC32.tables.withUnsafeBufferPointer { tables in
      bytes.withUnsafeBufferPointer { bytes in
        var index = 0
        while index + 4 <= bytes.count {
          state ^= UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16 | UInt32(bytes[index + 3]) << 24
          state =
            tables[768 + Int(state & 0xFF)] ^ tables[512 + Int(state >> 8 & 0xFF)] ^ tables[256 + Int(state >> 16 & 0xFF)]
            ^ tables[Int(state >> 24)]
          index += 4
        }
        while index < bytes.count {
          state = tables[Int((state ^ UInt32(bytes[index])) & 0xFF)] ^ (state >> 8)
          index += 1
        }
      }
    }
    self.state = state
  }
}
