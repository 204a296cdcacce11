/// Unpacks DEFLATE (RFC 1951), pulling packed bytes from a source and giving out unpacked ones in pieces.
///
/// Headway unpacks by itself because the system's zlib is there without its headers on a fresh machine.
struct Inflater {
  /// What is wrong with the packed data, as the end of a sentence.
  struct Failure: Error {
    var problem: String
  }

  private let source: any ByteSource
  private var input: [UInt8] = []
  private var inputPosition = 0
  /// Bits that were taken from the input and not yet used, the next in the lowest place.
  private var bits: UInt64 = 0
  private var bitCount = 0

  /// The last 32 KiB given out, which matches reach back into, then what is new.
  private var output: [UInt8] = []
  private static let windowSize = 1 << 15
  /// A piece ends once it has this many bytes.
  private static let pieceSize = 1 << 17

  private var block = Block.header
  private var isLastBlock = false
  private var literals = HuffmanTable()
  private var distances = HuffmanTable()

  private enum Block {
    case header
    case stored(remaining: Int)
    case packed
    case finished
  }

  init(_ source: any ByteSource) {
    self.source = source
  }

  /// Starts a new DEFLATE stream at the next byte.
  mutating func startStream() {
    dropPartialByte()
    output.removeAll(keepingCapacity: true)
    block = .header
    isLastBlock = false
  }

  /// The next unpacked bytes; empty where the stream has ended.
  mutating func inflate() throws -> [UInt8] {
    if output.count > Self.windowSize { output.removeSubrange(..<(output.count - Self.windowSize)) }
    let start = output.count
    while output.count - start < Self.pieceSize {
      switch block {
      case .finished:
        return Array(output[start...])
      case .header:
        if isLastBlock { block = .finished } else { try readBlockHeader() }
      case .stored(let remaining):
        let count = min(remaining, Self.pieceSize)
        for _ in 0..<count { output.append(try byte()) }
        block = remaining == count ? .header : .stored(remaining: remaining - count)
      case .packed:
        try inflatePacked(until: start + Self.pieceSize)
      }
    }
    return Array(output[start...])
  }

  // MARK: Bits

  /// The next byte of the input, nil at its end. Only at a byte boundary.
  mutating func byteOrEnd() throws -> UInt8? {
    if bitCount >= 8 {
      let value = UInt8(truncatingIfNeeded: bits)
      bits >>= 8
      bitCount -= 8
      return value
    }
    if inputPosition == input.count {
      input = try source.read()
      inputPosition = 0
      if input.isEmpty { return nil }
    }
    defer { inputPosition += 1 }
    return input[inputPosition]
  }

  /// The next byte of the input, which must be there. Only at a byte boundary.
  mutating func byte() throws -> UInt8 {
    guard let value = try byteOrEnd() else { throw Failure(problem: "it ends too early; fetch the file again") }
    return value
  }

  /// Moves to the next byte boundary.
  mutating func dropPartialByte() {
    let extra = bitCount & 7
    bits >>= UInt64(extra)
    bitCount -= extra
  }

  /// Takes input until at least `count` bits (at most 48) are there, or the input ends.
  @inline(__always)
  private mutating func refill(_ count: Int) throws {
    while bitCount < count {
      if inputPosition == input.count {
        input = try source.read()
        inputPosition = 0
        if input.isEmpty { return }
      }
      bits |= UInt64(input[inputPosition]) << UInt64(bitCount)
      inputPosition += 1
      bitCount += 8
    }
  }

  @inline(__always)
  private mutating func take(_ count: Int) throws -> Int {
    try refill(count)
    guard bitCount >= count else { throw Failure(problem: "it ends too early; fetch the file again") }
    let value = Int(bits & ((1 << UInt64(count)) - 1))
    bits >>= UInt64(count)
    bitCount -= count
    return value
  }

  @inline(__always)
  private mutating func symbol(_ table: HuffmanTable) throws -> Int {
    try refill(HuffmanTable.longest)
    let entry = table.entry(bits)
    let length = Int(entry & 15)
    guard length > 0 else { throw Failure(problem: "it holds an unassigned code") }
    guard length <= bitCount else { throw Failure(problem: "it ends too early; fetch the file again") }
    bits >>= UInt64(length)
    bitCount -= length
    return Int(entry >> 4)
  }

  // MARK: Blocks

  private mutating func readBlockHeader() throws {
    isLastBlock = try take(1) == 1
    switch try take(2) {
    case 0:
      dropPartialByte()
      let length = Int(try byte()) | Int(try byte()) << 8
      let complement = Int(try byte()) | Int(try byte()) << 8
      guard length == ~complement & 0xFFFF else { throw Failure(problem: "the length of a stored block does not fit") }
      block = .stored(remaining: length)
    case 1:
      var lengths = [UInt8](repeating: 8, count: 288)
      for symbol in 144..<256 { lengths[symbol] = 9 }
      for symbol in 256..<280 { lengths[symbol] = 7 }
      try literals.build(lengths)
      try distances.build([UInt8](repeating: 5, count: 30))
      block = .packed
    case 2:
      try readDynamicTables()
      block = .packed
    default:
      throw Failure(problem: "it holds a block of an unknown kind")
    }
  }

  private mutating func readDynamicTables() throws {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw Failure(problem: "a block has too many codes") }
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codeLengths = [UInt8](repeating: 0, count: 19)
    for index in 0..<lengthCount { codeLengths[order[index]] = UInt8(try take(3)) }
    var table = HuffmanTable()
    try table.build(codeLengths)
    var lengths: [UInt8] = []
    let total = literalCount + distanceCount
    while lengths.count < total {
      let symbol = try symbol(table)
      let repeated: UInt8
      let count: Int
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw Failure(problem: "a block repeats a code length before the first") }
        repeated = last
        count = 3 + (try take(2))
      case 17:
        repeated = 0
        count = 3 + (try take(3))
      case 18:
        repeated = 0
        count = 11 + (try take(7))
      default:
        repeated = UInt8(symbol)
        count = 1
      }
      guard lengths.count + count <= total else { throw Failure(problem: "a block has too many code lengths") }
      lengths.append(contentsOf: repeatElement(repeated, count: count))
    }
    guard lengths[256] > 0 else { throw Failure(problem: "a block has no code for its end") }
    try literals.build(Array(lengths[..<literalCount]))
    try distances.build(Array(lengths[literalCount...]))
  }

  /// Unpacks codes until the block ends or the output has `limit` bytes.
  private mutating func inflatePacked(until limit: Int) throws {
    while output.count < limit {
      let symbol = try symbol(literals)
      if symbol < 256 {
        output.append(UInt8(symbol))
        continue
      }
      if symbol == 256 {
        block = .header
        return
      }
      guard symbol < 286 else { throw Failure(problem: "it holds an unassigned length") }
      let length = Inflater.lengthBases[symbol - 257] + (try take(Inflater.lengthExtraBits[symbol - 257]))
      let code = try self.symbol(distances)
      guard code < 30 else { throw Failure(problem: "it holds an unassigned distance") }
      let distance = Inflater.distanceBases[code] + (try take(Inflater.distanceExtraBits[code]))
      guard distance <= output.count else { throw Failure(problem: "it reaches back before its start") }
      let from = output.count - distance
      for offset in 0..<length { output.append(output[from + offset]) }
    }
  }

  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let lengthExtraBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
    16385, 24577,
  ]
  private static let distanceExtraBits = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ]
}

/// Finds the symbol of a Huffman code from the next 15 bits in one look-up.
private struct HuffmanTable {
  /// The longest code of DEFLATE.
  static let longest = 15
  /// symbol << 4 | length, at every index whose low bits are the code; 0 where no code is assigned.
  private var entries: [UInt16] = [0]
  private var mask: UInt64 = 0

  @inline(__always)
  func entry(_ bits: UInt64) -> UInt16 { entries[Int(bits & mask)] }

  /// Assigns the canonical codes (RFC 1951, 3.2.2).
  /// - Parameter lengths: each symbol's code length, 0 for none.
  mutating func build(_ lengths: [UInt8]) throws {
    var counts = [Int](repeating: 0, count: Self.longest + 1)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var next = [Int](repeating: 0, count: Self.longest + 2)
    var code = 0
    for length in 1...Self.longest {
      code = (code + counts[length - 1]) << 1
      next[length] = code
      guard code + counts[length] <= 1 << length else { throw Inflater.Failure(problem: "a block has more codes than fit") }
    }
    let width = counts.lastIndex { $0 > 0 } ?? 0
    entries = [UInt16](repeating: 0, count: 1 << width)
    mask = (1 << UInt64(width)) - 1
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      var reversed = 0
      for bit in 0..<length { reversed |= (next[length] >> bit & 1) << (length - 1 - bit) }
      next[length] += 1
      let entry = UInt16(symbol << 4 | length)
      for index in stride(from: reversed, to: 1 << width, by: 1 << length) { entries[index] = entry }
    }
  }
}
