public import Foundation
import Ground

/// Where data lies: one of several that are read one after another, each in its own format.
public struct DataSource: Sendable, Hashable {
  /// A file, a folder of files, or `owner/name` of a dataset in the Hugging Face cache.
  public var location: URL
  /// The task of its samples, in place of what the data or its format says; nil for that.
  public var task: String?

  /// A source.
  public init(_ location: URL, task: String? = nil) {
    self.location = location
    self.task = task
  }
}

/// The files of one source, and how they are read.
struct DataPart: Sendable {
  let files: [DataFile]
  let task: String?
  let format: any DatasetFormat
  /// Which of the format's ways to make samples is taken; empty where it has one only.
  let form: String
  let chat: ChatForm?

  /// The format and its form, and the chat form where there is one.
  var templateName: String {
    let own = form.isEmpty ? format.name : "\(format.name)/\(form)"
    return chat.map { "\(own) as \($0.rawValue)" } ?? own
  }

  /// Finds a source's files and settles how they are read.
  /// - Parameter earlier: the format of the source before, which is taken where this one fits it and others.
  init(_ source: DataSource, _ options: DatasetOptions, after earlier: (any DatasetFormat)?) throws(DataError) {
    files = try DataFiles.find([source.location], split: options.split, cache: HuggingFaceCache())
    task = source.task
    guard let first = files.first else { throw .options("no data file was found; name one") }
    if let name = options.format {
      format = try DatasetFormats.named(name)
    } else if !options.map.isEmpty {
      format = PairsFormat()
    } else {
      format = try DatasetFormats.recognise(first, after: earlier)
    }
    let forms = format.forms
    form = options.form.flatMap { forms.contains($0) ? $0 : nil } ?? forms.first ?? ""
    guard options.chat == nil, options.template == nil, format.isChat || options.writesModelChat, let template = options.modelChatTemplate
    else {
      chat = options.chat
      return
    }
    guard let form = ChatForm(template: template) else { throw ChatRendering.refusal(of: first, model: options.modelName) }
    chat = form
  }
}
