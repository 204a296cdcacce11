import ArgumentParser
import Foundation
import Runs

/// `headway run`: a command again, from the record that it wrote beside its result.
struct RunCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Does again what a run record tells, with settings changed where asked.",
    discussion: """
      Every command that writes a result leaves a record beside it: NAME.run.yaml, in a folder headway/run.yaml. Keys are options without their
      dashes, with _ for -.

      Example:
        headway run gsm8k.run.yaml --set max_length=512 --set out=gsm8k-512.safetensors
      """)

  @Argument(help: ArgumentHelp("A record.", valueName: "file"), completion: .file())
  var file: String

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("A setting in place of the record's, its value in YAML; repeat it for several.", valueName: "key=value"))
  var changes: [String] = []

  @Flag(help: "Continue a run that was interrupted.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  /// Nothing can be checked before the record is read.
  func validate() {}

  func asked() throws -> any Run {
    let all = changes + (resume ? ["resume=true"] : []) + (replacing.overwrite ? ["overwrite=true"] : [])
    return try RunRecord.run(from: URL(filePath: file), changing: all)
  }
}
