import Foundation
import StrictJSON
import Torch

/// Rotary positions: how far each pair of values of a head is rotated at each place.
struct RotaryEmbedding: Sendable {
  /// How the frequencies are stretched for contexts longer than those of pretraining.
  enum Scaling: Sendable, Hashable {
    case none
    /// All frequencies divided by a factor.
    case linear(factor: Double)
    /// Llama 3.1: low frequencies divided by a factor, high ones kept, those between blended.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalPositions: Double)
    /// The base grows with a sample longer than the model was made for ("dynamic NTK").
    case dynamic(factor: Double, originalPositions: Double)
  }

  let theta: Double
  let dimension: Int
  let scaling: Scaling

  /// Reads both spellings: `rope_theta` with `rope_scaling`, and `rope_parameters`.
  init(_ configuration: ModelConfiguration, dimension: Int, maximumPositions: Int) throws {
    guard dimension.isMultiple(of: 2) else { throw configuration.wrong("head_dim", "even, for rotary positions") }
    self.dimension = dimension
    let section = try RotaryEmbedding.section(of: configuration)
    theta = try section?.optionalDouble("rope_theta") ?? configuration.optionalDouble("rope_theta") ?? 10_000
    guard theta > 0 else { throw configuration.wrong("rope_theta", "positive") }
    guard let section else {
      scaling = .none
      return
    }
    if let share = try section.optionalDouble("partial_rotary_factor"), share != 1 {
      throw configuration.unsupported("rotary positions on a part of each head (partial_rotary_factor \(share))")
    }
    func factor() throws -> Double {
      let value = try section.double("factor")
      guard value >= 1 else { throw section.wrong("factor", "at least 1") }
      return value
    }
    switch try RotaryEmbedding.type(of: section) {
    case "default": scaling = .none
    case "linear": scaling = .linear(factor: try factor())
    case "dynamic": scaling = .dynamic(factor: try factor(), originalPositions: Double(maximumPositions))
    case "llama3":
      let low = try section.double("low_freq_factor")
      let high = try section.double("high_freq_factor")
      guard high > low, low > 0 else { throw section.wrong("high_freq_factor", "greater than low_freq_factor, and both positive") }
      // Beside the section it counts more than in it, as in transformers.
      let positions =
        try configuration.optionalDouble("original_max_position_embeddings") ?? section.optionalDouble("original_max_position_embeddings")
        ?? Double(maximumPositions)
      guard positions > 0 else { throw section.wrong("original_max_position_embeddings", "positive") }
      scaling = .llama3(factor: try factor(), lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions: positions)
    case let other: throw configuration.unsupported("rotary scaling '\(other)' (known: default, linear, dynamic, llama3)")
    }
  }

  /// The object that describes the positions; nil where none does.
  private static func section(of configuration: ModelConfiguration) throws -> ModelConfiguration? {
    let sections = try ["rope_parameters", "rope_scaling"].compactMap { key in try configuration.optionalSection(key) }
      .filter { !$0.keys.isEmpty }
    guard sections.count < 2 else {
      // transformers takes rope_scaling and then leaves out the rope_theta of the other.
      throw configuration.unsupported("rotary positions twice (rope_parameters and rope_scaling)")
    }
    guard let section = sections.first else { return nil }
    if let nested = section.keys.first(where: { section.value($0)?.object != nil }) {
      throw configuration.unsupported("rotary positions that differ between layers ('\(nested)' in rope_parameters)")
    }
    return section
  }

  private static func type(of section: ModelConfiguration) throws -> String {
    try section.optionalString("rope_type") ?? section.optionalString("type") ?? "default"
  }

  /// The length beyond which a token's rotation depends on how long its sample is; nil where it never does.
  var stretchesBeyond: Int? {
    if case .dynamic(_, let original) = scaling { Int(original) } else { nil }
  }

  /// The keys of the object that describes the positions which its type does not use.
  static func keysWithoutEffect(in configuration: ModelConfiguration) throws -> [String] {
    guard let section = try section(of: configuration) else { return [] }
    var used = ["rope_type", "type", "rope_theta", "partial_rotary_factor"]
    switch try type(of: section) {
    case "linear", "dynamic": used += ["factor"]
    case "llama3": used += ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"]
    default: break
    }
    return section.keys.filter { !used.contains($0) }
  }

  /// Rotation per place for each pair of values, `[D/2]`, rounded to float32 where transformers rounds.
  ///
  /// - Parameter length: the sample's length, which the dynamic scaling depends on.
  func frequencies(length: Int) throws -> [Float] {
    var base = theta
    if case .dynamic(let factor, let original) = scaling, Double(length) > original {
      base = theta * pow(factor * Double(length) / original - (factor - 1), Double(dimension) / Double(dimension - 2))
    }
    return try Tensor.rotaryFrequencies(base: base, dimension: dimension).floats().map { plain in
      switch scaling {
      case .none, .dynamic: return plain
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

  /// Cosines and sines `[T, D/2]` of the tokens' places, computed in float32.
  ///
  /// - Parameter bounds: of the samples; a sample's length is its last place plus one, so cached keys count.
  func tables(positions: [Int], bounds: [Int], on device: Device) throws -> (cosine: Tensor, sine: Tensor) {
    let half = dimension / 2
    var frequencies = try Tensor(frequencies(length: 0), shape: [half])
    if case .dynamic = scaling {
      // Each sample is stretched by its own length, so that it does not depend on what it is packed with.
      var rows: [Float] = []
      for sample in 0..<max(0, bounds.count - 1) where bounds[sample] < bounds[sample + 1] {
        let own = try self.frequencies(length: positions[bounds[sample + 1] - 1] + 1)
        for _ in bounds[sample]..<bounds[sample + 1] { rows += own }
      }
      frequencies = try Tensor(rows, shape: [positions.count, half])
    }
    let (cosine, sine) = try Tensor(positions).rotaryTables(frequencies: frequencies)
    return (try cosine.moved(to: device), try sine.moved(to: device))
  }
}
