/// Mistral (Jiang et al. 2023): Llama with a sliding window in every layer.
enum Mistral {
  static let architecture = Architecture(names: ["MistralForCausalLM"], modelTypes: ["mistral"]) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let window = try configuration.optionalInteger("sliding_window")
    plan.windows = Array(repeating: window, count: plan.shape.layers)
    return try RotaryTransformer(plan, weights, name: name)
  }
}
