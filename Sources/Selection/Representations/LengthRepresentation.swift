public import Instructions

/// The length of what a sample teaches, in Unicode characters of all texts that carry loss, the longest first. No target is looked at: a baseline that is
/// hard to beat (Zhao et al. 2024).
public struct LengthRepresentation: TextRepresentation {
  /// `length` in settings.
  public let name = "length"
  /// A text is as long whatever it is for.
  public let hasTarget = false

  /// The representation.
  public init() {}

  /// Lengths in Unicode characters, as scores.
  public func likeness(
    target: [Instruction], pool: ((Instruction) throws -> Void) throws -> Void, view: TargetView, _ options: RepresentationOptions
  ) throws -> any Likeness {
    var lengths: [Double] = []
    try pool { instruction in
      lengths.append(Double(instruction.pieces.reduce(0) { $1.carriesLoss ? $0 + $1.text.unicodeScalars.count : $0 }))
    }
    return GivenLikeness(values: lengths, targetNames: ["length"])
  }
}
