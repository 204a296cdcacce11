public import ActivationPatterns
import Foundation
public import Ground
import Reports

/// Draws patterns or changes as heat maps of layers × heads, side by side on one scale.
public struct HeatMapRun: Run, RecordedSettings {
  /// `headway heatmap` and the keys of its record.
  public static let form: SettingsForm<HeatMapRun> = SettingsForm(
    "heatmap", HeatMapRun([], out: ""),
    [
      .files("files", \.files), .output("out", \.out), .setting("title", \.title), .setting("score", \.score), .setting("mixed", \.mixed),
      .flag("overwrite", \.overwrite), .setting("full_scale", \.fullScale),
    ])

  /// The files; of a training run's tracked patterns at most `mostSteps` steps are drawn, evenly spread.
  public var files: [PatternSource]
  /// Where the picture goes: `.svg`.
  public var out: String
  /// A title above the maps.
  public var title: String?
  /// Whether the colours reach to the most extreme head, also where it leaves the others pale.
  public var fullScale = false
  /// The score to look at; the first that all files have where nil.
  public var score: Score?
  /// Whether to go on where models, scores, kinds of file or measurements differ.
  public var mixed = false
  /// Whether to replace a file that Headway did not write.
  public var overwrite = false

  /// The most steps of one training run in a picture.
  public static let mostSteps = 12

  /// A picture of these files.
  public init(_ files: [PatternSource], out: String) {
    self.files = files
    self.out = out
  }

  /// Refuses a name that does not end in `.svg`.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    guard URL(filePath: out).pathExtension.lowercased() == "svg" else {
      throw SettingsError("\(setting: .output) names a file that ends in .svg, not '\(out)'")
    }
  }

  /// Draws the maps on the scale that all of them share.
  /// - Throws: `PatternError` where the files cannot be put side by side, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> HeatMapResult {
    try validate()
    let target = URL(filePath: out)
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try outputs.claim(file: target, as: .chart)
    try outputs.protect(files.flatMap(\.files))
    monitor.identify(try files.apart.identity())
    var patterns: [(name: String, file: PatternFile)] = []
    for source in files.apart {
      let all = try source.readAll()
      let shown = Self.spread(all, most: Self.mostSteps)
      if shown.count < all.count { monitor.note("\(source.name) has \(all.count) steps, of which \(shown.count) are drawn") }
      patterns += shown.map { ($0.name, $0.file) }
    }
    let comparison = try PatternComparison(patterns, score: score, mixed: mixed)
    let isChange = comparison.files.contains { if case .change = $0 { true } else { false } }
    let scores = Set(comparison.scores).map(\.rawValue).sorted().joined(separator: ", ")
    let kinds = Set(comparison.files.map(\.kind)).sorted().joined(separator: ", ")
    let map = HeatMap(
      panels: zip(comparison.names, comparison.matrices).map { HeatMap.Panel(title: $0, $1) }, title: title ?? "",
      valueName: isChange ? "\(scores), \(kinds)" : scores, isChange: isChange, clipsOutliers: !fullScale)
    try AtomicFile.write(map.svg(), to: target)
    return HeatMapResult(out: out, names: comparison.names, score: scores)
  }

  /// At most `most` of the elements, evenly spread, the first and the last among them.
  static func spread<Element>(_ elements: [Element], most: Int) -> [Element] {
    guard elements.count > most, most > 1 else { return elements }
    return (0..<most).map { elements[$0 * (elements.count - 1) / (most - 1)] }
  }
}

/// What `HeatMapRun` drew.
public struct HeatMapResult: Codable, Sendable, Hashable {
  /// The picture, as the run named it.
  public var out: String
  /// The maps' names, in order.
  public var names: [String]
  /// The score of the maps, or several where they were mixed.
  public var score: String
}

extension HeatMap.Panel {
  /// A map of a pattern's entries; undefined ones are drawn as such.
  package init(title: String, _ matrix: HeadMatrix) {
    self.init(title: title, layers: matrix.layers, heads: matrix.heads, values: matrix.values.map { $0.isNaN ? nil : $0 })
  }
}
