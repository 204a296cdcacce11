import ArgumentParser
import Foundation
import Instructions

/// How DATA is read: the options that every command with DATA takes.
struct DataOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The data's format; recognised by its fields where it is left out.", valueName: "name"))
  var format: String?

  @Option(
    help: ArgumentHelp(
      "Field names that differ from the format's, as NAME=FIELD,…; without --format those of 'pairs': prompt=FIELD,response=FIELD.",
      valueName: "fields"))
  var map: String?

  @Option(help: ArgumentHelp("Which of the format's ways to make samples is taken, where it has several.", valueName: "name"))
  var form: String?

  @Option(help: ArgumentHelp("A file with a prompt template of {{field}}s, in the place of the format's own.", valueName: "file"))
  var template: String?

  @Option(help: ArgumentHelp("The published split to read of a folder that holds several; 'all' for every one.", valueName: "name"))
  var split: String?

  @Option(help: ArgumentHelp("Reads at most so many samples.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Cuts a sample's tokens to so many, at the right end.", valueName: "n"))
  var maxLength = 1024

  @Flag(help: "Passes over bad records and counts them, instead of stopping at the first.")
  var skipBad = false

  /// The options for the library.
  func datasetOptions() throws -> DatasetOptions {
    DatasetOptions(
      format: format, map: try fieldMap(), form: form, template: template.map { URL(filePath: $0) }, split: split, limit: limit,
      skipBad: skipBad)
  }

  private func fieldMap() throws -> [String: String] {
    var fields: [String: String] = [:]
    for pair in (map ?? "").split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--map takes NAME=FIELD pairs joined by commas, not '\(pair)'.") }
      guard fields.updateValue(parts[1], forKey: parts[0]) == nil else { throw ValidationError("--map names '\(parts[0])' twice.") }
    }
    return fields
  }

  func validate() throws {
    _ = try fieldMap()
    if let limit, limit < 1 { throw ValidationError("--limit takes a number of samples from 1 on, not \(limit).") }
    if maxLength < 1 { throw ValidationError("--max-length takes a number of tokens from 1 on, not \(maxLength).") }
  }
}
