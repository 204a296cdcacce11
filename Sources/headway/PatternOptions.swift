import ActivationPatterns
import ArgumentParser
import Foundation

/// How pattern and change files are looked at: the options that every command on them takes.
struct PatternOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: String?

  @Flag(help: "Go on where models, scores or kinds of file differ.")
  var mixed = false

  /// The score asked for.
  func scoreAskedFor() throws -> Score? {
    guard let score else { return nil }
    guard let known = Score(rawValue: score) else {
      throw ValidationError("--score takes one of \(Score.allCases.map(\.rawValue).joined(separator: ", ")), not '\(score)'.")
    }
    return known
  }

  /// Reads files given as FILE or NAME=FILE and puts them side by side. Names must differ where results are told apart by them.
  func compare(_ arguments: [String], namesMustDiffer: Bool) throws -> PatternComparison {
    let inputs = arguments.map(PatternInput.init)
    if namesMustDiffer {
      var seen: [String: String] = [:]
      for input in inputs {
        if let other = seen.updateValue(input.path, forKey: input.name) {
          throw CommandError("\(other) and \(input.path) would both be called '\(input.name)'; give one of them as NAME=FILE")
        }
      }
    }
    return try PatternComparison(
      try inputs.map { ($0.name, try PatternFile.read(from: $0.url)) }, score: try scoreAskedFor(), mixed: mixed)
  }
}

/// A pattern or change file on the command line, FILE or NAME=FILE.
struct PatternInput {
  /// What it is called in results: the file's name without extension, or the name given.
  let name: String
  /// The file as it was given.
  let path: String

  init(_ argument: String) {
    // A file whose own name has an equals sign is taken as it is.
    if let mark = argument.firstIndex(of: "="), mark > argument.startIndex, !FileManager.default.fileExists(atPath: argument) {
      name = String(argument[..<mark])
      path = String(argument[argument.index(after: mark)...])
    } else {
      name = URL(filePath: argument).deletingPathExtension().lastPathComponent
      path = argument
    }
  }

  /// The file.
  var url: URL { URL(filePath: path) }
}
