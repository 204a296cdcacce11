public import Ground
public import Ranks

/// Whom a run tells how it goes, and whom it asks whether to stop.
public struct RunMonitor: Sendable {
  /// Takes what is good to know.
  public var note: @Sendable (Message) -> Void
  /// Takes what must not be overlooked.
  public var warn: @Sendable (Message) -> Void
  /// Takes how far the run is, after every batch or step.
  public var progress: @Sendable (RunProgress) -> Void
  /// Takes what a run that writes text has written since the last time: the beginning of its result. The run ends with what this throws.
  public var wrote: @Sendable (String) throws -> Void
  /// Takes what makes the run the one it is, once it is known; records keep it.
  public var identify: @Sendable (RunIdentity) -> Void
  /// Asked before every batch or after every step; a run that is told to stop keeps what it found and throws ``RunStopped``.
  public var shouldStop: @Sendable () -> Bool
  /// The processes that do the run together; nil for this one alone.
  public var ranks: RankGroup?

  /// A monitor; what is left out goes nowhere.
  public init(
    note: @escaping @Sendable (Message) -> Void = { _ in }, warn: @escaping @Sendable (Message) -> Void = { _ in },
    progress: @escaping @Sendable (RunProgress) -> Void = { _ in }, wrote: @escaping @Sendable (String) throws -> Void = { _ in },
    identify: @escaping @Sendable (RunIdentity) -> Void = { _ in },
    shouldStop: @escaping @Sendable () -> Bool = { false }
  ) {
    self.note = note
    self.warn = warn
    self.progress = progress
    self.wrote = wrote
    self.identify = identify
    self.shouldStop = shouldStop
  }

  /// Whether this process is the one that writes: the only one, or rank 0.
  var writes: Bool { ranks.writes }

  /// Says what makes the run the one it is, once it is known, and makes sure that all ranks know the same.
  func settle(_ identity: RunIdentity) throws {
    identify(identity)
    try ranks?.agree(on: identity)
  }

  /// Ends the run where this process has done its part of another's.
  func leaveTheRestToTheFirst() throws {
    if !writes { throw RunServed() }
  }

  /// Tells nobody and never stops.
  public static let silent = RunMonitor()
}

/// How far a run is.
public struct RunProgress: Sendable, Hashable {
  /// What is being done, where a run has several parts: `levels`.
  public var stage: String?
  /// Units done.
  public var completed: Int
  /// All units; nil where their number is not known beforehand.
  public var total: Int?
  /// What is counted: `samples`, `steps`.
  public var unit: String
  /// Further figures as text: `loss 2.3410`.
  public var figures: [String]
  /// Tokens a second; nil where none are counted.
  public var tokensPerSecond: Double?
  /// Seconds left at this speed; nil where nobody knows.
  public var secondsLeft: Double?

  /// Progress.
  public init(
    stage: String? = nil, completed: Int, total: Int?, unit: String, figures: [String] = [], tokensPerSecond: Double? = nil,
    secondsLeft: Double? = nil
  ) {
    self.stage = stage
    self.completed = completed
    self.total = total
    self.unit = unit
    self.figures = figures
    self.tokensPerSecond = tokensPerSecond
    self.secondsLeft = secondsLeft
  }
}

/// This process has done its part of a run that rank 0 finishes, and has nothing to show itself.
public struct RunServed: Error, Sendable, Equatable {
  /// There is nothing more to say.
  public init() {}
}

/// The run was asked to stop and did, at a point from which it can go on.
public struct RunStopped: Error, Sendable, Equatable {
  /// How to go on, where the run kept something: as in "the same run with `resume` goes on after step 12".
  public var canResume: Bool
  /// The step after which it goes on; nil where it counts none.
  public var step: Int?

  /// A stop.
  public init(canResume: Bool, step: Int? = nil) {
    self.canResume = canResume
    self.step = step
  }
}
