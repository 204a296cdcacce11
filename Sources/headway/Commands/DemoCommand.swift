import ArgumentParser
import Foundation
import Runs

/// `headway demo`: everything on a small world, and a page that tells what came of it.
struct DemoCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Shows everything on a small world of text puzzles, in minutes.",
    discussion: """
      Makes the world by a seed, pretrains a small Llama on it, fine-tunes that on eight skills, measures the activation patterns before and after, and
      puts them to use. Ends with report.html in the folder. Needs no model, no data and no network.

      Example:
        headway demo --out headway-demo
      """)

  @Option(help: ArgumentHelp("The folder that everything goes to.", valueName: "folder"), completion: .directory)
  var out = "headway-demo"

  @Option(help: ArgumentHelp("Makes another world, another model and other draws.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("How large the world is; in a tiny one, for tests, nothing can be learned.", valueName: "standard|tiny"))
  var size = DemoRun.Size.standard

  @Option(help: ArgumentHelp("Threads of the processor; as many as the machine gives where left out.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Continue a demo that was interrupted.")
  var resume = false

  @Flag(help: "Delete an earlier demo in the folder, and start over.")
  var overwrite = false

  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = DemoRun(out: out)
    run.seed = seed
    run.size = size
    run.threads = threads
    run.resume = resume
    run.overwrite = overwrite
    return run
  }
}

extension DemoResult: ReadableResult {
  var text: String { out.hasSuffix("/") ? "\(out)report.html" : "\(out)/report.html" }

  var notes: [String] {
    ["\nwhat lies in \(out):"] + contents.map { "  \($0.name): \($0.about)" } + ["open \(text) in a browser"]
  }
}
