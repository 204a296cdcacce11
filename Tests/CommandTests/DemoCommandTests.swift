import Foundation
import Testing

/// `headway demo` as a user meets it who kills it and goes on.
@Suite struct DemoCommandTests: ProgramTests {
  @Test func aDemoGoesOnAndTellsItsThreads() throws {
    let folder = try folder()
    func demo(_ more: String...) throws -> Outcome {
      try headway(arguments: ["demo", "--size", "tiny", "--threads", "1", "--quiet", "--out", "demo"] + more, in: folder)
    }
    let whole = try demo()
    #expect(whole.status == 0, "\(whole.errors)")
    try Data().write(to: folder.appending(path: "demo/.doubling-tuned.json.lock"))
    let again = try demo("--resume")
    #expect(again.status == 0 && again.output == whole.output, "\(again.errors)")
    // Nothing was left to compute, but the threads are those that were asked for.
    let record = try String(contentsOf: folder.appending(path: "demo/headway/run.yaml"), encoding: .utf8)
    #expect(record.contains("threads: \"1\""), "\(record)")
  }
}
