import Foundation
import FuzzedReaders
import Testing

/// What the fuzzer has found worth keeping, and every input that a reader once took badly: each is read, or refused in a sentence.
@Suite(.timeLimit(.minutes(5))) struct CorpusTests {
  private static func inputs(of reader: FuzzedReader) throws -> [Data] {
    let file = try #require(Bundle.module.url(forResource: reader.rawValue, withExtension: "txt", subdirectory: "Fixtures"))
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      try #require(Data(base64Encoded: String(line)), "a line of \(file.lastPathComponent) is not base64")
    }
  }

  @Test(arguments: FuzzedReader.allCases) func everyInputIsReadOrRefused(reader: FuzzedReader) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var taken = 0
    let inputs = try Self.inputs(of: reader)
    for (number, input) in inputs.enumerated() {
      do {
        if try input.withUnsafeBytes({ try reader.read($0, in: folder) }) { taken += 1 }
      } catch { Issue.record("\(reader.rawValue), line \(number + 1): \(error)") }
    }
    // Both kinds are there: a corpus of which nothing is read would hold little.
    #expect(taken > 0 && taken < inputs.count, "\(taken) of \(inputs.count)")
  }
}
