import ActivationPatterns
import ArgumentParser
import Runs

/// `headway report`: everything in a folder on one page.
struct ReportCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "One self-contained HTML page of all that a folder holds, from tasks to heads, samples and tokens.",
    discussion: """
      Shows patterns, changes, fits, mixtures, chosen samples, ablations, evaluations and training runs; a pattern's samples token by token where it was \
      measured with --tokens. Writes report.html into the folder, and the numbers behind its pictures into its folder report.

      Example:
        headway report out
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder of pattern and change files (.safetensors), results of headway fit and headway ablate (.json) and training runs; or a run's own folder.",
      valueName: "folder"), completion: .directory)
  var folder: String

  @Option(help: ArgumentHelp("The page's heading; the folder's name where it is left out.", valueName: "text"))
  var title: String?

  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: Score?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var report = ReportRun(folder: folder)
    report.title = title
    report.score = score
    report.overwrite = replacing.overwrite
    return report
  }
}

extension ReportResult: ReadableResult {
  var text: String { out }
}
