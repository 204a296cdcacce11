public import Foundation
public import Ground
public import Instructions
public import Tokenizers

/// Which data is read, and how.
public struct DataSettings: RecordedSettings, Hashable {
  /// A side of a seeded split.
  public enum Part: String, Codable, Sendable, CaseIterable {
    case train, test
  }

  /// Files or folders, as they are published; each is read in its own format, and its samples are of the task that it names.
  public var files: [TaskFile]
  /// The data's format; recognised by its fields where nil.
  public var format: String?
  /// Field names that differ from the format's, by the format's name.
  public var map: [String: String] = [:]
  /// Which of the format's ways to make samples is taken, where it has several.
  public var form: String?
  /// A file with a prompt template, in place of the format's own.
  public var template: String?
  /// The chat form that samples are written in; `own` is the model's.
  public var chat: String?
  /// The published split to read of a folder that holds several.
  public var split: String?
  /// Tags that a sample must have.
  public var requiredTags: [String] = []
  /// Tags that a sample must have, and no others.
  public var onlyTags: [String] = []
  /// Languages that are kept; all where empty.
  public var languages: [String] = []
  /// The fewest tokens of a sample that is kept.
  public var minimumTokens: Int?
  /// The most tokens of a sample that is kept.
  public var maximumTokens: Int?
  /// Whether samples whose texts are all equal to an earlier one's are left out.
  public var deduplicates = false
  /// The share that is held out by seed, equal prompts on one side.
  public var holdOut: Double?
  /// The part that is read where `holdOut` splits; the training part where nil.
  public var part: Part?
  /// How many samples are drawn by seed.
  public var sample: Int?
  /// The seed of `holdOut` and `sample`.
  public var seed: UInt64 = 0
  /// The most samples that are read.
  public var limit: Int?
  /// The most tokens of a sample; longer ones are cut at the right end.
  public var maximumLength = 1024
  /// Whether bad records are passed over and counted.
  public var skipsBad = false

  /// Data with the defaults.
  /// - Parameter files: files or folders, `FILE` or `NAME=FILE` each.
  public init(_ files: [String]) { self.files = files.map(TaskFile.init(text:)) }

  /// The keys of data in records.
  public static let form: SettingsForm<DataSettings> = SettingsForm(
    DataSettings([]),
    [
      .setting("data", \.files, isRequired: true).mapping { settings, change in
        settings.files = settings.files.map { $0.mappingPaths(change) }
      },
      .setting("format", \.format), .setting("map", \.map), .setting("form", \.form),
      .path("template", \.template), .setting("chat", \.chat), .setting("split", \.split), .setting("require", \.requiredTags),
      .setting("only", \.onlyTags), .setting("language", \.languages), .setting("min_tokens", \.minimumTokens),
      .setting("max_tokens", \.maximumTokens), .setting("deduplicate", \.deduplicates), .setting("hold_out", \.holdOut),
      .setting("part", \.part), .setting("sample", \.sample), .setting("data_seed", \.seed), .setting("limit", \.limit),
      .setting("max_length", \.maximumLength), .setting("skip_bad", \.skipsBad),
    ])

  /// Says which settings make no sense.
  public func validate() throws {
    for (key, value) in [
      (Setting.limit, limit), (.sample, sample), (.minimumTokens, minimumTokens), (.maximumTokens, maximumTokens),
      (.maximumLength, maximumLength),
    ] {
      if let value, value < 1 { throw SettingsError("\(setting: key) takes a number from 1 on, not \(value)") }
    }
    // An empty path would stand for the folder that the program runs in.
    if let unnamed = files.first(where: \.path.isEmpty) { throw SettingsError("'\(unnamed.text)' names no data; name a file or a folder") }
    if let holdOut, !(holdOut > 0 && holdOut < 1) {
      throw SettingsError("\(setting: Setting("hold_out")) takes a share between 0 and 1, not \(holdOut)")
    }
    if part != nil, holdOut == nil {
      throw SettingsError(
        "\(setting: Setting("part")) names a part of what \(setting: Setting("hold_out")) splits; give the share to hold out")
    }
    if let minimumTokens, let maximumTokens, minimumTokens > maximumTokens {
      throw SettingsError(
        "\(setting: Setting("min_tokens", value: "\(minimumTokens)")) and \(setting: Setting("max_tokens", value: "\(maximumTokens)")) leave no sample; exchange them"
      )
    }
    try validateFormat()
    do throws(DataError) { try DatasetOptions(map: map).checkMap(of: format) } catch { throw SettingsError(error.message) }
    if chat != nil, template != nil {
      throw SettingsError("\(setting: Setting("chat")) and \(setting: Setting("template")) both write the prompt; name one of them")
    }
    if let chat, chat != "own" {
      guard ChatForm(rawValue: chat.lowercased()) != nil else {
        throw SettingsError(
          "\(setting: Setting("chat")) takes own or one of \(ChatForm.allCases.map(\.rawValue).joined(separator: ", ")), not '\(chat)'")
      }
    }
  }

  private func validateFormat() throws {
    guard let format else { return }
    guard let forms = DatasetFormats.forms(of: format) else {
      throw SettingsError(
        "\(setting: Setting("format")) takes one of \(DatasetFormats.names.joined(separator: ", ")), not '\(format)'")
    }
    guard let form, !forms.contains(form) else { return }
    throw SettingsError(
      forms.isEmpty
        ? "\(setting: Setting("form")) is for formats that make samples in several ways; leave it out for \(format)"
        : "\(setting: Setting("form")) of \(format) takes one of \(forms.joined(separator: ", ")), not '\(form)'")
  }

  /// The files that are read of a dataset, and the template: no run that reads them may write there.
  public func inputs(_ dataset: Dataset) -> [URL] { dataset.files + [template].compactMap { $0.map { URL(filePath: $0) } } }

  /// Opens the data.
  /// - Parameter options: how it is read.
  public func dataset(_ options: DatasetOptions) throws -> Dataset { try Dataset(of: files.map(\.source), options: options) }

  /// The options for the library.
  /// - Parameters:
  ///   - tokenizer: counts tokens for the filters by length, and names the model's own chat form; nil where no model is at hand.
  ///   - model: the model that the tokenizer is of, as the user named it, for messages.
  public func datasetOptions(tokenizer: Tokenizer? = nil, of model: String? = nil) throws -> DatasetOptions {
    var options = DatasetOptions(
      format: format, map: map, form: form, template: template.map { URL(filePath: $0) }, split: split, deduplicates: deduplicates,
      sample: sample, seed: seed, limit: limit, skipBad: skipsBad)
    options.modelChatTemplate = tokenizer?.chatTemplate
    options.modelName = model
    if chat == "own" {
      guard tokenizer?.chatTemplate != nil else {
        let reason = tokenizer == nil ? "no model is named" : "the model has no chat template"
        throw RunError("\(setting: Setting("chat", value: "own")) asks for the model's chat form, but \(reason); name a form instead")
      }
      options.writesModelChat = true
    } else {
      options.chat = try chat.map(ChatForm.init(named:))
    }
    options.holdOut = holdOut.map { DatasetOptions.HoldOut(fraction: $0, readsHeldOut: part == .test) }
    options.filter = InstructionFilter(
      requiredTags: requiredTags, onlyTags: onlyTags, languages: languages, minimumTokens: minimumTokens, maximumTokens: maximumTokens)
    if let tokenizer { options.filter.countTokens = { DataSettings.countTokens($0, tokenizer) } }
    return options
  }

  /// The tokens that a sample is encoded to, before it is cut.
  public static func countTokens(_ instruction: Instruction, _ tokenizer: Tokenizer) -> Int {
    var count = instruction.endsWithEndOfSequence ? 1 : 0
    for (number, piece) in instruction.pieces.enumerated() { count += tokenizer.encode(piece.text, addSpecialTokens: number == 0).count }
    return count
  }
}
