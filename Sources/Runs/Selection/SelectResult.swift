import ActivationPatterns
import Ground
public import Selection

/// What `SelectRun` chose: what `select --json` prints, and what the manifest beside the chosen samples holds.
public struct SelectResult: Codable, Sendable, Equatable {
  /// A chosen sample.
  public struct Chosen: Codable, Sendable, Equatable {
    /// Its position in the pool's data, counted from 0.
    public var index: Int
    /// Its id in the data; its position where it has none.
    public var id: String
    /// The task that it belongs to; nil where its data names none.
    public var task: String?
    /// The file of the pool's data that it lies in; nil in manifests of earlier versions.
    public var file: String?
    /// Its likeness to the target.
    public var score: Double
    /// The target sample or group that it is like; nil where the target's mean, or no target, was looked at.
    public var target: String?
    /// The heads that add most to the correlation, the first one most; nil where they were not asked for.
    public var heads: [HeadPart]?
  }

  /// The pool that was chosen from.
  public struct Pool: Codable, Sendable, Equatable {
    /// Its files, as the run named them.
    public var files: [String]
    /// Its data, as the run named it.
    public var data: [String]
    /// The SHA-256 of its data.
    public var dataFingerprint: String
    /// The samples that were compared.
    public var samples: Int

    enum CodingKeys: String, CodingKey {
      case files, data, samples
      case dataFingerprint = "data_fingerprint"
    }
  }

  /// What wrote the manifest.
  public var madeBy = "headway select"
  /// The file of the chosen samples, as the run named it.
  public var out: String
  /// The SHA-256 of that file.
  public var dataFingerprint = ""
  /// What stood for a sample.
  public var representation: String
  /// How samples were picked.
  public var algorithm: String
  /// The score that was compared; nil where there is none.
  public var score: String?
  /// Whether levels were taken against the pool's mean and spread.
  public var standardised: Bool
  /// The target's file or data, as the run named it; nil where none was looked at.
  public var target: [String]?
  /// What was told apart of the target, in order; nil where its mean, or no target, was looked at.
  public var targets: [String]?
  /// What was chosen from.
  public var pool: Pool
  /// The chosen samples, the one that was picked first in front, as in the file.
  public var chosen: [Chosen] = []

  init(_ run: SelectRun, _ found: SelectRun.Found, pool data: PoolData) {
    out = run.out
    representation = run.representation
    algorithm = run.algorithm
    score = found.files?.score?.rawValue
    standardised = run.standardises
    let named = run.target.map { [$0] } ?? run.targetData
    target = named.isEmpty ? nil : named
    targets = SelectionAlgorithms.named(run.algorithm)?.looksAtEach == true ? found.likeness.targetNames : nil
    pool = Pool(files: run.pool, data: run.poolData, dataFingerprint: data.fingerprint, samples: found.positions.count)
  }

  enum CodingKeys: String, CodingKey {
    case out, representation, algorithm, score, standardised, target, targets, pool, chosen
    case madeBy = "made_by"
    case dataFingerprint = "data_fingerprint"
  }
}
