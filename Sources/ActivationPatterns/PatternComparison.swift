/// Patterns or changes that belong side by side: of one shape, under one score, of one kind.
public struct PatternComparison: Sendable {
  /// The names they go by, in order.
  public let names: [String]
  /// The files, in the same order.
  public let files: [PatternFile]
  /// The score each is looked at under: the same for all, unless they were mixed on purpose.
  public let scores: [Score]
  /// The levels or changes, in the same order.
  public let matrices: [HeadMatrix]

  /// Puts files side by side.
  ///
  /// A fine-tuned model has another name and fingerprint than its base, so models are told apart by shape and architecture.
  /// - Parameters:
  ///   - files: The files and the names they go by.
  ///   - score: The score to look at; nil takes the first, in the order of `Score.allCases`, that all of them have.
  ///   - mixed: Whether to go on where score, architecture or kind differ. Shapes must be equal in any case.
  /// - Throws: `PatternError` naming the two that do not belong together.
  public init(_ files: [(name: String, file: PatternFile)], score: Score? = nil, mixed: Bool = false) throws {
    guard let first = files.first else { throw PatternError(problem: "there is nothing to compare", remedy: "name at least one file") }
    for (name, file) in files.dropFirst() {
      func refuse(_ problem: String, _ remedy: String) -> PatternError {
        PatternError(problem: "\(first.name) and \(name) \(problem)", remedy: remedy)
      }
      guard file.layers == first.file.layers, file.heads == first.file.heads else {
        throw refuse(
          "are of different models: \(first.file.layers) layers × \(first.file.heads) heads and \(file.layers) × \(file.heads)",
          "give files of one model")
      }
      guard !mixed else { continue }
      guard file.kind == first.file.kind else {
        throw refuse("are a \(first.file.kind) and a \(file.kind)", "give files of one kind, or --mixed to compare them all the same")
      }
      if let one = first.file.provenance.architecture, let other = file.provenance.architecture, one != other {
        throw refuse("are of different models (\(one); \(other))", "give files of one model, or --mixed to compare them all the same")
      }
    }
    let common = Score.allCases.filter { score in files.allSatisfy { $0.file.scores.contains(score) } }
    if let score {
      if let lacking = files.first(where: { !$0.file.scores.contains(score) }) {
        throw PatternError(
          lacking.name, problem: "it has no score \(score) but \(lacking.file.scores.map(\.rawValue).joined(separator: ", "))",
          remedy: "choose another --score, or measure again with this one")
      }
      scores = files.map { _ in score }
    } else if let score = common.first {
      scores = files.map { _ in score }
    } else if mixed {
      scores = files.compactMap { $0.file.scores.first }
    } else {
      let lists = files.map { "\($0.name): \($0.file.scores.map(\.rawValue).joined(separator: ", "))" }
      throw PatternError(
        problem: "there is no score that all of them have (\(lists.joined(separator: "; ")))",
        remedy: "measure all with one --score, or give --mixed to compare them all the same")
    }
    names = files.map(\.name)
    self.files = files.map(\.file)
    matrices = zip(self.files, scores).compactMap { $0.matrix($1) }
  }
}
