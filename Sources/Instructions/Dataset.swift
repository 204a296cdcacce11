public import Foundation
import Ground

internal import Crypto

/// A dataset as it is published: one or several sources, each a file or folder in one format, read as instructions in file order.
///
/// Nothing is read into memory but the record at hand, so the files may be of any size. Each call of ``instructions()``
/// starts from the beginning.
public struct Dataset: Sendable {
  /// The name of the format, recognised or chosen; of sources in several formats all names, joined by `+`.
  public let formatName: String
  /// Whether the format was recognised rather than named.
  public let formatWasRecognised: Bool
  /// What the prompts are made with: the format and its form, with the chat form where there is one, or the template file's name. What
  /// several sources are made with is joined by `+`.
  public let templateName: String
  /// The files that are read, in order.
  public let files: [URL]

  /// What messages call the data: its file, and how many more there are.
  public var name: String {
    let first = dataFiles.first?.name ?? ""
    return dataFiles.count > 1 ? "\(first) and \(dataFiles.count - 1) more" : first
  }

  /// What the data is read as, for messages: the format, or where sources have several the format of each.
  public var formatDescription: String {
    guard Set(parts.map(\.format.name)).count > 1 else { return formatName }
    return parts.map { "\($0.format.name) (\($0.task ?? $0.files.first?.name ?? ""))" }.joined(separator: ", ")
  }

  /// The files that are read, as the user named them.
  public var fileNames: [String] { dataFiles.map(\.name) }

  /// The format and the form that each source is read in.
  public var sourceFormats: [(format: String, form: String?)] { parts.map { ($0.format.name, $0.form.isEmpty ? nil : $0.form) } }

  let parts: [DataPart]
  let dataFiles: [DataFile]
  let template: PromptTemplate?
  let options: DatasetOptions

  /// Finds the data files and settles their format.
  /// - Parameters:
  ///   - paths: files, folders of files, or `owner/name` of a dataset in the Hugging Face cache.
  ///   - options: the format, the template, and what is done about bad samples.
  public init(at paths: [URL], options: DatasetOptions = DatasetOptions()) throws(DataError) {
    try self.init(of: paths.map { DataSource($0) }, options: options)
  }

  /// Finds the data files of several sources and settles the format of each.
  /// - Parameters:
  ///   - sources: where the data lies, in the order in which it is read.
  ///   - options: the format, the template, and what is done about bad samples; a format that is named is that of all sources.
  public init(of sources: [DataSource], options: DatasetOptions = DatasetOptions()) throws(DataError) {
    guard !sources.isEmpty else { throw .options("no data file was named; name one") }
    try options.check()
    try options.filter.check()
    try options.checkMap(of: options.format)
    var parts: [DataPart] = []
    for source in sources { parts.append(try DataPart(source, options, after: parts.last?.format)) }
    if let form = options.form, !parts.contains(where: { $0.format.forms.contains(form) }) { throw Dataset.unknownForm(form, of: parts) }
    template = if let url = options.template { try PromptTemplate(at: url) } else { nil }
    func joined(_ names: [String]) -> String {
      var seen: Set<String> = []
      return names.filter { seen.insert($0).inserted }.joined(separator: "+")
    }
    formatName = joined(parts.map(\.format.name))
    formatWasRecognised = options.format == nil && options.map.isEmpty
    templateName = template?.name ?? joined(parts.map(\.templateName))
    self.parts = parts
    dataFiles = parts.flatMap(\.files)
    files = dataFiles.map(\.url)
    self.options = options
  }

  private static func unknownForm(_ form: String, of parts: [DataPart]) -> DataError {
    let formats = parts.map(\.format)
    let known = formats.enumerated().filter { number, format in !formats[..<number].contains { $0.name == format.name } }.map { _, format in
      "the format '\(format.name)' "
        + (format.forms.isEmpty ? "has one form only" : "has the forms \(format.forms.joined(separator: ", "))")
    }
    return .options("\(Message(known.joined(separator: ", "))), not '\(form)'")
  }

  /// The instructions from the first on. The reader counts what it skips.
  public func instructions() -> InstructionReader { InstructionReader(self) }

  /// All instructions. To know how many bad records were skipped, use ``instructions()`` and ask the reader.
  public func readAll() throws(DataError) -> [Instruction] {
    let reader = instructions()
    return try reader.rest()
  }

  /// The SHA-256 of the data, in hexadecimal: of a single file's bytes as they are on disk (what `sha256sum` prints); of several
  /// files, the SHA-256 of their hexadecimal sums, a line each.
  public func fingerprint() throws(DataError) -> String {
    var sums: [String] = []
    for file in dataFiles {
      let source = try FileBytes(file.url, name: file.name)
      var hash = SHA256()
      while case let bytes = try source.read(), !bytes.isEmpty { hash.update(data: bytes) }
      sums.append(hexadecimal(hash.finalize()))
    }
    if let sum = sums.first, sums.count == 1 { return sum }
    return hexadecimal(SHA256.hash(data: Array(sums.map { $0 + "\n" }.joined().utf8)))
  }

  private func hexadecimal(_ digest: SHA256.Digest) -> String {
    digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
