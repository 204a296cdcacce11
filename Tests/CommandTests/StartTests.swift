import Foundation
import Testing

/// What the program loads, and when: commands without tensors start without libtorch and Apache Arrow, and where one of these is missing the program
/// says so instead of the system's loader. Where it is linked with them there is nothing of this.
#if os(Linux)
  @Suite struct StartTests: ProgramTests {
    /// The program in a folder of its own, without the libraries that lie beside it.
    private func alone() throws -> URL {
      let place = try folder().appending(path: "headway")
      // A link of the file itself, whose folder is this one; where the system allows none, a copy.
      do { try FileManager.default.linkItem(at: Self.program, to: place) } catch {
        try FileManager.default.copyItem(at: Self.program, to: place)
      }
      return place
    }

    @Test func commandsWithoutTensorsNeedNoLibrary() throws {
      let program = try alone()
      let folder = try folder()
      defer { for place in [folder, program.deletingLastPathComponent()] { try? FileManager.default.removeItem(at: place) } }
      let pattern = try headway(
        "pattern", Self.model, "--data", Self.problems, "--limit", "4", "--per-sample", "--out", "p.safetensors", in: folder)
      #expect(pattern.status == 0, "\(pattern)")
      for arguments in [
        ["--version"], ["--help"], ["pattern", "--help"], ["data", Self.problems], ["tokenize", Self.model, "--text", "a"],
        ["stats", "p.safetensors"], ["heatmap", "p.safetensors", "--out", "h.svg"],
        ["change", "p.safetensors", "p.safetensors", "--mixed", "--out", "c.safetensors"],
        [
          "select", "--pool", "p.safetensors", "--target", "p.safetensors", "--pool-data", Self.problems, "--top", "1", "--out", "s.jsonl",
        ], ["report", "."],
      ] {
        let outcome = try headway(arguments: arguments, in: folder, program: program)
        #expect(outcome.status == 0, "\(arguments): \(outcome)")
      }
      let wrong = try headway(arguments: ["patern"], program: program)
      #expect(wrong.status == 64 && wrong.errors.contains("did you mean 'pattern'?"), "\(wrong)")
      // The record of a run that loaded nothing names no version of it.
      let record = try String(contentsOf: folder.appending(path: "h.run.yaml"), encoding: .utf8)
      #expect(record.contains("system:") && !record.contains("libtorch:"), "\(record)")
      #expect(try String(contentsOf: folder.appending(path: "p.run.yaml"), encoding: .utf8).contains("libtorch:"))
    }

    @Test func aMissingLibraryIsSaid() throws {
      let program = try alone()
      defer { try? FileManager.default.removeItem(at: program.deletingLastPathComponent()) }
      let missing = try headway(arguments: ["doctor"], program: program)
      #expect(missing.status == 1 && missing.errors.isEmpty, "\(missing)")
      for (name, file) in [("libtorch", "libHeadwayTorch.so"), ("Apache Arrow", "libHeadwayArrow.so")] {
        let place = program.deletingLastPathComponent().appending(path: file).path(percentEncoded: false)
        #expect(missing.output.contains("\(name) cannot be loaded (there is no \(place), which "), "\(missing)")
      }
      #expect(missing.output.contains("processors "), "\(missing)")
      let pattern = try headway(
        arguments: ["pattern", Self.model, "--data", Self.problems, "--out", "p.npy"], in: folder(), program: program)
      #expect(pattern.status == 1 && pattern.errors.hasPrefix("error: libtorch cannot be loaded ("), "\(pattern)")
      // A file that is no library.
      try Data("no library".utf8).write(to: program.deletingLastPathComponent().appending(path: "libHeadwayTorch.so"))
      let broken = try headway(arguments: ["doctor", "--json"], program: program)
      let report = try json(broken.output)
      #expect(broken.status == 1 && report["libtorch"] == nil && report["vector_code"] == nil, "\(broken)")
      #expect(
        (report["libtorch_remedy"] as? String)?.contains("libHeadwayTorch.so: file too short); lay it down with scripts/setup") == true,
        "\(report)")
    }

    /// libgomp, which comes with libtorch, tells what it was told.
    @Test(arguments: [([], "2000"), (["GOMP_SPINCOUNT=7"], "7")])
    func idleThreadsSleep(environment: [String], turns: String) throws {
      // This process's own environment has what the program sets, which is linked into the tests.
      let outcome = try headway(
        arguments: ["-u", "OMP_WAIT_POLICY", "-u", "GOMP_SPINCOUNT"] + environment + [
          "OMP_DISPLAY_ENV=verbose", Self.program.path(percentEncoded: false), "doctor",
        ],
        program: URL(filePath: "/usr/bin/env"))
      #expect(outcome.errors.contains("GOMP_SPINCOUNT = '\(turns)'"), "\(outcome)")
    }
  }
#endif
