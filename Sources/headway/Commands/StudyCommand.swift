public import ArgumentParser
import Foundation
import Ground
import Reports
import Runs
public import Studies

/// `headway study`: from models and data to the paper's tables and figures in one command.
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study", abstract: "Runs a study: tables and figures of several models and tasks from one file.",
    discussion: """
      Example:
        headway study new task --model ./llama --data gsm8k.jsonl > study.yaml
        headway study run study.yaml
      """,
    subcommands: [StudyNewCommand.self, StudyRunCommand.self])
}

/// `headway study new`: a study's file to start from.
struct StudyNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Prints a study's file: the paper's, a small one, or one task's.",
    discussion: """
      paper: the paper's five models and eleven datasets with the settings of its appendix B. small: every table and figure for one model and your
      own files, in budgets that a processor finishes. task: one model and one task, before and after fine-tuning.

      Example:
        headway study new task --model ./llama --data gsm8k.jsonl > study.yaml
      """)

  @Argument(help: ArgumentHelp("Which study.", valueName: "template"))
  var kind: StudyTemplate

  @Option(help: ArgumentHelp("The model of a small study or a task's.", valueName: "model"), completion: .directory)
  var model: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The data: a file for a task, several of the form NAME=FILE for a small study.", valueName: "name=file"),
    completion: .file())
  var data: [TaskFile] = []

  @OptionGroup var output: OutputOptions

  func validate() throws { try asArguments { _ = try kind.text(model: model, data: data) } }

  func run() throws {
    let text = try kind.text(model: model, data: data)
    if output.json { try output.printJSON(["study": text]) } else { try Terminal.write(Data(text.utf8)) }
  }
}

extension StudyTemplate: ExpressibleByArgument {}

/// `headway study run`: a study from its file.
struct StudyRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a study from its file, or goes on with it.",
    discussion: """
      What was done is not done again: a killed study goes on where it was, and a changed setting does again what depends on it.

      Example:
        headway study run study.yaml --out study --set 'seeds=[0, 1, 2]' --dry-run
      """)

  @Argument(help: ArgumentHelp("The study's file.", valueName: "file"), completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp("The folder that it fills; the file's name without extension where it is left out.", valueName: "folder"),
    completion: .directory)
  var out: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "A setting in the place of the file's, its value in YAML: training.lr=1e-5, tasks.gsm8k.limit=100; repeat it for several.",
      valueName: "key=value"))
  var changes: [String] = []

  @Flag(help: "Print the plan: every step with its operations, bytes and memory, and what hardware it takes. Nothing is run.")
  var dryRun = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    var run = StudyRun(file: file)
    run.out = out
    run.changes = changes
    guard dryRun else { return try output.show(run) }
    let plan = try run.plan()
    let summary = try StudyPlanSummary(plan)
    if output.json { return try output.printJSON(summary) }
    try Terminal.writeLine(summary.text)
    for note in plan.notes { output.note("note: \(note)") }
  }
}

extension StudyResult: ReadableResult {
  var text: String { report }
  var notes: [String] {
    verdicts.map { judged in
      let place = [judged.table, judged.model, judged.target, judged.measure, judged.choose.map { "\($0) samples" }].compactMap(\.self)
      return place.joined(separator: ", ") + ": " + judged.arms.map { "\($0.arm) \($0.verdict.rawValue)" }.joined(separator: "; ")
    }
  }
}
