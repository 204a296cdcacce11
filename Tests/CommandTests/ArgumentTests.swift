import Foundation
import Ground
import Testing

@testable import headway

/// What the program says of arguments that are wrong whatever is on disk: one line, where the help is, status 64.
@Suite struct ArgumentTests: ProgramTests {
  private static let pattern = ["pattern", "m", "--data", "d", "--out", "x.npy"]
  private static let sft = ["sft", "m", "--data", "d", "--out", "o"]

  @Test(arguments: [
    (["patern", "m"], "there is no command 'patern'; did you mean 'pattern'?"), (["frobnicate"], "the commands are data, doctor, tokenize"),
    (["pattern"], "missing expected argument '<model>'"),
    (["pattern", "m", "--dtaa", "d", "--out", "x.npy"], "'--dtaa'; did you mean '--data'?"),
    (pattern + ["--limt", "5"], "unknown option '--limt'; did you mean '--limit'?"),
    (pattern + ["--limit", "-1"], "--limit takes a number from 1 on, not -1"),
    (pattern + ["--limit", "x"], "'x' is invalid for '--limit <n>'"),
    (["data", "d", "--show", "-2"], "--show takes a number of samples from 0 on, not -2"),
    (["pattern", "m", "--data", "d", "--out", "x.txt"], ".safetensors, .npy or .npz"),
    (pattern + ["--score", "big"], "'big' is invalid for '--score"), (pattern + ["--loss", "batch:0"], "'batch:0' is invalid for '--loss"),
    (pattern + ["--threads", "0"], "--threads takes a number from 1"), (pattern + ["--dtype", "int8"], "or 'float64'"),
    (pattern + ["--device", "gpu"], "'gpu' is invalid for '--device"),
    (pattern + ["--device", "cuda:-1"], "'cuda:-1' is invalid for '--device"),
    (pattern + ["--format", "gsm9k"], "'gsm9k' is invalid for '--format <name>'; did you mean 'gsm8k'?"),
    (pattern + ["--format", "zzzzzz"], "'--format <name>'; it is one of alpaca, "),
    (["evaluate", "m", "--data", "d", "--benchmark", "hellaswags"], "did you mean 'hellaswag'?"),
    (["merge", "m", "--out", "o", "--save-dtype", "float16"], "did you mean 'bfloat16'?"),
    (pattern + ["--format", "gsm8k", "--form", "x"], "leave it out for gsm8k"),
    (pattern + ["--format", "hellaswag", "--form", "x"], "--form"),
    (pattern + ["--chat", "lama"], "'lama' is invalid for '--chat <form>'; did you mean 'llama2'?"),
    (pattern + ["--chat", "smalltalk"], "it is one of plain, llama2"),
    (pattern + ["--map", "prompt = question"], "--map names 'prompt ', which is empty or begins or ends with a space"),
    (pattern + ["--score", "magnitude,signed"], "an .npy file holds one score and --score names 2"),
    (pattern + ["--part", "test"], "--hold-out"), (pattern + ["--min-tokens", "5", "--max-tokens", "3"], "leave no sample"),
    (["stats", "a", "--score", "big"], "it is one of magnitude, signed, token, saliency, token-prompt, token-response"),
    (["ablate", "m", "--data", "d", "--all", "--random-orders", "3"], "--random-orders has no effect without --cumulative"),
    (sft + ["--batch-tokens", "9"], "unknown option '--batch-tokens'"), (sft + ["--track-every", "5"], "no effect without --track;"),
    (sft + ["--track-limit", "5"], "no effect without --track;"), (sft + ["--eval-every", "5"], "no effect without --eval-data"),
    (sft + ["--eval-format", "gsm8k"], "no effect without --eval-data"), (sft + ["--patience", "5"], "no effect without --eval-data"),
    (sft + ["--track", "t", "--track-format", "x"], "'--track-format <name>'; it is one of alpaca"),
    (sft + ["--lora-targets", "q_proj"], "no effect without --lora-rank"),
    (sft + ["--lora-dropout", "0"], "no effect without --lora-rank"),
    (sft + ["--track", "t", "--no-window-patterns", "--noise-floor", "2"], "--no-window-patterns leaves out"),
    (["study", "rum", "s.yaml"], "there is no command 'study rum'; did you mean 'run'?"),
    (["study", "run", "s.yaml", "--dryrun"], "unknown option '--dryrun'; did you mean '--dry-run'?"),
    (["study", "new", "big"], "it is one of 'paper', 'small' or 'task'"), (["study", "new", "task"], "--model is missing"),
    (["study", "new", "task", "--model", "m", "--data", "a", "b"], "take the study 'small' for several"),
    (["study", "new", "paper", "--model", "m"], "names its own models and data"),
  ]) func wrongArgumentsAreOneLineAndStatus64(arguments: [String], part: String) throws {
    let outcome = try headway(arguments: arguments)
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].hasPrefix("error: ") && lines[0].contains(part), "\(outcome.errors)")
    #expect(lines.last?.firstMatch(of: #/^see 'headway ([a-z]+ )*--help'$/#) != nil, "\(outcome.errors)")
  }

  /// Only what is a number is tied to the option before it.
  @Test func negativeNumbersAreValues() {
    #expect(ArgumentText.tied(["data", "x", "--show", "-1", "--limit", "-.5"]) == ["data", "x", "--show=-1", "--limit=-.5"])
    #expect(ArgumentText.tied(["x", "--json", "-h"]) == ["x", "--json", "-h"])
    #expect(ArgumentText.tied(["x", "-1", "--a=1", "-1", "--", "--show", "-1"]) == ["x", "-1", "--a=1", "-1", "--", "--show", "-1"])
  }

  /// What Foundation throws is said as everything else is.
  @Test func foundationsErrorsAreOneSentence() {
    struct Holder: Codable { var levels: [Double] }
    func text(_ work: () throws -> Void) -> String {
      do { try work() } catch { return ErrorText.sentence(error) }
      return ""
    }
    #expect(
      text { _ = try Data(contentsOf: URL(filePath: "/no/where")) } == "cannot read /no/where: no such file or directory; check the path")
    let full = CocoaError(.fileWriteOutOfSpace, userInfo: [NSFilePathErrorKey: "/a"])
    #expect(ErrorText.sentence(full).hasPrefix("cannot write /a: no space left on device; free some space there"))
    let broken = NSError(domain: NSPOSIXErrorDomain, code: Int(EIO), userInfo: [NSFilePathErrorKey: "/a"])
    #expect(ErrorText.sentence(broken) == "cannot read /a: input/output error; check the disk and the path")
    #expect(
      text { _ = try JSONEncoder().encode(Holder(levels: [1, .nan])) }
        == "'levels.1' of the result is nan, which JSON cannot hold; check the model and the data")
    #expect(
      text { _ = try JSONDecoder().decode(Holder.self, from: Data("{}".utf8)) } == "'levels' is missing; check the file that was read")
    #expect(!text { _ = try JSONDecoder().decode(Holder.self, from: Data("{".utf8)) }.contains("Error"))
    #expect(ErrorText.sentence(CommandError("one\n  two\n")) == "one two")
  }

  /// Results that cannot be written are an error, also of the two requests that the parser answers.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")), arguments: [["doctor"], ["--version"]])
  func fullStandardOutputIsAnError(arguments: [String]) throws {
    let process = Process()
    let errors = Pipe()
    process.executableURL = Self.program
    process.arguments = arguments
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    process.standardError = errors
    try process.run()
    let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(text == "error: cannot write standard output: no space left on device; send it somewhere else\n")
  }
}
