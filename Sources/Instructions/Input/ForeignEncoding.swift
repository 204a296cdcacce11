import Ground
import StrictJSON

/// Texts in another encoding than UTF-8, recognised so that an error can name it and say how the file is converted.
enum ForeignEncoding {
  /// UTF-16 or UTF-32, by its byte-order mark or its zeros; nil for anything else.
  /// - Parameter head: the first bytes of a file.
  static func wide(_ head: [UInt8]) -> String? {
    for (mark, name) in [
      ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0, 0, 0xFE, 0xFF], "UTF-32"), ([0xFF, 0xFE], "UTF-16"), ([0xFE, 0xFF], "UTF-16"),
    ] as [([UInt8], String)] where head.starts(with: mark) {
      return name
    }
    // Without a mark: letters of the first 256 in every other byte, zeros between them.
    let sample = head.prefix(256)
    guard sample.count >= 8 else { return nil }
    for parity in 0...1 {
      let zeros = sample.indices.count { $0 % 2 == parity && sample[$0] == 0 }
      let letters = sample.indices.count { $0 % 2 != parity && (sample[$0] >= 0x20 && sample[$0] != 0x7F || isJSONWhitespace(sample[$0])) }
      if zeros * 10 >= sample.count * 4, letters * 2 >= sample.count - 1 { return parity == 0 ? "UTF-16BE" : "UTF-16LE" }
    }
    return nil
  }

  /// What is wrong with bytes that are not UTF-8, as the end of a sentence; nil where they are.
  /// - Parameter file: the file that they are from, in messages.
  static func problem(of bytes: UnsafeBufferPointer<UInt8>, in file: String) -> Message? {
    guard ForeignText.firstFault(in: bytes) != nil else { return nil }
    var (faults, sound, high, runs) = (0, 0, 0, 0)
    var position = 0
    while position < bytes.count {
      guard bytes[position] >= 0x80 else {
        position += 1
        continue
      }
      runs += 1
      let start = position
      while position < bytes.count, bytes[position] >= 0x80 { position += 1 }
      high += position - start
      let run = UnsafeBufferPointer(rebasing: bytes[start..<position])
      if ForeignText.firstFault(in: run) == nil { sound += 1 } else { faults += 1 }
    }
    // Words of another encoding hardly ever are UTF-8 by chance: this is UTF-8 in which something broke.
    guard sound * 4 <= faults else {
      return "is not valid UTF-8 in \(faults) place\(faults == 1 ? "" : "s"); fetch the file again, or mend it"
    }
    // Letters with marks stand alone among others; characters of East Asia take two bytes and stand in rows.
    guard high * 2 > runs * 3 else {
      return "is not UTF-8 but looks like Latin-1 (Windows-1252); \(conversion(of: file, from: "WINDOWS-1252"))"
    }
    return
      "is not UTF-8 but looks like an encoding of East Asia; convert it from the one that it is in: \(command(of: file, from: "GB18030"))"
  }

  /// How a file in this encoding becomes one in UTF-8.
  static func conversion(of file: String, from encoding: String) -> String { "convert it: \(command(of: file, from: encoding))" }

  private static func command(of file: String, from encoding: String) -> String {
    guard file != PipeCopy.standardInput else { return "… | iconv -f \(encoding) -t UTF-8 | headway …" }
    let isPacked = file.lowercased().hasSuffix(".gz")
    let plain = isPacked ? String(file.dropLast(3)) : file
    let folder = plain.lastIndex(of: "/").map { plain[...$0] } ?? ""
    let last = plain.dropFirst(folder.count)
    let stem = last.lastIndex(of: ".").map { last[..<$0] } ?? last
    let new = "\(folder)\(stem).utf8\(last.dropFirst(stem.count))"
    return isPacked
      ? "gzip -dc \(file.shellWord) | iconv -f \(encoding) -t UTF-8 > \(new.shellWord)"
      : "iconv -f \(encoding) -t UTF-8 \(file.shellWord) > \(new.shellWord)"
  }
}
