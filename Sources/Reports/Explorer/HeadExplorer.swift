import Foundation

/// What a reader goes through on a page, from the whole to the part: tasks, the heads of their maps, the samples of a head, the tokens of a sample.
///
/// It holds numbers and foreign text alone. The page's script draws them, and puts text in as text.
public struct HeadExplorer: Sendable, Encodable {
  /// Maps that stand side by side, such as a task's before, after and change; or one training run.
  public struct Row: Sendable, Encodable {
    /// What is chosen: a task, a run.
    public var name: String
    /// What was measured, in a few words.
    public var about: String
    /// Its maps, before first.
    public var maps: [Map]
    /// A training run's steps; nil for a task.
    public var run: TrainingRun?

    /// A row.
    public init(name: String, about: String, maps: [Map] = [], run: TrainingRun? = nil) {
      self.name = name
      self.about = about
      self.maps = maps
      self.run = run
    }
  }

  /// The levels of a pattern, or their change.
  public struct Map: Sendable, Encodable {
    /// The pattern's name.
    public var name: String
    /// `before`, `after` or `change` where it is known; empty elsewhere.
    public var side: String
    /// What was measured, in a few words: model, samples, type.
    public var about: String
    /// What the values are: `magnitude`, or a change of it.
    public var valueName: String
    /// The number of layers, L.
    public var layers: Int
    /// The number of heads in a layer, H.
    public var heads: Int
    /// Whether zero stands for no change.
    public var isChange: Bool
    /// The values, [L · H]; nil where undefined.
    public var values: [Double?]
    /// Half of each 95% interval, [L · H]; nil where samples were not kept.
    public var errors: [Double]?
    /// The samples that `strongest` speaks of.
    public var samples: [Sample] = []
    /// For each head the places in `samples` of those in which it is strongest, and its levels there, [L · H]; empty where samples were not kept.
    public var strongest: [[Place]] = []
    /// Samples token by token.
    public var passages: [Passage] = []
    var scale: Scale?

    /// A map.
    public init(
      name: String, side: String = "", about: String, valueName: String, layers: Int, heads: Int, isChange: Bool, values: [Double?],
      errors: [Double]? = nil
    ) {
      self.name = name
      self.side = side
      self.about = about
      self.valueName = valueName
      self.layers = layers
      self.heads = heads
      self.isChange = isChange
      self.values = values.map(\.shortened)
      self.errors = errors?.map(\.shortened)
    }
  }

  /// A sample.
  public struct Sample: Sendable, Encodable {
    /// Its position in the data.
    public var index: Int64
    /// Its name in the data; nil where it has none.
    public var id: String?
    /// Its loss.
    public var loss: Double

    /// A sample.
    public init(index: Int64, id: String?, loss: Double) {
      self.index = index
      self.id = id
      self.loss = loss.shortened
    }
  }

  /// A sample of a head.
  public struct Place: Sendable, Encodable {
    /// Its place among the map's samples.
    public var sample: Int
    /// The head's level in it.
    public var level: Double

    /// A sample of a head.
    public init(sample: Int, level: Double) {
      self.sample = sample
      self.level = level.shortened
    }

    /// A pair, since there are many.
    public func encode(to encoder: any Encoder) throws {
      var pair = encoder.unkeyedContainer()
      try pair.encode(sample)
      try pair.encode(level)
    }
  }

  /// A sample token by token.
  public struct Passage: Sendable, Encodable {
    /// What each token has of a head's level.
    public struct Head: Sendable, Encodable {
      /// The layer.
      public var layer: Int
      /// The head in the layer.
      public var head: Int
      /// One number a token.
      public var values: [Double]

      /// Numbers of a head.
      public init(layer: Int, head: Int, values: [Double]) {
        self.layer = layer
        self.head = head
        self.values = values.map(\.shortened)
      }
    }

    /// The sample.
    public var sample: Sample
    /// What each token adds to the text.
    public var texts: [String]
    /// The places of tokens that carry loss.
    public var labels: [Int]
    /// The heads that it was kept for.
    public var heads: [Head]

    /// A sample token by token.
    public init(sample: Sample, texts: [String], labels: [Int], heads: [Head]) {
      self.sample = sample
      self.texts = texts
      self.labels = labels
      self.heads = heads
    }
  }

  /// The patterns of one probe set over a training's steps, and the training's curves.
  public struct TrainingRun: Sendable, Encodable {
    /// Curves of one kind, such as losses.
    public struct Curves: Sendable, Encodable {
      /// A curve.
      public struct Curve: Sendable, Encodable {
        /// What it is.
        public var name: String
        /// Its points: update, value.
        public var points: [[Double]]

        /// A curve through points.
        public init(name: String, points: [(step: Int, value: Double)]) {
          self.name = name
          self.points = points.map { [Double($0.step), $0.value.shortened] }
        }
      }
      /// What goes up.
      public var yName: String
      /// The curves.
      public var curves: [Curve]

      /// Curves of one kind.
      public init(yName: String, curves: [Curve]) {
        self.yName = yName
        self.curves = curves
      }
    }

    /// The number of layers, L.
    public var layers: Int
    /// The number of heads in a layer, H.
    public var heads: Int
    /// The updates after which the probe set was measured; empty where patterns were not tracked.
    public var steps: [Int]
    /// The levels at each of these steps, [steps][L · H].
    public var values: [[Double?]]
    /// Half the widths of their 95% intervals; nil where the run kept none.
    public var errors: [[Double]]?
    /// Losses and the like.
    public var curves: [Curves]
    var scale: Scale?

    /// A training.
    public init(layers: Int, heads: Int, steps: [Int], values: [[Double]], errors: [[Double]]?, curves: [Curves]) {
      self.layers = layers
      self.heads = heads
      self.steps = steps
      self.values = values.map { $0.map { .some($0.shortened) } }
      self.errors = errors.map { $0.map { $0.map(\.shortened) } }
      self.curves = curves
    }
  }

  /// What switching heads off did.
  public struct Ablation: Sendable, Encodable {
    /// A head's change of loss: measured and predicted, each with the ends of its interval.
    public struct Head: Sendable, Encodable {
      /// The layer.
      public var layer: Int
      /// The head in the layer.
      public var head: Int
      /// The measured change.
      public var change: Double
      /// The ends of its interval.
      public var interval: [Double]?
      /// What the level predicts.
      public var prediction: Double

      /// A head's change.
      public init(layer: Int, head: Int, change: Double, interval: (low: Double, high: Double)?, prediction: Double) {
        self.layer = layer
        self.head = head
        self.change = change.shortened
        self.interval = interval.map { [$0.low.shortened, $0.high.shortened] }
        self.prediction = prediction.shortened
      }
    }

    /// What the result is called.
    public var name: String
    /// What was measured, in a few words.
    public var about: String
    /// The heads.
    public var heads: [Head]

    /// An ablation.
    public init(name: String, about: String, heads: [Head]) {
      self.name = name
      self.about = about
      self.heads = heads
    }
  }

  /// Colours of values, as the script knows them.
  struct Scale: Sendable, Encodable {
    var kind: String
    var least: Double
    var greatest: Double
    var steps = ColorScale.steps

    init(_ scale: ColorScale) {
      kind = scale.kind.rawValue
      (least, greatest) = (scale.least, scale.greatest)
    }
  }

  /// What a reader chooses from first.
  public var rows: [Row]
  /// What switching heads off did.
  public var ablations: [Ablation]

  /// What a page goes through.
  public init(rows: [Row], ablations: [Ablation] = []) {
    self.rows = rows
    self.ablations = ablations
  }

  /// Whether there is anything to choose.
  public var isEmpty: Bool { rows.isEmpty }
}

extension Double {
  /// The number to four significant digits: a page has many, and shows no more.
  fileprivate var shortened: Double {
    guard isFinite, self != 0 else { return isFinite ? 0 : self }
    let power = 3 - Int(log10(magnitude).rounded(.down))
    // Powers of ten are exact up to here, and so their quotients are the nearest numbers.
    guard (-22...22).contains(power) else { return self }
    let scale = pow(10, Double(abs(power)))
    return power < 0 ? (self / scale).rounded() * scale : (self * scale).rounded() / scale
  }
}

extension Double? {
  fileprivate var shortened: Double? { flatMap { $0.isFinite ? $0.shortened : nil } }
}
