import CheckpointFiles
import Foundation
import Testing

/// Random damage to sound and hostile checkpoints, and random programs for the pickle machine. `HEADWAY_FUZZ=1000000` tries that many.
struct PyTorchFuzzTests {
  static let rounds = ProcessInfo.processInfo.environment["HEADWAY_FUZZ"].flatMap(Int.init) ?? 4000

  struct Generator {
    var state: UInt64 = 20_241_121
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(bound, 1)))
    }
  }

  /// Whole instructions, so that random programs get further than random bytes do.
  static let pieces: [[UInt8]] =
    [
      "}", "]", ")", "(", "N", "t", "\u{1}", "u", "s", "a", "e", "b", "R", "Q", ".", "q\u{0}", "q\u{1}", "h\u{0}", "h\u{1}", "K\u{0}",
      "K\u{1}", "K\u{4}",
      "X\u{1}\u{0}\u{0}\u{0}w", "X\u{7}\u{0}\u{0}\u{0}storage", "X\u{1}\u{0}\u{0}\u{0}0", "X\u{3}\u{0}\u{0}\u{0}cpu",
      "ctorch\nFloatStorage\n",
      "ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n", "cos\nsystem\n",
    ].map { Array($0.utf8) } + [[0x85], [0x86], [0x87], [0x88], [0x89], [0x94], [0x93], [0x8a, 8, 255, 255, 255, 255, 255, 255, 255, 127]]

  /// A storage, a tensor and a dictionary around it, whose pieces are changed one at a time.
  static let program: [[UInt8]] = [
    [0x80, 2], Array("}".utf8), Array("X\u{1}\u{0}\u{0}\u{0}w".utf8), Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8), Array("(".utf8),
    Array("(".utf8),
    Array("X\u{7}\u{0}\u{0}\u{0}storage".utf8), Array("ctorch\nFloatStorage\n".utf8), Array("X\u{1}\u{0}\u{0}\u{0}0".utf8),
    Array("X\u{3}\u{0}\u{0}\u{0}cpu".utf8), Array("K\u{4}".utf8), Array("t".utf8), Array("Q".utf8), Array("K\u{0}".utf8),
    Array("K\u{2}".utf8),
    Array("K\u{2}".utf8), [0x86], Array("K\u{1}".utf8), Array("K\u{2}".utf8), [0x86], [0x89], Array("ccollections\nOrderedDict\n".utf8),
    Array(")R".utf8), Array("t".utf8), Array("R".utf8), Array("s".utf8), Array(".".utf8),
  ]

  @Test func damageEndsInASentence() throws {
    let folder = try PyTorchFileTests.fixture("sound")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
    let sound = try names.map { [UInt8](try Data(contentsOf: folder.appending(path: $0))) }.filter { $0.count < 10_000 }
    let url = temporaryFile("fuzz.bin")
    defer { try? FileManager.default.removeItem(at: url) }
    var random = Generator()
    var accepted = 0
    for round in 0..<Self.rounds {
      let bytes = round.isMultiple(of: 2) ? Self.damaged(sound[random.next(sound.count)], &random) : Self.randomProgram(&random)
      try Self.overwrite(url, with: bytes)
      do {
        let file = try PyTorchFile(at: url)
        accepted += 1
        for tensor in file.tensors {
          #expect(tensor.byteCount <= bytes.count)
          #expect(try tensor.withBytes { $0.count } == tensor.byteCount)
        }
      } catch let error as CheckpointError {
        #expect(!error.description.contains("\n") && error.description.count < 2000)
      }
    }
    // Both kinds reach both ends: what is tried is neither all nonsense nor all sound.
    #expect(accepted > Self.rounds / 100 && accepted < Self.rounds * 9 / 10, "\(accepted) of \(Self.rounds)")
    #expect(!FileManager.default.fileExists(atPath: "headway-executed"))
  }

  static func damaged(_ sound: [UInt8], _ random: inout Generator) -> [UInt8] {
    var bytes = sound
    for _ in 0...random.next(3) where !bytes.isEmpty {
      // The pickle is at the beginning and the directory at the end; between them are numbers of which any are sound.
      let near = random.next(min(bytes.count, 900))
      let position = random.next(2) == 0 ? near : bytes.count - 1 - near
      switch random.next(8) {
      case 0, 1, 2: bytes[position] = UInt8(random.next(256))
      case 3: bytes[position] = [0, 1, 127, 128, 255][random.next(5)]
      case 4:
        let piece = pieces[random.next(pieces.count)]
        for (index, byte) in piece.enumerated() where position + index < bytes.count { bytes[position + index] = byte }
      case 5: for index in position..<min(bytes.count, position + 8) { bytes[index] = 255 }
      case 6 where random.next(4) == 0: bytes.removeLast(random.next(bytes.count))
      default: bytes.swapAt(position, random.next(bytes.count))
      }
    }
    return bytes
  }

  static func randomProgram(_ random: inout Generator) -> [UInt8] {
    var program = program
    for _ in 0..<random.next(4) {
      let place = 1 + random.next(program.count - 1)
      switch random.next(3) {
      case 0: program[place] = pieces[random.next(pieces.count)]
      case 1: program.insert(pieces[random.next(pieces.count)], at: place)
      default: program.remove(at: place)
      }
    }
    return ZipBuilder.checkpoint(pickle: program.flatMap(\.self))
  }

  /// In place: a new file a round would cost more than the reading.
  static func overwrite(_ url: URL, with bytes: [UInt8]) throws {
    let descriptor = open(url.path(percentEncoded: false), O_WRONLY | O_CREAT, 0o600)
    #expect(descriptor >= 0)
    defer { close(descriptor) }
    #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
    // Cut afterwards: some file systems flush a file that was emptied before it was written.
    #expect(ftruncate(descriptor, off_t(bytes.count)) == 0)
  }
}
