public import Foundation
import Ground

internal import Crypto

/// A dataset as it is published: one or several files in one format, read as instructions in file order.
///
/// Nothing is read into memory but the record at hand, so the files may be of any size. Each call of ``instructions()``
/// starts from the beginning.
public struct Dataset: Sendable {
  /// The name of the format, recognised or chosen.
  public let formatName: String
  /// Whether the format was recognised rather than named.
  public let formatWasRecognised: Bool
  /// What the prompts are made with: the format and its form, with the chat form where there is one, or the template file's name.
  public let templateName: String
  /// The files that are read, in order.
  public let files: [URL]

  /// What messages call the data: its file, and how many more there are.
  public var name: String {
    let first = dataFiles.first?.name ?? ""
    return dataFiles.count > 1 ? "\(first) and \(dataFiles.count - 1) more" : first
  }

  let dataFiles: [DataFile]
  let format: any DatasetFormat
  let form: String
  let template: PromptTemplate?
  let chat: ChatForm?
  let options: DatasetOptions

  /// Finds the data files and settles their format.
  /// - Parameters:
  ///   - paths: files, folders of files, or `owner/name` of a dataset in the Hugging Face cache.
  ///   - options: the format, the template, and what is done about bad samples.
  public init(at paths: [URL], options: DatasetOptions = DatasetOptions()) throws(DataError) {
    guard !paths.isEmpty else { throw .options("no data file was named; name one") }
    try options.check()
    try options.filter.check()
    try options.checkMap(of: options.format)
    let files = try DataFiles.find(paths, split: options.split, cache: HuggingFaceCache())
    guard let first = files.first else { throw .options("no data file was found; name one") }
    if let name = options.format {
      format = try DatasetFormats.named(name)
    } else if !options.map.isEmpty {
      format = PairsFormat()
    } else {
      format = try DatasetFormats.recognise(first)
    }
    if let form = options.form, !format.forms.contains(form) {
      let known = format.forms.isEmpty ? "has one form only" : "has the forms \(format.forms.joined(separator: ", "))"
      throw .options("the format '\(format.name)' \(known), not '\(form)'")
    }
    form = options.form ?? format.forms.first ?? ""
    formatName = format.name
    formatWasRecognised = options.format == nil && options.map.isEmpty
    template = if let url = options.template { try PromptTemplate(at: url) } else { nil }
    let ownChat = format.isChat && template == nil ? options.modelChatTemplate : nil
    chat = if let named = options.chat { named } else if let ownChat { try ChatForm(template: ownChat) } else { nil }
    let own = form.isEmpty ? format.name : "\(format.name)/\(form)"
    templateName = template?.name ?? chat.map { "\(own) as \($0.rawValue)" } ?? own
    dataFiles = files
    self.files = files.map(\.url)
    self.options = options
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
