import CheckpointFiles
import Foundation
import Ground
import Testing

/// What is written as a zip archive is read back; that other programs read it is held by the goldens of `.npz` files.
struct ZipWriterTests {
  @Test func entriesComeBack() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "zip-\(UUID().uuidString).zip")
    defer { try? FileManager.default.removeItem(at: url) }
    let pieces: [(String, [[UInt8]])] = [("a", [[1, 2], [3]]), ("größe/b.npy", [[UInt8](repeating: 7, count: 70_000)]), ("empty", [])]
    try ZipWriter.write(
      pieces.map { name, pieces in
        ZipWriter.Entry(name: name, count: pieces.reduce(0) { $0 + $1.count }) { take in
          for piece in pieces { try piece.withUnsafeBytes(take) }
        }
      }, to: url)
    let file = try MappedFile(at: url)
    try withExtendedLifetime(file) {
      let directory = try ZipDirectory(file.bytes)
      #expect(directory.entries.count == 3)
      for (name, pieces) in pieces {
        let range = try #require(directory.entries[name])
        #expect(file.bytes[range].elementsEqual(pieces.joined()), "\(name)")
      }
    }
  }

  @Test func whatNeedsZip64IsRefused() {
    let url = FileManager.default.temporaryDirectory.appending(path: "zip-\(UUID().uuidString).zip")
    let entry = ZipWriter.Entry(name: "a", count: Int(UInt32.max)) { _ in }
    let error = #expect(throws: CheckpointError.self) { try ZipWriter.write([entry], to: url) }
    #expect(error?.description.contains(".safetensors") == true)
  }
}
