import Ground
import Foundation
import StrictJSON
import Torch

/// Rotary positions: how far each pair of values of a head is rotated at each place.
struct RotaryEmbedding: Sendable, Hashable {
  /// How the frequencies are stretched for contexts longer than those of pretraining.
  enum Scaling: Sendable, Hashable {
    case none
    /// All frequencies divided by a factor.
    case linear(factor: Double)
    /// Llama 3.1: low frequencies divided by a factor, high ones kept, those between blended.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalPositions: Double)
    /// The base grows with a sample longer than the model was made for ("dynamic NTK").
    case dynamic(factor: Double, originalPositions: Double)
    /// LongRoPE: each pair's frequency divided by a number of its own, another one in a sample longer than the model was pretrained for; cosines and
    /// sines are `amplitude` times as large.
    case long(short: [Float], long: [Float], amplitude: Double, originalPositions: Double)
  }

  /// How a configuration class spells what rotary positions need, and what it means by leaving it out.
  struct Keys {
    /// The key of θ beside the object that describes the positions.
    var theta = "rope_theta"
    /// θ where neither says it.
    var defaultTheta = 10_000.0
    /// The key of the share of a head's values that is rotated; nil where all are.
    var share: String?
    /// That share where no key says it.
    var defaultShare = 1.0
    /// The key beside that object that says the length of pretraining and counts more than the one in it; nil where none does.
    var originalPositions: String? = "original_max_position_embeddings"
    /// Older names of scalings.
    var olderTypes: [String: String] = [:]
  }

  let theta: Double
  /// How many values of each head are rotated, from the first on.
  let dimension: Int
  let scaling: Scaling
  /// Rotation per place for each pair of values without scaling, `[dimension / 2]`, in float32 as transformers rounds it.
  private let unscaled: [Float]

  /// Reads both spellings: `rope_theta` with `rope_scaling`, and `rope_parameters`.
  init(_ configuration: ModelConfiguration, headDimension: Int, maximumPositions: Int, keys: Keys = Keys()) throws {
    let section = try RotaryEmbedding.section(of: configuration)
    if let nested = section.flatMap({ RotaryEmbedding.nested(in: $0).first }) {
      throw configuration.unsupported("rotary positions that differ between layers ('\(nested)' in rope_parameters)")
    }
    try self.init(section, configuration, headDimension: headDimension, maximumPositions: maximumPositions, keys: keys)
  }

  /// Reads the object that describes the positions, and what stands beside it; nil where there is no such object.
  init(
    _ section: ModelConfiguration?, _ configuration: ModelConfiguration, headDimension: Int, maximumPositions: Int, keys: Keys = Keys()
  ) throws {
    let stated = try section?.optionalDouble("partial_rotary_factor")
    if keys.share == nil, let stated, stated != 1 {
      throw configuration.unsupported("rotary positions on a part of each head (partial_rotary_factor \(stated))")
    }
    let share = try stated ?? keys.share.flatMap { try configuration.optionalDouble($0) } ?? keys.defaultShare
    guard share > 0, share <= 1 else { throw configuration.wrong(keys.share ?? "partial_rotary_factor", "above 0 and at most 1") }
    let dimension = Int(Double(headDimension) * share)
    guard dimension > 0, dimension.isMultiple(of: 2) else {
      throw share == 1
        ? configuration.wrong("head_dim", "even, for rotary positions")
        : configuration.unsupported("rotary positions on \(dimension) of a head's \(headDimension) values, which is not an even number")
    }
    self.dimension = dimension
    theta = try section?.optionalDouble("rope_theta") ?? configuration.optionalDouble(keys.theta) ?? keys.defaultTheta
    guard theta > 0 else { throw configuration.wrong(keys.theta, "positive") }
    unscaled = try Tensor.rotaryFrequencies(base: theta, dimension: dimension).floats()
    guard let section else {
      scaling = .none
      return
    }
    func factor() throws -> Double {
      let value = try section.double("factor")
      guard value >= 1 else { throw section.wrong("factor", "at least 1") }
      return value
    }
    func originalPositions() throws -> Double {
      let positions =
        try keys.originalPositions.flatMap(configuration.optionalDouble) ?? section.optionalDouble("original_max_position_embeddings")
        ?? Double(maximumPositions)
      guard positions > 0 else { throw section.wrong("original_max_position_embeddings", "positive") }
      return positions
    }
    let type = try RotaryEmbedding.type(of: section)
    switch keys.olderTypes[type] ?? type {
    case "default": scaling = .none
    case "linear": scaling = .linear(factor: try factor())
    case "dynamic": scaling = .dynamic(factor: try factor(), originalPositions: Double(maximumPositions))
    case "llama3":
      let low = try section.double("low_freq_factor")
      let high = try section.double("high_freq_factor")
      guard high > low, low > 0 else { throw section.wrong("high_freq_factor", "greater than low_freq_factor, and both positive") }
      scaling = .llama3(
        factor: try factor(), lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions: try originalPositions())
    case "longrope":
      let original = try originalPositions()
      func divisors(_ key: String) throws -> [Float] {
        let values = try section.doubles(key)
        guard values.count == dimension / 2, values.allSatisfy({ $0 > 0 }) else {
          throw section.wrong(key, "a list of \(dimension / 2) positive numbers, one for each pair of a head's rotated values")
        }
        return values.map(Float.init)
      }
      let stretch = try section.optionalDouble("factor") ?? Double(maximumPositions) / original
      let usual = stretch <= 1 ? 1 : (1 + log(stretch) / log(original)).squareRoot()
      let amplitude = try section.optionalDouble("attention_factor") ?? usual
      guard amplitude.isFinite, amplitude > 0 else { throw section.wrong("attention_factor", "positive") }
      scaling = .long(
        short: try divisors("short_factor"), long: try divisors("long_factor"), amplitude: amplitude, originalPositions: original)
    case let other: throw configuration.unsupported("rotary scaling '\(other)' (known: default, linear, dynamic, llama3, longrope)")
    }
  }

  /// The object that describes the positions; nil where none does.
  static func section(of configuration: ModelConfiguration) throws -> ModelConfiguration? {
    let sections = try ["rope_parameters", "rope_scaling"].compactMap { key in try configuration.optionalSection(key) }
      .filter { !$0.keys.isEmpty }
    guard sections.count < 2 else {
      // transformers takes rope_scaling and then leaves out the rope_theta of the other.
      throw configuration.unsupported("rotary positions twice (rope_parameters and rope_scaling)")
    }
    return sections.first
  }

  /// The keys of objects in the one that describes the positions: what they are of, where that differs between layers.
  static func nested(in section: ModelConfiguration) -> [String] { section.keys.filter { section.value($0)?.object != nil } }

  private static func type(of section: ModelConfiguration) throws -> String {
    try section.optionalString("rope_type") ?? section.optionalString("type") ?? "default"
  }

  /// The length beyond which a token's rotation depends on how long its sample is; nil where it never does.
  var stretchesBeyond: Int? {
    switch scaling {
    case .dynamic(_, let original), .long(_, _, _, let original): Int(original)
    case .none, .linear, .llama3: nil
    }
  }

  /// The keys of the object that describes the positions which its type does not use.
  static func keysWithoutEffect(in configuration: ModelConfiguration) throws -> [String] {
    guard let section = try section(of: configuration) else { return [] }
    let nested = nested(in: section)
    guard nested.isEmpty else { return try nested.flatMap { try section.optionalSection($0).map(keysWithoutEffect(of:)) ?? [] } }
    return try keysWithoutEffect(of: section)
  }

  private static func keysWithoutEffect(of section: ModelConfiguration) throws -> [String] {
    var used = ["rope_type", "type", "rope_theta", "partial_rotary_factor"]
    switch try type(of: section) {
    case "linear", "dynamic": used += ["factor"]
    case "llama3": used += ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"]
    case "default": break
    default: used += ["factor", "short_factor", "long_factor", "attention_factor", "original_max_position_embeddings"]
    }
    return section.keys.filter { !used.contains($0) }
  }

  /// Rotation per place for each pair of values, `[dimension / 2]`, rounded to float32 where transformers rounds.
  ///
  /// - Parameter length: the sample's length, which some scalings depend on.
  func frequencies(length: Int) throws -> [Float] {
    var frequencies = unscaled
    if case .dynamic(let factor, let original) = scaling, Double(length) > original {
      let base = theta * pow(factor * Double(length) / original - (factor - 1), Double(dimension) / Double(dimension - 2))
      frequencies = try Tensor.rotaryFrequencies(base: base, dimension: dimension).floats()
    }
    return frequencies.enumerated().map { pair, plain in
      switch scaling {
      case .none, .dynamic: return plain
      case .long(let short, let long, _, let original): return plain / (Double(length) > original ? long : short)[pair]
      case .linear(let factor): return plain / Float(factor)
      case .llama3(let factor, let low, let high, let original):
        let wavelength = 2 * Float.pi / plain
        if wavelength > Float(original / low) { return plain / Float(factor) }
        if wavelength < Float(original / high) { return plain }
        let smooth = (Float(original) / wavelength - Float(low)) / Float(high - low)
        return (1 - smooth) * plain / Float(factor) + smooth * plain
      }
    }
  }

  /// Cosines and sines `[T, dimension / 2]` of the tokens' places, computed in float32.
  ///
  /// - Parameter bounds: of the samples; a sample's length is its last place plus one, so cached keys count.
  func tables(positions: [Int], bounds: [Int], on device: Device) throws -> (cosine: Tensor, sine: Tensor) {
    let half = dimension / 2
    var frequencies = try Tensor(frequencies(length: 0), shape: [half])
    if stretchesBeyond != nil {
      // Each sample is stretched by its own length, so that it does not depend on what it is packed with.
      var rows: [Float] = []
      for sample in 0..<max(0, bounds.count - 1) where bounds[sample] < bounds[sample + 1] {
        let own = try self.frequencies(length: positions[bounds[sample + 1] - 1] + 1)
        for _ in bounds[sample]..<bounds[sample + 1] { rows += own }
      }
      frequencies = try Tensor(rows, shape: [positions.count, half])
    }
    var (cosine, sine) = try Tensor(positions).rotaryTables(frequencies: frequencies)
    if case .long(_, _, let amplitude, _) = scaling { (cosine, sine) = (try cosine * amplitude, try sine * amplitude) }
    return (try cosine.moved(to: device), try sine.moved(to: device))
  }
}

extension ForwardPass {
  /// Makes the tables of rotary positions: for each layer those of its embedding, or none where it tells no positions.
  mutating func prepareRotations(_ layers: [RotaryEmbedding?]) throws {
    // One or two kinds, which are told apart faster by comparing than by hashing.
    var made: [(embedding: RotaryEmbedding, tables: (cosine: Tensor, sine: Tensor))] = []
    rotations = try layers.map { embedding in
      guard let embedding else { return nil }
      if let known = made.first(where: { $0.embedding == embedding }) { return known.tables }
      let tables = try embedding.tables(positions: positions, bounds: bounds.queries, on: tokens.device)
      made.append((embedding, tables))
      return tables
    }
  }

  /// Queries or keys `[T, heads, D]` of a layer, rotated by their places where it tells positions so.
  /// - Throws: `ModelError` where the pass was not begun.
  func rotated(_ x: Tensor, layer: Int) throws -> Tensor {
    guard rotations.indices.contains(layer) else {
      throw ModelError("a pass was given to a layer before it was begun; call the decoder's begin first")
    }
    guard let rotation = rotations[layer] else { return x }
    return try x.rotated(cosine: rotation.cosine, sine: rotation.sine)
  }
}
