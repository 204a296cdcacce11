import Ground
public import Instructions

/// Chance: a number in [0, 1) drawn for each sample, so that every subset of a size is equally likely. The baseline of every other.
public struct RandomRepresentation: TextRepresentation {
  /// `random` in settings.
  public let name = "random"
  /// Chance looks at nothing.
  public let hasTarget = false

  /// The representation.
  public init() {}

  /// The numbers drawn, a sample each, from the seed of the options.
  public func likeness(
    target: [Instruction], pool: ((Instruction) throws -> Void) throws -> Void, view: TargetView, _ options: RepresentationOptions
  ) throws -> any Likeness {
    var generator = SeededGenerator(seed: options.seed, stream: "select random")
    var lots: [Double] = []
    try pool { _ in lots.append(generator.uniform()) }
    return GivenLikeness(values: lots, targetNames: ["random"])
  }
}
