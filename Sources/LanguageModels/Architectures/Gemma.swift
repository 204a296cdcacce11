/// Gemma (Mesnard et al. 2024): embeddings scaled by √hidden, normalisation weights stored as weight − 1, GELU gates, heads wider than hidden / heads.
enum Gemma {
  static let architecture = Architecture(names: ["GemmaForCausalLM"], modelTypes: ["gemma"]) { configuration, weights, name in
    // Published configurations say `hidden_act: gelu` and mean the tanh form, which `hidden_activation` names where it is there.
    let activation = try configuration.optionalString("hidden_activation") ?? "gelu_pytorch_tanh"
    var plan = try RotaryTransformer.Plan(published: configuration, activation: activation, tiedByDefault: true)
    plan.normOffset = 1
    plan.embeddingScale = Double(plan.shape.hiddenSize).squareRoot()
    let attentionBias = try configuration.boolean("attention_bias", default: false)
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    return try RotaryTransformer(plan, weights, name: name)
  }
}
