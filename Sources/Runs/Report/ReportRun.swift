public import ActivationPatterns
import Foundation
public import Ground
import Reports

/// Puts everything that a folder holds on one page: patterns, changes, fits, mixtures, chosen samples, ablations, evaluations and training runs in, `report.html` out, with
/// the numbers behind its pictures in `report/`.
///
///     let result = try ReportRun(folder: "out").run()
public struct ReportRun: Run, RecordedSettings {
  /// `headway report` and the keys of its record.
  public static let form: SettingsForm<ReportRun> = SettingsForm(
    "report", ReportRun(folder: ""),
    [
      .path("folder", \.folder), .setting("title", \.title), .setting("score", \.score), .flag("overwrite", \.overwrite),
    ])

  /// The folder that is read, and in which the page lies.
  public var folder: String
  /// The page's heading; the folder's name where nil.
  public var title: String?
  /// Which score to look at, where files hold several.
  public var score: Score?
  /// Whether to replace a page that Headway did not write.
  public var overwrite = false

  /// A report of a folder.
  public init(folder: String) { self.folder = folder }

  private var url: URL { URL(filePath: folder, directoryHint: .isDirectory) }
  private var page: URL { url.appending(path: "report.html") }
  /// The page.
  public var output: String? { page.relativePath }

  /// Reads what the folder holds and writes the page.
  /// - Throws: `RunError` where there is nothing to show, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> ReportResult {
    let builder = try ReportBuilder(folder: url, score: score)
    for note in builder.notes { monitor.note("note: \(note)") }
    guard !builder.isEmpty else {
      throw RunError(
        "\(folder) holds no pattern, change, fit, mixture, choice, ablation, evaluation or training run; write some into it first, or name another folder"
      )
    }
    monitor.identify(builder.identity)
    let (contents, numbers) = try builder.page(title: title ?? url.standardizedFileURL.lastPathComponent)
    let numbersFolder = url.appending(path: "report", directoryHint: .isDirectory)
    // What is written into a folder stays in it: neither page nor numbers nor record go through links.
    let places: [(URL, FileKind, String)] = [(page, .file, "file"), (numbersFolder, .folder, "folder")]
    for (place, kind, name) in places + (record.map { [($0, .file, "file")] } ?? []) {
      if let found = FileKind(of: place), found != kind {
        throw RunError("\(place.path(percentEncoded: false)) is a link or no \(name), and the report's \(name) goes there; move it away")
      }
    }
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try outputs.claim(
      file: page, as: .page,
      beside: numbers.map { name, text in .part(numbersFolder.appending(path: name), as: self.numbers(text)) })
    if !numbers.isEmpty {
      try Folders.make(numbersFolder)
      Leftovers.remove(from: numbersFolder)
    }
    for (name, text) in numbers { try AtomicFile.write(text, to: numbersFolder.appending(path: name)) }
    try AtomicFile.write(try contents.html(), to: page)
    return ReportResult(out: page.path(percentEncoded: false), numbers: numbers.map { "report/\($0.name)" })
  }

  /// Numbers behind a picture. Their file has no mark of its own: it is the earlier page's where that names it, or where nothing in it changes.
  private func numbers(_ text: String) -> OutputKind {
    let names = OutputKind.page.isOwn(page) ? (try? ReportPage.numberFiles(of: page)) ?? [] : []
    return OutputKind("a table of the report's numbers") { url in
      names.contains(url.lastPathComponent) || (try? Data(contentsOf: url)) == Data(text.utf8)
    }
  }
}

/// What `ReportRun` wrote.
public struct ReportResult: Codable, Sendable, Hashable {
  /// The page.
  public var out: String
  /// The files of numbers behind its pictures, as seen from the folder.
  public var numbers: [String]
}
