import Foundation
import Goldens
import Testing

/// Runs of several processes as a launcher starts them.
@Suite(.serialized) struct RanksCommandTests: ProgramTests {
  /// Starts ranks as torchrun, srun and mpirun do, and waits for all.
  /// - Returns: what each did, in their order.
  private func ranks(_ count: Int, _ arguments: [String], in folder: URL) throws -> [Outcome] {
    let port = try RanksInThreads.freePort()
    let processes = try (0..<count).map { rank in
      let process = Process()
      process.executableURL = Self.program
      process.arguments = arguments
      process.currentDirectoryURL = folder
      process.environment = ProcessInfo.processInfo.environment.merging([
        "RANK": "\(rank)", "WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
      ]) { $1 }
      for name in ["out", "err"] { try Data().write(to: folder.appending(path: "\(rank).\(name)")) }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: folder.appending(path: "\(rank).out"))
      process.standardError = try FileHandle(forWritingTo: folder.appending(path: "\(rank).err"))
      try process.run()
      return process
    }
    return try processes.enumerated().map { rank, process in
      process.waitUntilExit()
      func text(_ name: String) throws -> String { try String(contentsOf: folder.appending(path: "\(rank).\(name)"), encoding: .utf8) }
      return Outcome(status: process.terminationStatus, output: try text("out"), errors: try text("err"))
    }
  }

  private func same(_ name: String, _ other: String, in folder: URL) throws -> Bool {
    try Data(contentsOf: folder.appending(path: name)) == Data(contentsOf: folder.appending(path: other))
  }

  /// Two ranks write the bytes that one writes; the first alone prints.
  @Test func patternsOfTwoRanks() throws {
    let folder = try folder()
    let arguments = [
      "pattern", Self.model, "--data", Self.problems, "--per-sample", "--score", "magnitude,saliency", "--batch-tokens", "200", "--threads",
      "1", "--tokens", "2",
    ]
    #expect(try headway(arguments: arguments + ["--out", "one.safetensors"], in: folder).status == 0)
    let found = try ranks(2, arguments + ["--out", "two.safetensors"], in: folder)
    #expect(found.allSatisfy { $0.status == 0 }, "\(found)")
    #expect(!found[0].output.isEmpty && found[1].output.isEmpty && found[1].errors.isEmpty)
    for name in ["safetensors", "ids.jsonl", "tokens.jsonl"] { #expect(try same("one.\(name)", "two.\(name)", in: folder), "\(name)") }
  }

  @Test func representationsAndLossesOfTwoRanks() throws {
    let folder = try folder()
    let represent = [
      "represent", Self.model, "--data", Self.problems, "--representation", "embedding", "--batch-tokens", "200", "--threads", "1",
    ]
    #expect(try headway(arguments: represent + ["--out", "one.safetensors"], in: folder).status == 0)
    #expect(try ranks(2, represent + ["--out", "two.safetensors"], in: folder).allSatisfy { $0.status == 0 })
    #expect(try same("one.safetensors", "two.safetensors", in: folder))
    let loss = ["evaluate", Self.model, "--benchmark", "loss", "--data", Self.problems, "--batch-tokens", "200", "--threads", "1"]
    #expect(try headway(arguments: loss + ["--out", "one.json", "--predictions", "one.jsonl"], in: folder).status == 0)
    #expect(try ranks(2, loss + ["--out", "two.json", "--predictions", "two.jsonl"], in: folder).allSatisfy { $0.status == 0 })
    #expect(try same("one.json", "two.json", in: folder) && same("one.jsonl", "two.jsonl", in: folder))
  }

  /// What all of them find wrong is said once; what one alone finds, with its rank.
  @Test func errorsAreSaidOnce() throws {
    let folder = try folder()
    let found = try ranks(2, ["pattern", Self.model, "--data", "none.jsonl", "--out", "p.safetensors"], in: folder)
    #expect(found.allSatisfy { $0.status == 1 })
    let said = found.map(\.errors).filter { $0.contains("error:") }
    #expect(said.count == 1 && said[0].contains("none.jsonl"), "\(found)")
    let refused = try ranks(2, ["ablate", Self.model, "--data", Self.problems, "--all", "--out", "a.json"], in: folder)
    #expect(refused.allSatisfy { $0.status == 1 } && refused[0].errors.contains("ablate is done by one process"), "\(refused)")
    #expect(refused[1].errors.isEmpty)
    let wrong = try ranks(2, ["pattern", Self.model, "--dta", "x"], in: folder)
    #expect(wrong.allSatisfy { $0.status == 64 } && !wrong[0].errors.isEmpty && wrong[1].errors.isEmpty, "\(wrong)")
    let alone = try headway(
      arguments: ["pattern", Self.model, "--data", Self.problems, "--out", "p.safetensors"], in: folder,
      environment: ["RANK": "1", "WORLD_SIZE": "2"])
    #expect(alone.status == 1 && alone.errors.contains("MASTER_ADDR"), "\(alone.errors)")
  }
}
