public import Foundation

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo): tells whether two inputs are the same, quickly and not against an adversary.
public struct Fingerprint: Sendable, Hashable {
  /// The hash of what was added so far.
  public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325
  private static let prime: UInt64 = 0x0000_0100_0000_01B3

  /// The fingerprint of nothing.
  public init() {}

  /// The fingerprint of a text's UTF-8.
  public init(of text: String) {
    self.init()
    add(text)
  }

  /// The fingerprint of bytes.
  public init(of bytes: some Sequence<UInt8>) {
    self.init()
    add(bytes)
  }

  /// Adds bytes, one after the other.
  public mutating func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(UInt64(byte)) } }
  /// Adds memory, one byte after the other.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) { for byte in bytes { add(UInt64(byte)) } }
  /// Adds a text's UTF-8.
  public mutating func add(_ text: String) { add(text.utf8) }
  /// Adds a number in one step.
  public mutating func add(_ number: Int) { add(UInt64(bitPattern: Int64(number))) }
  /// Adds 64 bits in one step.
  public mutating func add(_ bits: UInt64) { value = (value ^ bits) &* Fingerprint.prime }

  /// The fingerprint of a file's bytes.
  /// - Throws: `FileError`.
  public init(ofFile url: URL) throws {
    self.init()
    let file = try MappedFile(at: url)
    withExtendedLifetime(file) { add(file.bytes) }
  }

  /// The hash in hexadecimal digits, without leading zeros.
  public var digits: String { String(value, radix: 16) }
}
