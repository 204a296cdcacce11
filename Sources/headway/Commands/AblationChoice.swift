import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import LanguageModels
import Probing

/// What is switched off by itself: a head, or a whole layer.
struct AblationItem: Hashable {
  var layer: Int
  /// Nil for all heads of the layer.
  var head: Int?

  /// `layer:head`, or `layer 3`.
  var name: String { head.map { "\(layer):\($0)" } ?? "layer \(layer)" }

  /// The heads.
  func set(of shape: DecoderShape) -> HeadSet {
    head.map { HeadSet([HeadPlace(layer: layer, head: $0)]) } ?? HeadSet(layer: layer, of: shape)
  }

  /// Every item of its kind.
  func peers(in shape: DecoderShape) -> [AblationItem] {
    head == nil
      ? (0..<shape.layers).map { AblationItem(layer: $0) } : HeadPlace.all(of: shape).map { AblationItem(layer: $0.layer, head: $0.head) }
  }
}

/// Which heads `headway ablate` switches off: one of these options.
struct AblationChoice: ParsableArguments {
  @Option(help: ArgumentHelp("Switch these heads off, LAYER:HEAD joined by commas, counted from 0.", valueName: "12:7,3:0"))
  var heads: String?

  @Option(help: ArgumentHelp("Switch off the heads with the greatest mean magnitude.", valueName: "n"))
  var strongest: Int?

  @Option(help: ArgumentHelp("Switch off heads drawn by --seed.", valueName: "n"))
  var random: Int?

  @Flag(help: "Switch off every head, one by one.")
  var all = false

  @Option(help: ArgumentHelp("Switch off whole layers, joined by commas, or all of them one by one.", valueName: "3,5|all"))
  var layers: String?

  @Option(help: ArgumentHelp("Take the magnitudes for --strongest from this pattern file, not from the data at hand.", valueName: "file"))
  var pattern: String?

  @Option(help: ArgumentHelp("Seeds --random, the random orders of --cumulative, and resamples.", valueName: "n"))
  var seed: UInt64 = 0

  func validate() throws {
    let given = [heads != nil, strongest != nil, random != nil, all, layers != nil].count { $0 }
    guard given == 1 else {
      throw ValidationError(
        "Name what to switch off by one of --heads, --strongest, --random, --all and --layers, not by \(given) of them.")
    }
    if let heads { _ = try Self.parseHeads(heads) }
    if let layers { _ = try Self.parseLayers(layers) }
    for (name, value) in [("--strongest", strongest), ("--random", random)] {
      if let value, value < 1 { throw ValidationError("\(name) takes a number of heads from 1 on, not \(value).") }
    }
    if pattern != nil, strongest == nil, !all {
      throw ValidationError("--pattern ranks heads for --strongest and --all; name one of them.")
    }
  }

  /// The choice in words.
  var text: String {
    if let heads { return "heads \(heads)" }
    if let strongest { return "strongest \(strongest)" }
    if let random { return "random \(random)" }
    return layers.map { "layers \($0)" } ?? "all"
  }

  /// The items in order: as given, strongest first, or as drawn.
  /// - Parameters:
  ///   - magnitudes: mean magnitudes `[L, H]` in row-major order, of the data at hand.
  func items(of shape: DecoderShape, magnitudes: [Double]) throws -> [AblationItem] {
    let every = HeadPlace.all(of: shape).map { AblationItem(layer: $0.layer, head: $0.head) }
    func limited(_ count: Int, _ name: String) throws -> Int {
      guard count <= every.count else { throw CommandError("\(name) \(count) is more than the model's \(every.count) heads") }
      return count
    }
    if let heads {
      let items = try Self.parseHeads(heads)
      for item in items where !every.contains(item) {
        throw CommandError(
          "there is no head \(item.name) in --heads; layers go from 0 to \(shape.layers - 1) and heads from 0 to \(shape.attentionHeads - 1)"
        )
      }
      return items
    }
    if let layers {
      let items = try Self.parseLayers(layers) ?? (0..<shape.layers).map { AblationItem(layer: $0) }
      for item in items where !(0..<shape.layers).contains(item.layer) {
        throw CommandError("there is no \(item.name) in --layers; layers go from 0 to \(shape.layers - 1)")
      }
      return items
    }
    if let random {
      return Array(Self.shuffled(every, seed: seed, stream: "ablate random").prefix(try limited(random, "--random")))
    }
    let ranked = zip(every, try pattern.map { try Self.magnitudes(in: $0, shape) } ?? magnitudes).enumerated()
      .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
    return Array(ranked.prefix(try strongest.map { try limited($0, "--strongest") } ?? ranked.count))
  }

  /// The items in an order that the seed gives.
  static func shuffled(_ items: [AblationItem], seed: UInt64, stream: String) -> [AblationItem] {
    var generator = SeededGenerator(seed: seed, stream: stream)
    return generator.shuffled(items)
  }

  /// The mean magnitudes that a pattern file holds.
  private static func magnitudes(in path: String, _ shape: DecoderShape) throws -> [Double] {
    let file = try PatternFile.read(from: URL(filePath: path))
    guard case .pattern(let pattern) = file else { throw CommandError("\(path) is a change; --pattern takes a pattern file") }
    guard pattern.layers == shape.layers, pattern.heads == shape.attentionHeads else {
      throw CommandError(
        "\(path) has \(pattern.layers) layers × \(pattern.heads) heads, but the model has \(shape.layers) × \(shape.attentionHeads); give a pattern of this model"
      )
    }
    guard let levels = pattern.levels[.magnitude] else {
      throw CommandError("\(path) has no score magnitude, by which heads are ranked; measure it with --score magnitude")
    }
    return levels.mean.values
  }

  private static func parseHeads(_ text: String) throws -> [AblationItem] {
    try distinct("--heads", text) { part in
      let numbers = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard numbers.count == 2, let layer = numbers[0], let head = numbers[1], layer >= 0, head >= 0 else {
        throw ValidationError("--heads takes LAYER:HEAD joined by commas, such as 12:7,3:0, not '\(part)'.")
      }
      return AblationItem(layer: layer, head: head)
    }
  }

  /// Nil for all layers.
  private static func parseLayers(_ text: String) throws -> [AblationItem]? {
    guard text != "all" else { return nil }
    return try distinct("--layers", text) { part in
      guard let layer = Int(part), layer >= 0 else {
        throw ValidationError("--layers takes layers joined by commas, such as 3,5, or all, not '\(part)'.")
      }
      return AblationItem(layer: layer)
    }
  }

  private static func distinct(_ option: String, _ text: String, _ parse: (Substring) throws -> AblationItem) throws -> [AblationItem] {
    let items = try text.split(separator: ",", omittingEmptySubsequences: false).map(parse)
    var seen: Set<AblationItem> = []
    for item in items where !seen.insert(item).inserted { throw ValidationError("\(option) names \(item.name) twice.") }
    return items
  }
}
