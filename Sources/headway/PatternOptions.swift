import ActivationPatterns
import ArgumentParser
import Foundation
import Reports

/// Which score of pattern and change files is looked at.
struct ScoreOption: ParsableArguments {
  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: Score?
}

/// How pattern and change files are put side by side.
struct ComparisonOptions: ParsableArguments {
  @OptionGroup var score: ScoreOption

  @Flag(help: "Go on where models, scores or kinds of file differ.")
  var mixed = false

  /// Reads files and puts them side by side.
  func compare(_ inputs: [PatternInput]) throws -> PatternComparison {
    try PatternComparison(try inputs.map { ($0.name, try PatternFile.read(from: $0.url)) }, score: score.score, mixed: mixed)
  }
}

/// How samples are drawn again.
struct BootstrapOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Give 95% intervals from N resamples; needs files measured with --per-sample.", valueName: "n"))
  var bootstrap: Int?

  @Option(help: ArgumentHelp("Seeds what is drawn.", valueName: "n"))
  var seed: UInt64 = 0

  func validate() throws {
    if let bootstrap, !(40...1_000_000).contains(bootstrap) {
      throw ValidationError("--bootstrap takes a number from 40 (95% intervals need that many) to 1000000, not \(bootstrap).")
    }
  }

  /// A warning where a pattern would not come out again with other samples; nil where it would.
  static func warning(_ name: String, reliability: Double?) -> String? {
    guard (reliability ?? 0) < Reliability.sufficient else { return nil }
    return
      "the split-half reliability of \(name) is \(NumberText.fixed(reliability, decimals: 2)), below \(Reliability.sufficient): intervals may miss; measure more samples"
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

  /// Refuses two files that would go by one name in results that tell them apart by it.
  static func requireDistinctNames(_ inputs: [PatternInput]) throws {
    var seen: [String: String] = [:]
    for input in inputs {
      if let other = seen.updateValue(input.path, forKey: input.name) {
        throw CommandError("\(other) and \(input.path) would both be called '\(input.name)'; give one of them as NAME=FILE")
      }
    }
  }
}
