import ActivationPatterns
public import Foundation
import Ground

/// The loss of each sample under a model, the greatest first: what the model knows least. No target is looked at. Files of losses and per-sample patterns
/// both have it.
public struct LossRepresentation: FileRepresentation {
  /// `loss` in settings.
  public let name = "loss"
  /// A loss is what it is whatever the target.
  public let hasTarget = false

  /// The representation.
  public init() {}

  /// Reads the losses, in nats a label, as scores.
  /// - Throws: `SelectionError` where files are of different models or a loss is not finite.
  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    var (files, values) = ([SampleFile](), [Double]())
    for url in pool {
      let losses: [Float]
      if try SamplePatterns.isPattern(at: url) {
        let pattern = try SamplePatterns(at: url)
        files.append(SampleFile(pattern))
        losses = try pattern.losses()
      } else {
        let file = try RepresentationFile(at: url, holding: .loss)
        files.append(SampleFile(file))
        losses = try (0..<file.sampleCount).flatMap { try file.rows[0].row($0) }
      }
      if let bad = losses.firstIndex(where: { !$0.isFinite }) {
        throw SelectionError("\(url.path(percentEncoded: false)): sample \(bad) has the loss \(losses[bad]); measure it again")
      }
      values += losses.map(Double.init)
    }
    try SampleFile.requireAlike(files)
    return OpenLosses(pool: files, values: values)
  }
}

private struct OpenLosses: OpenRepresentation {
  let pool: [SampleFile]
  let values: [Double]
  var target: SampleFile? { nil }

  func likeness(view: TargetView) throws -> any Likeness { GivenLikeness(values: values, targetNames: ["loss"]) }
}
