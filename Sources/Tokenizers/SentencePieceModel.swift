import StrictJSON

/// A SentencePiece `tokenizer.model`: a protocol-buffer message `sentencepiece.ModelProto`, of which only what a BPE tokenizer
/// needs is read.
struct SentencePieceModel {
  /// The kinds of pieces (`SentencePiece.Type`).
  enum PieceKind: UInt64 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  /// A token.
  struct Piece {
    var text: [UInt8] = []
    /// Pieces of greater score merge first.
    var score: Float = 0
    var kind = PieceKind.normal
  }

  /// The tokens in the order of their ids.
  var pieces: [Piece] = []
  /// `TrainerSpec.model_type`: 1 unigram, 2 BPE, 3 words, 4 characters.
  var modelType: UInt64 = 1
  var byteFallback = false
  var treatsWhitespaceAsSuffix = false
  /// `TrainerSpec`: ids and texts of the special pieces; an id below zero means that there is none.
  var unknownPiece: [UInt8] = Array("<unk>".utf8)
  var beginningPiece: [UInt8] = Array("<s>".utf8)
  var endPiece: [UInt8] = Array("</s>".utf8)
  var unknownID: Int32 = 0
  var beginningID: Int32 = 1
  var endID: Int32 = 2
  /// `NormalizerSpec`.
  var charsMapSize = 0
  var addsDummyPrefix = true
  var removesExtraWhitespace = true
  var escapesWhitespace = true
  /// Size of the rules that change decoded text (`denormalizer_spec`).
  var denormalizerMapSize = 0

  /// Whether `bytes` start as such a file does: with field 1 (a piece) as a length-delimited message.
  static func matches(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool { bytes.first == 0x0A }

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: pieces.append(try Self.piece(try field.message(), at: field.offset))
      case 2: try readTrainer(try field.message())
      case 3: try readNormalizer(try field.message())
      case 5: denormalizerMapSize = try Self.mapSize(try field.message())
      default: break
      }
    }
  }

  private static func piece(_ message: ProtobufReader, at offset: Int) throws(Fault) -> Piece {
    var piece = Piece()
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let text = try field.bytes()
        if let fault = ForeignText.firstFault(in: text) {
          throw Fault(offset: field.offset + fault, reason: "a piece is not UTF-8")
        }
        piece.text = Array(text)
      case 2: piece.score = try field.float()
      case 3:
        let value = try field.varint()
        guard let kind = PieceKind(rawValue: value) else {
          throw Fault(offset: field.offset, reason: "the piece type \(value) is not known")
        }
        piece.kind = kind
      default: break
      }
    }
    guard !piece.text.isEmpty else { throw Fault(offset: offset, reason: "a piece has no text") }
    return piece
  }

  private mutating func readTrainer(_ message: ProtobufReader) throws(Fault) {
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 3: modelType = try field.varint()
      case 24: treatsWhitespaceAsSuffix = try field.varint() != 0
      case 35: byteFallback = try field.varint() != 0
      case 40: unknownID = Int32(truncatingIfNeeded: try field.varint())
      case 41: beginningID = Int32(truncatingIfNeeded: try field.varint())
      case 42: endID = Int32(truncatingIfNeeded: try field.varint())
      case 45: unknownPiece = Array(try field.bytes())
      case 46: beginningPiece = Array(try field.bytes())
      case 47: endPiece = Array(try field.bytes())
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ message: ProtobufReader) throws(Fault) {
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 2: charsMapSize = try field.bytes().count
      case 3: addsDummyPrefix = try field.varint() != 0
      case 4: removesExtraWhitespace = try field.varint() != 0
      case 5: escapesWhitespace = try field.varint() != 0
      default: break
      }
    }
  }

  private static func mapSize(_ message: ProtobufReader) throws(Fault) -> Int {
    var reader = message
    var size = 0
    while let field = try reader.next() {
      if field.number == 2 { size = try field.bytes().count }
    }
    return size
  }

  /// The tokens with their ids.
  func vocabulary() throws(ModelFault) -> Vocabulary {
    var vocabulary = Vocabulary()
    vocabulary.reserve(pieces.count)
    for (id, piece) in pieces.enumerated() {
      guard id <= Int(Vocabulary.greatestID) else { throw ModelFault(reason: "there are more pieces than \(Vocabulary.greatestID)") }
      if let reason = vocabulary.add(piece.text, id: UInt32(id)) { throw ModelFault(reason: reason) }
    }
    return vocabulary
  }

  /// The rank of each piece in SentencePiece's own merging, equal for equal scores; nil for pieces that take no part in it.
  func ranks() -> [UInt32?] {
    let merging = pieces.indices.filter { pieces[$0].kind == .normal }.sorted { pieces[$0].score > pieces[$1].score }
    var ranks = [UInt32?](repeating: nil, count: pieces.count)
    var rank: UInt32 = 0
    for (place, index) in merging.enumerated() {
      if place > 0, pieces[index].score < pieces[merging[place - 1]].score { rank += 1 }
      ranks[index] = rank
    }
    return ranks
  }

  /// What about this file Headway does not do when nothing but the file says how to read it; nil where it does all.
  var unsupportedFeatureAlone: String? {
    if pieces.contains(where: { $0.kind == .userDefined }) { return "user-defined pieces without a tokenizer_config.json" }
    if pieces.contains(where: { $0.kind == .unused }) { return "unused pieces without a tokenizer_config.json" }
    return nil
  }

  /// What about this file Headway does not do; nil where it does all.
  var unsupportedFeature: String? {
    switch modelType {
    case 2: break
    case 1: return "a unigram model (model_type UNIGRAM)"
    case 3: return "a word model (model_type WORD)"
    case 4: return "a character model (model_type CHAR)"
    default: return "the model type \(modelType)"
    }
    if charsMapSize > 0 { return "normalisation by a map of characters (precompiled_charsmap)" }
    if denormalizerMapSize > 0 { return "denormalisation by a map of characters (denormalizer_spec)" }
    if !escapesWhitespace { return "white space that is not escaped (escape_whitespaces = false)" }
    if treatsWhitespaceAsSuffix { return "white space as a suffix (treat_whitespace_as_suffix)" }
    return nil
  }
}

/// Reads the fields of a protocol-buffer message.
struct ProtobufReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position: Int
  private let end: Int

  /// One field of a message.
  struct Field {
    enum Content {
      case varint(UInt64)
      /// Four bytes, or eight, which no field that is read has.
      case fixed(UInt32?)
      case delimited(Range<Int>)
    }

    var number: UInt64
    var content: Content
    /// Where the field's content starts in the file.
    var offset: Int
    fileprivate var bytesOfFile: UnsafeBufferPointer<UInt8>

    /// A number.
    func varint() throws(Fault) -> UInt64 {
      guard case .varint(let value) = content else { throw Fault(offset: offset, reason: "field \(number) is not a number") }
      return value
    }

    /// A number with a fraction.
    func float() throws(Fault) -> Float {
      guard case .fixed(let bits?) = content, case let value = Float(bitPattern: bits), !value.isNaN else {
        throw Fault(offset: offset, reason: "field \(number) is not a number of four bytes")
      }
      return value
    }

    /// A text or bytes.
    func bytes() throws(Fault) -> UnsafeBufferPointer<UInt8> {
      guard case .delimited(let range) = content else { throw Fault(offset: offset, reason: "field \(number) is not a text") }
      return UnsafeBufferPointer(rebasing: bytesOfFile[range])
    }

    /// A message within the message.
    func message() throws(Fault) -> ProtobufReader {
      guard case .delimited(let range) = content else { throw Fault(offset: offset, reason: "field \(number) is not a message") }
      return ProtobufReader(bytesOfFile, range)
    }
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.init(bytes, 0..<bytes.count) }

  private init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, nil at the end.
  mutating func next() throws(Fault) -> Field? {
    guard position < end else { return nil }
    let tag = try varint()
    let start = position
    let content: Field.Content
    switch tag & 7 {
    case 0: content = .varint(try varint())
    case 1:
      try skip(8)
      content = .fixed(nil)
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw Fault(offset: position, reason: "a field of \(length) bytes reaches beyond the end")
      }
      content = .delimited(position..<position + Int(length))
      position += Int(length)
    case 5:
      try skip(4)
      content = .fixed((0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    default: throw Fault(offset: position, reason: "the wire type \(tag & 7) is not known, so this is not a SentencePiece model")
    }
    return Field(number: tag >> 3, content: content, offset: start, bytesOfFile: bytes)
  }

  private mutating func skip(_ count: Int) throws(Fault) {
    guard count <= end - position else { throw Fault(offset: position, reason: "the file ends within a field") }
    position += count
  }

  private mutating func varint() throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Fault(offset: position, reason: "a number is cut short")
  }
}
