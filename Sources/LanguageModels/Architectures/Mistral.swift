import StrictJSON

/// Mistral (Jiang et al. 2023): Llama with a sliding window in every layer, of 4,096 keys where the configuration does not say.
enum Mistral {
  static let architecture = Architecture(names: ["MistralForCausalLM"], modelTypes: ["mistral"], keys: keys) {
    configuration, weights, name in
    try RotaryTransformer(RotaryTransformer.Plan(published: configuration), weights, name: name)
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 32000), .used("hidden_size", 4096), .used("intermediate_size", 14336), .used("num_hidden_layers", 32),
      .used("num_attention_heads", 32), .used("num_key_value_heads", 8), .used("head_dim"), .used("hidden_act", "silu"),
      .used("max_position_embeddings", 131072), .used("rms_norm_eps", 1e-6), .used("tie_word_embeddings", false),
      .used("sliding_window", 4096, orNull: true), .used("eos_token_id", 2, orNull: true),
      .withoutEffect("bos_token_id", 1), .withoutEffect("pad_token_id"), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0),
    ] + ConfigurationKey.rotary
}
