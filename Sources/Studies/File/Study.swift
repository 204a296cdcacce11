public import ActivationPatterns
public import CheckpointFiles
public import FineTuning
public import Runs

/// What a study is asked for: its file, read. Paths are as seen from the working directory.
public struct Study: Sendable, Hashable {
  /// The report's heading.
  public var name = "Study"
  /// The tables and figures to make, by the names of ``StudyItems``.
  public var make: [String] = []
  /// The models, in order.
  public var models: [Model] = []
  /// The tasks, in order.
  public var tasks: [Task] = []
  /// How models are fine-tuned.
  public var training = Training()
  /// What every pattern and every reported value is computed in.
  public var dtype = ElementType.float32
  /// The score of patterns, fits and selections.
  public var score = Score.magnitude
  /// What is drawn again for each of them: training samples, their order, mixtures, random choices.
  public var seeds: [UInt64] = [0]
  /// The seed of splits without published parts: the same for all seeds, so that questions stay questions.
  public var splitSeed: UInt64 = 0
  /// The most samples of each kind.
  public var budgets = Budgets()
  /// Intervals and tests of fits.
  public var fit = Fit()
  /// Of figure 1.
  public var figure1 = Figure1()
  /// Of figure 5.
  public var figure5 = Figure5()
  /// Of table 2.
  public var table2 = Table2()
  /// Of table 3.
  public var table3 = Table3()
  /// Of the test by retrieval.
  public var retrieval = Retrieval()
  /// Of the test by bins of distance.
  public var distanceBins = DistanceBins()
  /// Of linear datamodelling scores.
  public var datamodelling = Datamodelling()
  /// Of levels against ablation.
  public var ablation = Ablation()
  /// What is done about a training or pattern sample that is also an evaluated question.
  public var leaks = Leaks.refuse
  /// Where to compute.
  public var device = DeviceName.automatic
  /// Threads of the processor; as many as the machine gives where nil.
  public var threads: Int?
  /// The most tokens of a packed batch.
  public var batchTokens = 2048
  /// Whether fine-tuned models are kept once everything is measured.
  public var keepsWeights = false

  /// A study of nothing.
  public init() {}

  /// What is done about leaks.
  public enum Leaks: String, Sendable, Codable, CaseIterable {
    /// The study is not run.
    case refuse
    /// The sample is taken out of the training part, pool or probe, and counted.
    case drop
  }

  /// A model.
  public struct Model: Sendable, Hashable {
    /// What results call it.
    public var name: String
    /// A Hugging Face folder, or `owner/name` of a downloaded one.
    public var path: String
    /// A published shape by which a plan is made where the folder is not there.
    public var shape: String?
    /// The chat form that its samples are written in; `own` is the model's, and nil leaves them as they are.
    public var chat: String?
    /// The tables and figures that are made for it; all where nil.
    public var make: [String]?
  }

  /// What a task is for.
  public enum Role: String, Sendable, Codable, CaseIterable {
    /// One skill: explains complex tasks, and stands in table 1, figures 1, 2 and 5.
    case basic
    /// Several skills: explained by basic tasks (figure 4), and shown with them.
    case complex
    /// A basic task of mixtures alone: in table 2 only.
    case candidate
    /// What is to be learned, with questions on which values are reported: tables 2 and 3.
    case target
    /// Data that is chosen from: table 3.
    case pool
  }

  /// A task and its data.
  public struct Task: Sendable, Hashable {
    /// What results call it.
    public var name: String
    /// What it is for.
    public var roles: [Role]
    /// Tasks of one set are compared, and trained on equally many samples.
    public var set: String
    /// The kind of task, for figure 2: correlations within kinds against those between them.
    public var group: String?
    /// The published training part; empty where `files` are split.
    public var train: [String]
    /// The published part that is held out.
    public var test: [String]
    /// Data without published parts, which a seed splits.
    public var files: [String]
    /// The share of `files` that is held out.
    public var holdOut: Double
    /// How files are read: format, template, filters; its own files stay empty.
    public var reading: DataSettings
    /// The split of a folder that `train` reads.
    public var trainSplit: String?
    /// The split of a folder that `test` reads.
    public var testSplit: String?
    /// The benchmark that asks a target's questions; the loss of responses alone where nil.
    public var benchmark: BenchmarkSettings?
    /// Sizes by which a plan is made where the data is not there.
    public var counts: Counts?
    /// The basic tasks that a complex one is made of, where that is known.
    public var parts: [String] = []

    /// Whether it has this role.
    public func has(_ role: Role) -> Bool { roles.contains(role) }
  }

  /// Sizes of data that is not at hand.
  public struct Counts: Sendable, Hashable, Codable {
    /// Samples of the training part.
    public var train = 0
    /// Samples held out.
    public var test = 0
    /// Tokens of a sample, prompt and response.
    public var tokens = 256
    /// Tokens of the response.
    public var labels = 128
  }

  /// How models are fine-tuned.
  public struct Training: Sendable, Hashable {
    /// The trainer's settings; its seed is the study's.
    public var settings = TrainingSettings()
    /// What forward and backward passes compute in; the master weights are float32 in any case.
    public var dtype = ElementType.bfloat16
    /// The most tokens of a sample.
    public var maximumLength = 1024
  }

  /// The most samples of each kind; all where nil.
  public struct Budgets: Sendable, Hashable {
    /// Samples that a task is fine-tuned on.
    public var train: Int?
    /// Held-out samples on which a pattern is measured.
    public var probe: Int?
    /// Questions on which a value is reported.
    public var questions: Int?
    /// Samples of each pool task.
    public var pool: Int?
  }

  /// Intervals and tests of fits.
  public struct Fit: Sendable, Hashable {
    /// Resamples of samples for intervals; nil for none.
    public var bootstrap: Int?
    /// Shuffles of heads; nil for no test.
    public var permutations: Int?
    /// Halvings of heads and samples; nil for none.
    public var heldOut: Int?
  }

  /// Of figure 1.
  public struct Figure1: Sendable, Hashable {
    /// The task whose change is drawn; the first basic one where nil.
    public var task: String?
  }

  /// Of figure 5.
  public struct Figure5: Sendable, Hashable {
    /// Updates between two measurements.
    public var every = 10
  }

  /// Of table 2.
  public struct Table2: Sendable, Hashable {
    /// Target tasks; all with the role where nil.
    public var targets: [String]?
    /// Tasks that may go into a mixture; all basic and candidate tasks of the first set where nil.
    public var candidates: [String]?
    /// N, the samples of a mixture.
    public var total = 1000
    /// k, the tasks that a mixture keeps.
    public var keep = 2
    /// Folds of the target's own samples, inside which its change is measured.
    public var folds = 5
    /// Random shares for each seed, of which the mean counts.
    public var randomDraws = 5
    /// Samples of the target that are trained on; all of its training part where nil.
    public var samples: Int?
    /// What stands beside the untouched model and random shares.
    public var arms: [Arm] = [.targetAlone, .equalCompute, .equalShares, .fittedMixture]
    /// The tasks of the arm `wrong-pair`.
    public var wrong: [String] = []

    /// What is trained on before the target's own samples, or in their place.
    public enum Arm: String, Sendable, CaseIterable {
      /// The target's own samples, for the study's epochs.
      case targetAlone = "target-alone"
      /// The target's own samples, for as many updates as mixture and target take together.
      case equalCompute = "equal-compute"
      /// The tasks that the fit keeps, in shares drawn by seed: what the others are held against.
      case randomShares = "random-shares"
      /// The tasks that the fit keeps, in equal shares.
      case equalShares = "equal-shares"
      /// The tasks that the fit keeps, in the proportion of its coefficients.
      case fittedMixture = "fitted-mixture"
      /// Equal shares, each task's samples those that are most like the target (equation 5).
      case equalSharesLikest = "equal-shares-likest"
      /// The fit's shares, each task's samples those that are most like the target (equation 5).
      case fittedMixtureLikest = "fitted-mixture-likest"
      /// As many candidates as a mixture keeps, drawn by seed, in equal shares.
      case randomPair = "random-pair"
      /// All candidates in equal shares.
      case allCandidates = "all-candidates"
      /// Tasks that are known to be wrong, in equal shares.
      case wrongPair = "wrong-pair"
    }
  }

  /// Of table 3.
  public struct Table3: Sendable, Hashable {
    /// Target tasks; all with the role where nil.
    public var targets: [String]?
    /// m: how many samples are chosen.
    public var choose = [100, 300, 500]
    /// What chooses.
    public var methods = [Method(representation: "pattern", algorithm: "mean")]
    /// Random choices for each seed, of which the mean counts.
    public var randomDraws = 5
    /// The learning rate of the adapters whose checkpoints gradients are taken at.
    public var warmUpRate = 2e-5
    /// The numbers that a gradient is projected to.
    public var dimension = 8192
    /// Samples of the target that its pattern is measured on; all of its training part where nil.
    public var samples: Int?
  }

  /// A representation of samples and an algorithm that picks.
  public struct Method: Sendable, Hashable, Codable {
    /// By the names of `SelectRun`.
    public var representation: String
    /// By the names of `SelectRun`; nil where the representation needs none.
    public var algorithm: String?
    /// The scores of a pattern; the study's where empty. Several stand side by side.
    public var scores: [Score] = []
    /// Whether each head's level, or entry of an embedding, is taken against the pool's mean and spread.
    public var standardises = false
    /// Whether a head counts by how reliable the target's mean is in it.
    public var weighsByReliability = false

    /// What results call it: `pattern, mean`.
    public var name: String {
      ([representation] + (scores.isEmpty ? [] : [scores.map(\.rawValue).joined(separator: "+")]) + [algorithm].compactMap(\.self)
        + (standardises ? ["standardised"] : []) + (weighsByReliability ? ["weighted"] : [])).joined(separator: ", ")
    }

    /// The name as part of a folder's.
    var fileName: String { name.replacing(", ", with: "-") }
  }
}
