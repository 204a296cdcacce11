import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Reports
import Torch

/// `headway report`: everything in a folder on one page.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "One self-contained HTML page of the patterns, changes, fits and ablations in a folder.",
    discussion: """
      Writes report.html into the folder, and the numbers behind its pictures into its folder report.

      Example:
        headway report out
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder of pattern and change files (.safetensors), results of headway fit and headway ablate (.json) and training runs; or a run's own folder.",
      valueName: "folder"))
  var folder: String

  @Option(help: ArgumentHelp("The page's heading; the folder's name where it is left out.", valueName: "text"))
  var title: String?

  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: Score?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  func run() throws {
    let url = URL(filePath: folder, directoryHint: .isDirectory)
    let builder = try ReportBuilder(folder: url, score: score)
    for note in builder.notes { output.note("note: \(note)") }
    guard !builder.isEmpty else {
      throw CommandError(
        "\(folder) holds no pattern, change, fit, ablation or training run with tracked patterns; measure some into it with headway pattern, change, fit and ablate"
      )
    }
    let (page, numbers) = try builder.page(title: title ?? url.lastPathComponent)
    let target = url.appending(path: "report.html")
    let numbersFolder = url.appending(path: "report", directoryHint: .isDirectory)
    // What is written into a folder stays in it: neither page nor numbers go through links.
    for (place, kind, name) in [(target, FileKind.file, "file"), (numbersFolder, .folder, "folder")] {
      if let found = FileKind(of: place), found != kind {
        throw CommandError(
          "\(place.path(percentEncoded: false)) is a link or no \(name), and the report's \(name) goes there; move it away")
      }
    }
    let outputs = OutputGuard(overwrites: replacing.overwrite)
    defer { outputs.release() }
    try outputs.claim(
      file: target, as: .page,
      beside: numbers.map { name, text in .part(numbersFolder.appending(path: name), as: self.numbers(text, of: target)) })
    if !numbers.isEmpty { try Folders.make(numbersFolder) }
    for (name, text) in numbers { try AtomicFile.write(text, to: numbersFolder.appending(path: name)) }
    try AtomicFile.write(try page.html(), to: target)
    let path = target.path(percentEncoded: false)
    if output.json { return try output.printJSON(Summary(out: path, numbers: numbers.map { "report/\($0.name)" })) }
    try Terminal.writeLine(path)
  }

  /// Numbers behind a picture. Their file has no mark of its own: it is the earlier page's where that names it, or where nothing in it changes.
  private func numbers(_ text: String, of page: URL) -> OutputKind {
    let names = OutputKind.page.isOwn(page) ? (try? ReportPage.numberFiles(of: page)) ?? [] : []
    return OutputKind("a table of the report's numbers") { url in
      names.contains(url.lastPathComponent) || (try? Data(contentsOf: url)) == Data(text.utf8)
    }
  }

  private struct Summary: Encodable {
    var out: String
    var numbers: [String]
  }
}
