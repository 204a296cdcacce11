/// Qwen 2 and 2.5 (Yang et al. 2024): biases on queries, keys and values; a sliding window in the upper layers where the configuration uses one.
enum Qwen2 {
  static let architecture = Architecture(names: ["Qwen2ForCausalLM"], modelTypes: ["qwen2"]) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    plan.queryKeyValueBias = true
    plan.windows = try qwenWindows(configuration, layers: plan.shape.layers)
    return try RotaryTransformer(plan, weights, name: name)
  }
}

/// Qwen 3 (Yang et al. 2025): each head's queries and keys are normalised before they are rotated.
enum Qwen3 {
  static let architecture = Architecture(names: ["Qwen3ForCausalLM"], modelTypes: ["qwen3"]) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let attentionBias = try configuration.boolean("attention_bias", default: false)
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    plan.normalizesHeads = true
    plan.windows = try qwenWindows(configuration, layers: plan.shape.layers)
    return try RotaryTransformer(plan, weights, name: name)
  }
}

/// For each layer its window: by `layer_types` where the configuration lists them, else from `max_window_layers` on.
private func qwenWindows(_ configuration: Configuration, layers: Int) throws -> [Int?] {
  guard try configuration.boolean("use_sliding_window", default: false), let window = try configuration.optionalInteger("sliding_window")
  else {
    return Array(repeating: nil, count: layers)
  }
  if let types = try configuration.optionalStrings("layer_types") {
    guard types.count == layers else { throw configuration.wrong("layer_types", "a list of \(layers) entries, one for each layer") }
    return try types.map { type in
      switch type {
      case "full_attention": nil
      case "sliding_attention": window
      default: throw configuration.unsupported("layers of type '\(type)'")
      }
    }
  }
  let first = try configuration.optionalInteger("max_window_layers") ?? layers
  return (0..<layers).map { $0 >= first ? window : nil }
}
