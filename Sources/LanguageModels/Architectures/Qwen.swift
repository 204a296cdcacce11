import StrictJSON

/// Qwen 2 and 2.5 (Yang et al. 2024): biases on queries, keys and values; a sliding window in the upper layers where the configuration uses one.
enum Qwen2 {
  static let architecture = Architecture(names: ["Qwen2ForCausalLM"], modelTypes: ["qwen2"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    plan.queryKeyValueBias = true
    return try RotaryTransformer(plan, weights, name: name)
  }

  // The class does not declare head_dim, but the model's code reads it where it is there.
  private static let keys: [ConfigurationKey] = qwenKeys + [.used("head_dim")]
}

/// Qwen 3 (Yang et al. 2025): each head's queries and keys are normalised before they are rotated.
enum Qwen3 {
  static let architecture = Architecture(names: ["Qwen3ForCausalLM"], modelTypes: ["qwen3"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    plan.normalizesHeads = true
    return try RotaryTransformer(plan, weights, name: name)
  }

  private static let keys: [ConfigurationKey] = qwenKeys + [.used("head_dim", 128), .used("attention_bias", false)]
}

/// What the two have in common.
private let qwenKeys: [ConfigurationKey] =
  [
    .used("vocab_size", 151936), .used("hidden_size", 4096), .used("intermediate_size", 22016), .used("num_hidden_layers", 32),
    .used("num_attention_heads", 32), .used("num_key_value_heads", 32, orNull: true), .used("hidden_act", "silu"),
    .used("max_position_embeddings", 32768), .used("rms_norm_eps", 1e-6), .used("tie_word_embeddings", false),
    .used("use_sliding_window", false), .used("sliding_window", 4096, orNull: true), .used("max_window_layers", 28), .used("layer_types"),
    .used("eos_token_id"),
    .withoutEffect("bos_token_id"), .withoutEffect("pad_token_id"), .withoutEffect("initializer_range", 0.02),
    .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0),
  ] + ConfigurationKey.rotary
