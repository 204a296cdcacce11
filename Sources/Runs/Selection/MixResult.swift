public import Foundation
import Ground
public import Selection

/// What `MixRun` drew: what `mix --json` prints, and what the manifest beside the mixture holds.
public struct MixResult: Codable, Sendable, Equatable {
  /// A task of the mixture.
  public struct Task: Codable, Sendable, Equatable {
    /// The task.
    public var name: String
    /// Its α; nil where no fit was looked at.
    public var coefficient: Double?
    /// Its share, in 0...1.
    public var share: Double
    /// The samples that were drawn.
    public var count: Int
    /// The samples that could have been.
    public var available: Int
    /// The SHA-256 of the data that they were drawn from.
    public var dataFingerprint: String
    /// The positions in the data of what was drawn, counted from 0; a sample that was drawn twice is there twice.
    public var drawn: [Int]
    /// How alike the target they are; nil where they were drawn by chance.
    public var likeness: Likeness?

    enum CodingKeys: String, CodingKey {
      case name, coefficient, share, count, available, drawn, likeness
      case dataFingerprint = "data_fingerprint"
    }
  }

  /// The least and the greatest likeness of a task's drawn samples to the target.
  public struct Likeness: Codable, Sendable, Equatable {
    /// Of the sample that is least like it.
    public var least: Double
    /// Of the sample that is most like it.
    public var greatest: Double
  }

  /// A task of the fit that gives no samples.
  public struct LeftOut: Codable, Sendable, Equatable {
    /// Why a task gives none.
    public enum Reason: String, Codable, Sendable {
      /// Its coefficient is zero or negative.
      case notPositive = "not positive"
      /// Others have greater coefficients.
      case belowTop = "below the top"
    }
    /// The task.
    public var name: String
    /// Its α.
    public var coefficient: Double
    /// Why it gives none.
    public var reason: Reason
  }

  /// What wrote the manifest.
  public var madeBy = "headway mix"
  /// The mixture's file, as the run named it.
  public var out: String
  /// The SHA-256 of the mixture's file.
  public var dataFingerprint = ""
  /// The task that the fit explains; nil where no fit was looked at.
  public var target: String?
  /// What the shares were taken from.
  public var shares: Mixture.Shares
  /// The samples in all.
  public var total: Int
  /// The target's pattern, as the run named it, by likeness to which samples were drawn; nil where they were drawn by chance.
  public var within: String?
  /// What seeded the draws.
  public var seed: UInt64
  /// The tasks, the greatest coefficient first.
  public var tasks: [Task]
  /// The tasks of the fit that give no samples.
  public var leftOut: [LeftOut]

  init(_ run: MixRun, target: String?, _ mixture: Mixture) {
    out = run.out
    self.target = target
    shares = run.shares
    total = run.total
    within = run.within
    seed = run.seed
    tasks = mixture.parts.map {
      Task(name: $0.name, coefficient: $0.coefficient, share: $0.share, count: $0.count, available: 0, dataFingerprint: "", drawn: [])
    }
    leftOut =
      mixture.notPositive.map { LeftOut(name: $0.name, coefficient: $0.coefficient, reason: .notPositive) }
      + mixture.belowTop.map { LeftOut(name: $0.name, coefficient: $0.coefficient, reason: .belowTop) }
  }

  enum CodingKeys: String, CodingKey {
    case out, target, shares, total, within, seed, tasks
    case madeBy = "made_by"
    case dataFingerprint = "data_fingerprint"
    case leftOut = "left_out"
  }
}

extension FitResult {
  /// Reads the result of a fit.
  /// - Throws: `RunError` where the file is none.
  public static func read(from url: URL) throws -> FitResult {
    let path = url.path(percentEncoded: false)
    let data = try InputFile.contents(of: url, limit: 1 << 28)
    do { return try JSONDecoder().decode(FitResult.self, from: data) } catch {
      throw RunError("\(path) is not the result of a fit; name a file that headway fit wrote")
    }
  }

  /// The tasks with the coefficients that shares are taken from.
  /// - Throws: `RunError` where the file does not have them.
  func candidates(for shares: Mixture.Shares, in path: String) throws -> [Mixture.Candidate] {
    let wantsNonnegative = shares == .nonnegative
    let set = coefficientSets.map { wantsNonnegative ? $0.nonnegative : $0.unconstrained }
    guard let coefficients = set ?? (isNonnegative == wantsNonnegative ? self.coefficients : nil) else {
      throw RunError(
        "\(path) has only the coefficients of a fit \(isNonnegative ? "without" : "with") negative ones, and \(setting: Setting("shares", value: shares.rawValue)) takes the others; fit again"
      )
    }
    return names.compactMap { name in coefficients[name].map { Mixture.Candidate(name, coefficient: $0) } }
  }
}
