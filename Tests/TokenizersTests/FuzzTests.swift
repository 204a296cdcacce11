import Foundation
import Testing

@testable import Tokenizers

/// Damaged tokenizer files end in an error or a tokenizer that works: never in a crash, a hang or a huge allocation.
///
/// HEADWAY_FUZZ_COUNT sets how many files are tried for each tokenizer (150 without it), HEADWAY_FUZZ_SEED another course.
@Suite struct FuzzTests {
  private static let count = ProcessInfo.processInfo.environment["HEADWAY_FUZZ_COUNT"].flatMap { Int($0) } ?? 150
  private static let seed = ProcessInfo.processInfo.environment["HEADWAY_FUZZ_SEED"].flatMap { UInt64($0) } ?? 0

  /// Pieces that readers trip over.
  private static let pieces: [[UInt8]] = [
    Array("\"".utf8), Array("\\".utf8), Array("{".utf8), Array("}".utf8), Array("[".utf8), Array("]".utf8), Array(",".utf8),
    Array(":".utf8), Array("null".utf8),
    Array("true".utf8), Array("-1".utf8), Array("4294967295".utf8), Array("99999999999999999999".utf8), Array("1e999".utf8),
    Array("\\ud800".utf8),
    Array("\"\"".utf8), Array("▁".utf8), Array(" ".utf8), Array("\n".utf8), [0xFF], [0x00], [0xEF, 0xBB, 0xBF],
    [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x0A, 0x80],
    Array("\"normalized\":true".utf8), Array("\"content\":\"\"".utf8), Array("\"Regex\"".utf8), Array("\"Sequence\"".utf8),
  ]

  private static func damage(_ data: Data, _ generator: inout MergingTests.Generator) -> Data {
    var bytes = Array(data)
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      let length = min(Int.random(in: 0...24, using: &generator), bytes.count - place)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
      case 1: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
      case 2: bytes.removeSubrange(place..<place + length)
      case 3: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: place)
      case 4: bytes.replaceSubrange(place..<place + length, with: pieces.randomElement(using: &generator) ?? [])
      case 5: bytes.insert(contentsOf: bytes[place..<place + length], at: Int.random(in: 0...bytes.count, using: &generator))
      default: if Int.random(in: 0..<4, using: &generator) == 0 { bytes.removeSubrange(place...) }
      }
    }
    return Data(bytes)
  }

  private static func load(_ files: [String: Data]) -> Result<Tokenizer, TokenizerError> {
    do throws(TokenizerError) {
      return .success(try Tokenizer.load(from: .memory(files)))
    } catch {
      return .failure(error)
    }
  }

  @Test(arguments: Goldens.cases) func damagedFiles(_ golden: Goldens.Case) throws {
    var generator = MergingTests.Generator(state: Self.seed ^ golden.name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) })
    let files = try Goldens.files(golden.name)
    let names = files.keys.sorted()
    var readable = 0
    for _ in 0..<Self.count {
      var damaged = files
      guard let name = names.randomElement(using: &generator), let data = files[name] else { continue }
      damaged[name] = Self.damage(data, &generator)
      switch Self.load(damaged) {
      case .success(let tokenizer):
        readable += 1
        for text in ["", "Hello, world! 12345", "  é e\u{301} 中文 😀\n\n<s></s>", "word wor two words"] {
          let ids = tokenizer.encode(text)
          #expect(ids.allSatisfy { $0 >= 0 })
          _ = try? tokenizer.decode(ids)
        }
      case .failure(let error): #expect(!error.description.isEmpty)
      }
    }
    // Some damage, such as a changed letter in a token, leaves a tokenizer that is as good as any.
    #expect(readable <= Self.count)
  }

  @Test(arguments: Goldens.cases) func truncatedFiles(_ golden: Goldens.Case) throws {
    let files = try Goldens.files(golden.name)
    for (name, data) in files where ["tokenizer.json", "tokenizer.model", "vocab.json"].contains(name) {
      for cut in stride(from: 0, to: data.count, by: max(1, data.count / 40)) {
        var damaged = files
        damaged[name] = data.prefix(cut)
        switch Self.load(damaged) {
        // Files of lines or fields can end early at the end of one of them.
        case .success: #expect(name == "tokenizer.model")
        case .failure(let error): #expect(error.description.contains(name) || cut == 0)
        }
      }
    }
  }

  @Test func anyBytesAsFiles() throws {
    var generator = MergingTests.Generator(state: Self.seed &+ 1)
    for _ in 0..<Self.count * 4 {
      let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for name in ["tokenizer.json", "tokenizer.model"] {
        for start in [[], [0x0A], Array("{\"model\":".utf8)] {
          #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory([name: Data(start + bytes)])) }
        }
      }
    }
  }
}
