import ActivationPatterns
import Foundation
import Ground
import Runs
import Selection

/// Linear datamodelling scores (Park et al. 2023): for each target sample, Spearman's correlation over subsets of the summed likeness of a subset's
/// samples and the loss that models trained on it have on the target sample, with the sign by which more likeness goes with less loss.
struct DatamodelRun: Run {
  static let name = "datamodel"

  /// What is compared; the target's samples are those whose losses were measured.
  var sources: LikenessSources
  /// What is likened.
  var methods: [Study.Method]
  /// The result of `SubsetsRun`.
  var subsets: String
  /// The losses of the target's samples after each training, as `represent` writes them, [subsets][trainings].
  var losses: [[String]]

  func mappingPaths(_ change: (String) -> String) -> DatamodelRun {
    var run = self
    run.sources = sources.mappingPaths(change)
    run.subsets = change(subsets)
    run.losses = losses.map { $0.map(change) }
    return run
  }

  func run(_ monitor: RunMonitor) throws -> DatamodelResult {
    let members = try JSONDecoder().decode(SubsetsResult.self, from: Data(contentsOf: URL(filePath: subsets))).members
    var index: [Int64]?
    let measured = try losses.map { subset in
      try subset.map { path -> [Double] in
        let file = try RepresentationFile(at: URL(filePath: path))
        guard file.kind == .loss, let rows = file.rows.first, index ?? file.index == file.index else {
          throw RunError("\(path) has not the losses of the same samples as the others; delete its step's folder and run the study again")
        }
        index = file.index
        return try (0..<rows.count).map { Double(try rows.row($0)[0]) }
      }
    }
    let targets = (index ?? []).map(Int.init)
    let texts = (pool: try sources.texts(ofPool: true), target: try sources.texts(ofPool: false))
    var result = DatamodelResult(Self.noise(measured), samples: targets.count)
    let means = measured.map { trainings in
      targets.indices.map { sample in trainings.reduce(0) { $0 + $1[sample] } / Double(max(1, trainings.count)) }
    }
    for method in methods {
      if monitor.shouldStop() { throw RunStopped(canResume: true) }
      let seen = try SeenLikeness(
        method, sources, looksAtEach: Representations.named(method.representation)?.hasTarget == true, texts, seed: 0)
      let values = try seen.values()
      // Each target sample's column; one for all where the representation has no target.
      let columns = targets.map { place in seen.targets.map { $0.firstIndex(of: place) } ?? 0 }
      result.scores.append(
        .init(method: method.name, score: Self.score(values, seen.positions, columns: columns, members: members, losses: means)))
    }
    return result
  }

  /// The mean over target samples of the rank correlation of a subset's summed likeness and minus its loss; nil where no sample has one.
  /// - Parameters:
  ///   - values: likenesses, [compared samples][targets].
  ///   - positions: of the compared samples in the pool.
  ///   - columns: the target that each measured sample is, nil where it was not compared.
  ///   - members: positions in the pool, [subsets][samples].
  ///   - losses: [subsets][measured samples].
  static func score(_ values: [[Double]], _ positions: [Int], columns: [Int?], members: [[Int]], losses: [[Double]]) -> Double? {
    let rows = Dictionary(zip(positions, values.indices)) { first, _ in first }
    let found = columns.enumerated().compactMap { sample, column -> Double? in
      guard let column else { return nil }
      let sums = members.map { subset in
        subset.reduce(0.0) { sum, place in
          guard let row = rows[place], !values[row][column].isNaN else { return sum }
          return sum + values[row][column]
        }
      }
      return Correlation.spearman(sums, losses.map { -$0[sample] })
    }
    return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
  }

  /// How much of the losses' order over subsets another training would give again.
  /// - Parameter losses: [subsets][trainings][samples].
  /// - Returns: the mean correlation of two single trainings over pairs of them and samples; the reliability of the mean of all; and what a perfect
  ///   score could reach, its square root.
  static func noise(_ losses: [[[Double]]]) -> (single: Double?, reliability: Double?, ceiling: Double?) {
    let trainings = losses.map(\.count).min() ?? 0
    let samples = losses.first?.first?.count ?? 0
    var found: [Double] = []
    for one in 0..<trainings {
      for other in (one + 1)..<max(one + 1, trainings) {
        for sample in 0..<samples {
          if let r = Correlation.spearman(losses.map { $0[one][sample] }, losses.map { $0[other][sample] }) { found.append(r) }
        }
      }
    }
    guard !found.isEmpty else { return (nil, nil, nil) }
    let single = found.reduce(0, +) / Double(found.count)
    let reliability = RankCorrelation.steppedUp(single, to: trainings)
    return (single, reliability, reliability.map { max(0, $0).squareRoot() })
  }
}

/// What `DatamodelRun` found.
struct DatamodelResult: Codable, Sendable {
  struct Score: Codable, Sendable {
    /// The method's name.
    var method: String
    /// The linear datamodelling score.
    var score: Double?
  }

  /// By method.
  var scores: [Score] = []
  /// The mean rank correlation of two single trainings.
  var single: Double?
  /// The reliability of the mean over trainings.
  var reliability: Double?
  /// What a perfect score could reach.
  var ceiling: Double?
  /// Target samples.
  var samples: Int

  init(_ noise: (single: Double?, reliability: Double?, ceiling: Double?), samples: Int) {
    (single, reliability, ceiling) = noise
    self.samples = samples
  }
}
