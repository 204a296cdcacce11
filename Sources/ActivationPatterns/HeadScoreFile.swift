public import Foundation
import Ground

/// A pattern or change as the JSON that tools for retrieval heads read and write: `{"LAYER-HEAD": [scores], …}`, layers and heads counted from 0,
/// a score a sample (Wu et al. 2024, <https://github.com/nightdessert/Retrieval_Head>, `head_score/*.json`; HeadKV reads the same). They take the mean
/// of each list.
public enum HeadScoreFile {
  /// Writes the levels of each sample where they were kept, and a list of the mean alone where not. A relative change is one of means. Heads whose
  /// change is undefined are left out.
  /// - Returns: how many heads were left out.
  /// - Throws: `PatternError` where the file lacks the score, `FileError`.
  @discardableResult
  public static func write(_ file: PatternFile, score: Score, to url: URL) throws -> Int {
    guard let matrix = file.matrix(score) else {
      throw PatternError(problem: "there is no score \(score)", remedy: "choose another \(setting: .score)")
    }
    let rows = try rows(of: file, score)
    var undefined = 0
    try AtomicFile.write(to: url) { sink in
      var text = "{"
      var isFirst = true
      for (place, mean) in matrix.values.enumerated() {
        guard !mean.isNaN else {
          undefined += 1
          continue
        }
        let scores = rows.map { $0.map { "\($0[place])" } } ?? ["\(Float(mean))"]
        text += "\(isFirst ? "" : ", ")\"\(place / matrix.heads)-\(place % matrix.heads)\": [\(scores.joined(separator: ", "))]"
        isFirst = false
        try sink.write(Data(text.utf8))
        text = ""
      }
      try sink.write(Data((text + "}\n").utf8))
    }
    return undefined
  }

  /// Each sample's entries; nil where only means are known.
  private static func rows(of file: PatternFile, _ score: Score) throws -> [[Float]]? {
    switch file {
    case .pattern(let pattern):
      guard let samples = pattern.levels[score]?.samples else { return nil }
      return try (0..<samples.sampleCount).map(samples.row)
    case .change(let change):
      guard !change.isRelative, let before = change.levels[score]?.before, let after = change.levels[score]?.after else { return nil }
      return try (0..<min(before.sampleCount, after.sampleCount)).map { sample in
        zip(try before.row(sample), try after.row(sample)).map { $1 - $0 }
      }
    }
  }
}
