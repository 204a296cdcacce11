import Ground
internal import CArrow

/// The unpacked bytes of a gzip stream (RFC 1952), of one member or several, through Arrow's codec. Sizes and checksums are verified.
final class GzipBytes: ByteSource {
  private let source: any ByteSource
  private let name: String
  private let inflater: ca_inflater
  private var limit: ExpansionLimit
  private var input: [UInt8] = []
  private var position = 0
  private var state = State.betweenMembers
  private var members = 0

  private enum State { case betweenMembers, inMember, end }

  /// The most bytes that are unpacked at a time.
  private static let pieceSize = 1 << 18

  /// - Parameters:
  ///   - name: the file's name in messages.
  ///   - packed: the bytes of the file.
  init(_ source: any ByteSource, name: String, packed: Int) throws(DataError) {
    self.source = source
    self.name = name
    limit = ExpansionLimit(packed: packed)
    var opened: ca_inflater?
    guard ca_inflater_open(&opened) == 0, let opened else {
      throw .file(name, problem: "cannot be unpacked: \(String(cString: ca_error()))")
    }
    inflater = opened
  }

  deinit { ca_inflater_close(inflater) }

  func read() throws(DataError) -> [UInt8] {
    while true {
      switch state {
      case .end: return []
      case .betweenMembers: state = try startMember() ? .inMember : .end
      case .inMember:
        let piece = try inflate()
        guard !piece.isEmpty else { continue }
        guard limit.take(piece.count) else { throw .file(name, problem: ExpansionLimit.problem) }
        return piece
      }
    }
  }

  /// Makes ready for a member. False where the stream has ended; bytes of 0 that pad it are passed over.
  private func startMember() throws(DataError) -> Bool {
    while true {
      while input.count - position < 2 { guard try fill() else { break } }
      guard position < input.count else { return false }
      if members == 0 || input[position] != 0 { break }
      position += 1
    }
    guard input.count - position >= 2, input[position] == 0x1F, input[position + 1] == 0x8B else {
      throw broken(members == 0 ? "it has no gzip header" : "something that is not gzip follows the data")
    }
    if members > 0, ca_inflater_restart(inflater) != 0 { throw broken(String(cString: ca_error())) }
    members += 1
    return true
  }

  /// The next bytes of the member; empty where the input gives none or the member ends.
  private func inflate() throws(DataError) -> [UInt8] {
    var (read, written, finished) = (Int64(0), Int64(0), Int32(0))
    var failed = false
    let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, filled in
      failed =
        input.withUnsafeBufferPointer { input in
          ca_inflate(
            inflater, input.baseAddress.map { $0 + position }, Int64(input.count - position), output.baseAddress, Int64(output.count),
            &read,
            &written, &finished)
        } != 0
      filled = failed ? 0 : Int(written)
    }
    guard !failed else {
      let reason = String(cString: ca_error()).replacing("zlib inflate failed: ", with: "")
      throw broken("\(reason); fetch the file again")
    }
    position += Int(read)
    if finished != 0 {
      state = .betweenMembers
    } else if read == 0, written == 0 {
      // All that was given is used up and given out.
      guard try fill() else { throw broken("it ends too early; fetch the file again") }
    }
    return piece
  }

  /// Puts more of the source behind what is left of the input. False where there is no more.
  private func fill() throws(DataError) -> Bool {
    let more = try source.read()
    input.removeSubrange(..<position)
    position = 0
    input.append(contentsOf: more)
    return !more.isEmpty
  }

  private func broken(_ problem: String) -> DataError { .file(name, problem: "the gzip data is broken: \(problem)") }
}
