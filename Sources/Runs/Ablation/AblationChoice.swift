import Foundation
import Ground
import LanguageModels
public import Probing

/// What is switched off by itself: a head, or a whole layer.
public struct AblationItem: Sendable, Hashable {
  /// The layer, counted from 0.
  public var layer: Int
  /// The head in the layer; nil for all heads of the layer.
  public var head: Int?

  /// A head, or a layer.
  public init(layer: Int, head: Int? = nil) {
    self.layer = layer
    self.head = head
  }

  /// `layer:head`, or `layer 3`.
  public var name: String { head.map { "\(layer):\($0)" } ?? "layer \(layer)" }

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

/// Which heads an ablation switches off, one by one.
public enum AblationChoice: Sendable, Hashable {
  /// These heads.
  case heads(HeadList)
  /// The N heads with the greatest mean magnitude.
  case strongest(Int)
  /// N heads drawn by seed.
  case random(Int)
  /// Every head.
  case all
  /// These whole layers.
  case layers(LayerList)

  /// The choice in words.
  public var text: String {
    switch self {
    case .heads(let list): "heads \(list)"
    case .strongest(let count): "strongest \(count)"
    case .random(let count): "random \(count)"
    case .all: "all"
    case .layers(let list): "layers \(list)"
    }
  }

  /// Whether heads are ranked by their magnitude.
  var ranks: Bool {
    switch self {
    case .strongest, .all: true
    case .heads, .random, .layers: false
    }
  }

  func validate() throws {
    switch self {
    case .strongest(let count) where count < 1:
      throw SettingsError("\(setting: .strongest) takes a number of heads from 1 on, not \(count)")
    case .random(let count) where count < 1: throw SettingsError("\(setting: .random) takes a number of heads from 1 on, not \(count)")
    default: break
    }
  }

  /// Refuses what a model of this shape does not have.
  func validate(for shape: DecoderShape) throws {
    let total = shape.layers * shape.attentionHeads
    switch self {
    case .heads(let list):
      for head in list.heads where head.layer >= shape.layers || head.head >= shape.attentionHeads {
        throw RunError(
          "there is no head \(head) in \(setting: .heads); layers go from 0 to \(shape.layers - 1) and heads from 0 to \(shape.attentionHeads - 1)"
        )
      }
    case .layers(let list):
      for layer in list.layers ?? [] where layer >= shape.layers {
        throw RunError("there is no layer \(layer) in \(setting: .layers); layers go from 0 to \(shape.layers - 1)")
      }
    case .strongest(let count) where count > total:
      throw RunError("\(setting: .strongest.set(to: count)) is more than the model's \(total) heads; choose at most that many")
    case .random(let count) where count > total:
      throw RunError("\(setting: .random.set(to: count)) is more than the model's \(total) heads; choose at most that many")
    case .strongest, .random, .all: break
    }
  }

  /// The items in order: as given, strongest first, or as drawn.
  /// - Parameter magnitudes: mean magnitudes `[L, H]` in row-major order, by which heads are ranked.
  func items(of shape: DecoderShape, magnitudes: [Double], seed: UInt64) -> [AblationItem] {
    let every = HeadPlace.all(of: shape).map { AblationItem(layer: $0.layer, head: $0.head) }
    switch self {
    case .heads(let list): return list.heads.map { AblationItem(layer: $0.layer, head: $0.head) }
    case .layers(let list): return (list.layers ?? Array(0..<shape.layers)).map { AblationItem(layer: $0) }
    case .random(let count): return Array(Self.shuffled(every, seed: seed, stream: "ablate random").prefix(count))
    case .strongest, .all:
      let ranked = zip(every, magnitudes).enumerated()
        .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
      if case .strongest(let count) = self { return Array(ranked.prefix(count)) }
      return ranked
    }
  }

  /// The items in an order that the seed gives.
  static func shuffled(_ items: [AblationItem], seed: UInt64, stream: String) -> [AblationItem] {
    var generator = SeededGenerator(seed: seed, stream: stream)
    return generator.shuffled(items)
  }
}

/// Heads by name, such as `12:7,3:0`: LAYER:HEAD counted from 0, joined by commas, each once.
public struct HeadList: Sendable, Hashable, CustomStringConvertible {
  /// The heads in the order in which they were named.
  public let heads: [HeadPlace]

  /// Reads the names.
  /// - Throws: `SettingsError`.
  public init(_ text: String) throws {
    heads = try distinct(text) { part in
      let numbers = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard numbers.count == 2, let layer = numbers[0], let head = numbers[1], layer >= 0, head >= 0 else {
        throw SettingsError("heads are named LAYER:HEAD and joined by commas, such as 12:7,3:0, not '\(part)'")
      }
      return HeadPlace(layer: layer, head: head)
    }
  }

  /// The names, joined by commas.
  public var description: String { heads.map(\.description).joined(separator: ",") }
}

/// Layers by number, such as `3,5`, each once; or `all`.
public struct LayerList: Sendable, Hashable, CustomStringConvertible {
  /// The layers in the order in which they were named; nil for all.
  public let layers: [Int]?

  /// Reads the numbers.
  /// - Throws: `SettingsError`.
  public init(_ text: String) throws {
    guard text != "all" else {
      layers = nil
      return
    }
    layers = try distinct(text) { part in
      guard let layer = Int(part), layer >= 0 else {
        throw SettingsError("layers are numbers joined by commas, such as 3,5, or all, not '\(part)'")
      }
      return layer
    }
  }

  /// The numbers joined by commas, or `all`.
  public var description: String { layers.map { $0.map(String.init).joined(separator: ",") } ?? "all" }
}

private func distinct<Item: Hashable>(_ text: String, _ parse: (Substring) throws -> Item) throws -> [Item] {
  let items = try text.split(separator: ",", omittingEmptySubsequences: false).map(parse)
  var seen: Set<Item> = []
  for item in items where !seen.insert(item).inserted { throw SettingsError("\(item) is named twice; name it once") }
  return items
}

// MARK: - Settings as records have them

extension HeadList: Codable {
  /// Reads the names, joined by commas.
  /// - Throws: `SettingsError` for what is no list.
  public init(from decoder: any Swift.Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

  /// Writes the names, joined by commas.
  public func encode(to encoder: any Swift.Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(description)
  }
}

extension AblationChoice: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case heads, strongest, random, all, layers
  }

  /// The keys of which one says the choice.
  static var names: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// Reads the one key that is not null.
  /// - Throws: `DecodingError` where there is none or more than one, `SettingsError` for heads and layers that are no list.
  public init(from decoder: any Swift.Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let given = try values.allKeys.filter { try !values.decodeNil(forKey: $0) }
    guard given.count == 1, let key = given.first else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "one of heads, strongest, random, all and layers says what is switched off")
      )
    }
    switch key {
    case .heads: self = .heads(try values.decode(HeadList.self, forKey: key))
    case .layers: self = .layers(try LayerList(values.decode(String.self, forKey: key)))
    case .strongest: self = .strongest(try values.decode(Int.self, forKey: key))
    case .random: self = .random(try values.decode(Int.self, forKey: key))
    case .all: self = .all
    }
  }

  /// Writes the choice under the key of its kind.
  public func encode(to encoder: any Swift.Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .heads(let list): try values.encode(list, forKey: .heads)
    case .layers(let list): try values.encode(list.description, forKey: .layers)
    case .strongest(let count): try values.encode(count, forKey: .strongest)
    case .random(let count): try values.encode(count, forKey: .random)
    case .all: try values.encode(true, forKey: .all)
    }
  }
}

extension Setting {
  static let heads = Setting("heads")
  static let strongest = Setting("strongest")
  static let random = Setting("random")
  static let layers = Setting("layers")
  static let pattern = Setting("pattern")
}
