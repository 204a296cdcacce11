import StrictJSON

/// Phi-3, Phi-3.5 and Phi-4 (Abdin et al. 2024): one layer for queries, keys and values, one for gates and what they gate; rotary positions that may
/// be stretched pair by pair (LongRoPE) or rotate a part of each head; a sliding window in every layer where there is one.
enum Phi3 {
  static let architecture = Architecture(names: ["Phi3ForCausalLM"], modelTypes: ["phi3"], keys: keys) { configuration, weights, name in
    let layers = try configuration.size("num_hidden_layers", limit: 4096)
    let keys = RotaryEmbedding.Keys(share: "partial_rotary_factor", olderTypes: ["su": "longrope", "yarn": "longrope"])
    var plan = try RotaryTransformer.Plan(
      published: configuration,
      positions: { headDimension, maximumPositions, _ in
        let rotary = try RotaryEmbedding(
          configuration, headDimension: headDimension, maximumPositions: maximumPositions, keys: keys)
        return Array(repeating: rotary, count: layers)
      })
    plan.isFused = true
    plan.shape.stretchingBeginsAnew = true
    return try RotaryTransformer(plan, weights, name: name)
  }

  // The class does not declare head_dim, but the model's code reads it where it is there.
  private static let keys: [ConfigurationKey] = [
    .used("vocab_size", 32064), .used("hidden_size", 3072), .used("intermediate_size", 8192), .used("num_hidden_layers", 32),
    .used("num_attention_heads", 32), .used("num_key_value_heads"), .used("head_dim"), .used("hidden_act", "silu"),
    .used("max_position_embeddings", 4096), .used("original_max_position_embeddings", 4096), .used("rms_norm_eps", 1e-5),
    .used("tie_word_embeddings", false), .used("sliding_window"), .used("rope_parameters"), .used("rope_scaling"), .used("rope_theta"),
    .used("partial_rotary_factor"), .used("eos_token_id", 32000, orNull: true),
    .withoutEffect("bos_token_id", 1), .withoutEffect("pad_token_id", 32000), .withoutEffect("initializer_range", 0.02),
    .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0), .withoutEffect("resid_pdrop", 0.0),
    .withoutEffect("embd_pdrop", 0.0), .withoutEffect("attention_bias"), .withoutEffect("mlp_bias"), .withoutEffect("lm_head_bias"),
    .withoutEffect("full_attn_mod"), .withoutEffect("interpolate_factor"),
  ]
}
