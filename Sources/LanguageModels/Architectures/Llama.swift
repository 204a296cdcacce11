/// Llama, Llama 2 and Llama 3 (Touvron et al. 2023; Dubey et al. 2024), as `LlamaForCausalLM` publishes them.
enum Llama {
  static let architecture = Architecture(names: ["LlamaForCausalLM"], modelTypes: ["llama"]) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let attentionBias = try configuration.boolean("attention_bias", default: false)
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    plan.feedForwardBias = try configuration.boolean("mlp_bias", default: false)
    return try RotaryTransformer(plan, weights, name: name)
  }
}
