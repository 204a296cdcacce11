import ArgumentParser
import Runs

/// How DATA is read: the options that every command with DATA takes.
struct DataOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The data's format; recognised by its fields where left out.", valueName: "name"))
  var format: FormatName?

  @Option(
    help: ArgumentHelp(
      "Field names that differ from the format's, as NAME=FIELD,…; without --format those of 'pairs': prompt=FIELD,response=FIELD.",
      valueName: "fields"))
  var map: FieldMap?

  @Option(help: ArgumentHelp("Which of the format's ways to make samples is taken, where it has several.", valueName: "name"))
  var form: String?

  @Option(
    help: ArgumentHelp("A file with a prompt template of {{field}}s, in place of the format's own.", valueName: "file"), completion: .file()
  )
  var template: String?

  @Option(
    help: ArgumentHelp(
      "Write samples in a chat form; 'own' is the model's. Left out: chats in the model's own, all else as it is.", valueName: "form"))
  var chat: ChatName?

  @Option(help: ArgumentHelp("The published split to read of a folder that holds several; 'all' for every one.", valueName: "name"))
  var split: String?

  @Option(help: ArgumentHelp("Keep samples with this tag; repeat it for samples with all of several.", valueName: "tag"))
  var require: [String] = []

  @Option(help: ArgumentHelp("Keep samples with this tag and no other; repeat it for exactly several.", valueName: "tag"))
  var only: [String] = []

  @Option(help: ArgumentHelp("Keep samples in this language (zh, en…); repeat it for several.", valueName: "code"))
  var language: [String] = []

  @Option(help: ArgumentHelp("Keep samples of at least N tokens.", valueName: "n"))
  var minTokens: Int?

  @Option(help: ArgumentHelp("Keep samples of at most N tokens.", valueName: "n"))
  var maxTokens: Int?

  @Flag(help: "Leave out samples whose texts are all equal to an earlier one's.")
  var deduplicate = false

  @Option(
    help: ArgumentHelp("Hold out this share by seed, equal prompts on the same side; --part says which part is read.", valueName: "share"))
  var holdOut: Double?

  @Option(help: "The part to read where --hold-out splits; train where left out.")
  var part: DataSettings.Part?

  @Option(help: ArgumentHelp("Draw N samples by seed, kept in file order.", valueName: "n"))
  var sample: Int?

  @Option(help: ArgumentHelp("The seed of --hold-out and --sample.", valueName: "n"))
  var dataSeed: UInt64 = 0

  @Option(help: ArgumentHelp("Read at most N samples.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Cut samples to N tokens, at the right end; 1024 where left out.", valueName: "n"))
  var maxLength: Int?

  @Flag(help: "Pass over bad records and count them, instead of stopping at the first.")
  var skipBad = false

  /// The settings of a run with this data.
  func settings(_ files: [String]) -> DataSettings {
    var settings = DataSettings(files)
    settings.format = format?.name
    settings.map = map?.fields ?? [:]
    settings.form = form
    settings.template = template
    settings.chat = chat?.name
    settings.split = split
    settings.requiredTags = require
    settings.onlyTags = only
    settings.languages = language
    settings.minimumTokens = minTokens
    settings.maximumTokens = maxTokens
    settings.deduplicates = deduplicate
    settings.holdOut = holdOut
    settings.part = part
    settings.sample = sample
    settings.seed = dataSeed
    settings.limit = limit
    if let maxLength { settings.maximumLength = maxLength }
    settings.skipsBad = skipBad
    return settings
  }
}

/// Field names, as `NAME=FIELD,…`.
struct FieldMap: ExpressibleByArgument {
  let fields: [String: String]

  init?(argument: String) {
    var fields: [String: String] = [:]
    for pair in argument.split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, fields.updateValue(parts[1], forKey: parts[0]) == nil else { return nil }
    }
    self.fields = fields
  }
}
