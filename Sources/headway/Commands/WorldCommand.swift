import ArgumentParser
import Foundation
import Runs

/// `headway world`: a small world of text puzzles on disk.
struct WorldCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "world", abstract: "Writes a small world of text puzzles: data and a model before any training.",
    discussion: """
      Text to pretrain on, samples of eight skills and their look-alikes to train on, choose from and ask, and a small Llama with first weights, all of
      them from a seed.

      Example:
        headway world --seed 3 --out world
        headway sft world/untrained --data world/pretraining.jsonl --epochs 1 --lr 2e-3 --batch-size 32 --accumulate 1 --dtype float32 --out base
      """)

  @Option(help: ArgumentHelp("The folder that everything goes to.", valueName: "folder"), completion: .directory)
  var out: String

  @Option(help: ArgumentHelp("Makes another world and another model.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Texts to pretrain on.", valueName: "n"))
  var pretraining = WorldRun(out: "").pretraining

  @Option(help: ArgumentHelp("Samples of each skill to fine-tune on.", valueName: "n"))
  var train = WorldRun(out: "").train

  @Option(help: ArgumentHelp("Samples of each skill to choose from.", valueName: "n"))
  var pool = WorldRun(out: "").pool

  @Option(help: ArgumentHelp("Questions of each skill to measure and ask.", valueName: "n"))
  var test = WorldRun(out: "").test

  @Flag(help: "Delete an earlier world in the folder, and start over.")
  var overwrite = false

  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = WorldRun(out: out)
    run.seed = seed
    (run.pretraining, run.train, run.pool, run.test) = (pretraining, train, pool, test)
    run.overwrite = overwrite
    return run
  }
}

extension WorldResult: ReadableResult {
  var text: String { out }
  var notes: [String] {
    ["a model before any training: \(model)", "texts to pretrain on: \(pretraining)", "skills: \(skills.joined(separator: ", "))"]
  }
}
