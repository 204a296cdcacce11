import CheckpointFiles
import Ground
import Foundation
import Testing

/// The writer against the reference implementation's bytes, and atomic replacement.
struct SafetensorsWriterTests {
  /// Rewriting what the reference wrote gives its bytes, so whatever reads theirs reads ours.
  @Test func writesTheReferenceImplementationsBytes() throws {
    let original = try SafetensorsFileTests.fixture("reference.safetensors")
    let file = try SafetensorsFile(at: original)
    let url = temporaryFile("written.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    let sources = file.tensors.map { entry in
      SafetensorsWriter.Source(name: entry.name, elementType: entry.elementType, shape: entry.shape) { sink in
        try sink.write(file.bytes(of: entry))
      }
    }
    try SafetensorsWriter.write(sources, metadata: file.metadata, to: url)
    #expect(try Data(contentsOf: url) == Data(contentsOf: original))
  }

  @Test func widerElementsComeFirstAndTheHeaderIsAligned() throws {
    let url = temporaryFile("order.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try SafetensorsWriter.write(
      [.init(name: "b", shape: [1], floats: [1]), .init(name: "a", shape: [1], floats: [2]), .init(name: "i", shape: [1], int64s: [3])],
      metadata: ["k": "v"], to: url)
    let file = try SafetensorsFile(at: url)
    #expect(file.tensors.map(\.name) == ["i", "b", "a"])
    #expect(file.tensors[0].byteRange.lowerBound % 8 == 0)
    #expect(try file.floats("a") == [2])
  }

  @Test func noTensorsIsAFile() throws {
    let url = temporaryFile("none.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try SafetensorsWriter.write([], to: url)
    #expect(try SafetensorsFile(at: url).tensors.isEmpty)
  }

  @Test func refusesRepeatedNamesAndWrongSizesAndKeepsTheOldFile() throws {
    let url = temporaryFile("kept.safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try Data("old".utf8).write(to: url)
    let good = SafetensorsWriter.Source(name: "a", shape: [2], floats: [1, 2])
    #expect(throws: CheckpointError.self) { try SafetensorsWriter.write([good, good], to: url) }
    #expect(throws: CheckpointError.self) { try SafetensorsWriter.write([.init(name: "a", shape: [3], floats: [1, 2])], to: url) }
    #expect(throws: CheckpointError.self) { try SafetensorsWriter.write([.init(name: "a", shape: [-1], floats: [])], to: url) }
    #expect(throws: CheckpointError.self) { try SafetensorsWriter.write([.init(name: "a", shape: [.max, 2], floats: [])], to: url) }
    #expect(throws: CheckpointError.self) { try SafetensorsWriter.write([.init(name: "__metadata__", shape: [0], floats: [])], to: url) }
    #expect(try Data(contentsOf: url) == Data("old".utf8))
  }
}

/// Atomic replacement of files.
struct AtomicFileTests {
  /// A folder of its own for each test.
  func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = temporaryFile("folder")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func replacesAndLeavesNothingElse() throws {
    try withFolder { folder in
      let url = folder.appending(path: "层 #%20.txt")
      try AtomicFile.write("one", to: url)
      try AtomicFile.write("two", to: url)
      #expect(try String(contentsOf: url, encoding: .utf8) == "two")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).count == 1)
    }
  }

  @Test func aFailureKeepsTheOldFileAndRemovesTheTemporaryOne() throws {
    try withFolder { folder in
      struct Stop: Error {}
      let url = folder.appending(path: "a")
      try AtomicFile.write("old", to: url)
      #expect(throws: Stop.self) {
        try AtomicFile.write(to: url) { sink in
          try sink.write("new")
          throw Stop()
        }
      }
      #expect(try String(contentsOf: url, encoding: .utf8) == "old")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()) == ["a"])
    }
  }

  @Test func aLinkStaysALinkAndPermissionsStay() throws {
    try withFolder { folder in
      let url = folder.appending(path: "real")
      let link = folder.appending(path: "link")
      try AtomicFile.write("old", to: url)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path())
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: url)
      try AtomicFile.write("new", to: link)
      #expect(try String(contentsOf: url, encoding: .utf8) == "new")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path()).hasSuffix("real"))
      #expect(try FileManager.default.attributesOfItem(atPath: url.path())[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func longNamesAreWritten() throws {
    try withFolder { folder in
      let url = folder.appending(path: String(repeating: "层", count: 83) + ".json")
      try AtomicFile.write("x", to: url)
      #expect(try String(contentsOf: url, encoding: .utf8) == "x")
    }
  }

  @Test func saysWhatCannotBeWritten() throws {
    try withFolder { folder in
      let missing = #expect(throws: FileError.self) { try AtomicFile.write("x", to: folder.appending(path: "no/where")) }
      #expect(missing?.description.contains("no/where") == true)
      #expect(throws: FileError.self) { try AtomicFile.write("x", to: folder) }
    }
  }

  /// `/dev/full` fails every write as a full disk does.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func aFullDiskIsAClearError() throws {
    let error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: URL(filePath: "/dev/full")) }
    #expect(error?.description.contains("no space left") == true)
    #expect(error?.description.contains("free some space") == true)
  }

  @Test func deviceIsWrittenToAndNotReplaced() throws {
    try AtomicFile.write("x", to: URL(filePath: "/dev/null"))
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func mappingIsBoundsChecked() throws {
    try withFolder { folder in
      let url = folder.appending(path: "m")
      try AtomicFile.write("abc", to: url)
      let file = try MappedFile(at: url)
      #expect(try Array(file.bytes(in: 1..<3)) == Array("bc".utf8))
      #expect(throws: FileError.self) { try file.bytes(in: 1..<4) }
      #expect(throws: FileError.self) { try file.bytes(in: -1..<2) }
      // The mapping outlives the name: replacing the file leaves it whole.
      try AtomicFile.write("xyz", to: url)
      #expect(Array(file.bytes) == Array("abc".utf8))
    }
  }
}
