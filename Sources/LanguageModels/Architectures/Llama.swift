import StrictJSON

/// Llama, Llama 2 and Llama 3 (Touvron et al. 2023; Dubey et al. 2024), as `LlamaForCausalLM` publishes them.
enum Llama {
  static let architecture = Architecture(names: ["LlamaForCausalLM"], modelTypes: ["llama"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    plan.feedForwardBias = try configuration.boolean("mlp_bias")
    return try RotaryTransformer(plan, weights, name: name)
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 32000), .used("hidden_size", 4096), .used("intermediate_size", 11008), .used("num_hidden_layers", 32),
      .used("num_attention_heads", 32), .used("num_key_value_heads"), .used("head_dim"), .used("hidden_act", "silu"),
      .used("max_position_embeddings", 2048), .used("rms_norm_eps", 1e-6), .used("tie_word_embeddings", false),
      .used("attention_bias", false),
      .used("mlp_bias", false), .used("eos_token_id", 2, orNull: true),
      .withoutEffect("bos_token_id", 1), .withoutEffect("pad_token_id"), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("pretraining_tp", 1), .withoutEffect("attention_dropout", 0.0),
    ] + ConfigurationKey.rotary
}
