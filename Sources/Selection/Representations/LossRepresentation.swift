import ActivationPatterns
import CheckpointFiles
public import Foundation
import Ground

/// The loss of each sample under a model, the greatest first: what the model knows least. No target is looked at. Files of losses and per-sample patterns
/// both have it.
public struct LossRepresentation: FileRepresentation {
  public let name = "loss"
  public let hasTarget = false

  /// The representation.
  public init() {}

  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    var (files, values) = ([SampleFile](), [Double]())
    for url in pool {
      let losses: [Float]
      if try SafetensorsFile(at: url).metadata["headway.kind"] == "pattern" {
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
