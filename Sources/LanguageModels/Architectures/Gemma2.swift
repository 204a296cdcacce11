import StrictJSON

/// Gemma 2 (Gemma Team 2024): Gemma with normalisations on both ends of each part, a sliding window in every other layer, and caps on the logits of
/// attention and of the vocabulary.
enum Gemma2 {
  static let architecture = Architecture(names: ["Gemma2ForCausalLM"], modelTypes: ["gemma2"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(
      published: configuration, activation: configuration.string("hidden_activation"), sliding: { $0.isMultiple(of: 2) })
    plan.normOffset = 1
    plan.embeddingScale = Double(plan.shape.hiddenSize).squareRoot()
    plan.normalizesOutputs = true
    let scalar = try configuration.size("query_pre_attn_scalar")
    plan.attentionScale = 1 / Double(scalar).squareRoot()
    plan.attentionSoftcap = try configuration.softcap("attn_logit_softcapping")
    plan.logitSoftcap = try configuration.softcap("final_logit_softcapping")
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    return try RotaryTransformer(plan, weights, name: name)
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 256_000), .used("hidden_size", 2304), .used("intermediate_size", 9216), .used("num_hidden_layers", 26),
      .used("num_attention_heads", 8), .used("num_key_value_heads", 4), .used("head_dim", 256),
      .used("hidden_activation", "gelu_pytorch_tanh"), .used("max_position_embeddings", 8192), .used("rms_norm_eps", 1e-6),
      .used("tie_word_embeddings", true), .used("attention_bias", false), .used("query_pre_attn_scalar", 256),
      .used("sliding_window", 4096, orNull: true), .used("layer_types"), .used("eos_token_id", 1, orNull: true),
      .used("attn_logit_softcapping", 50, orNull: true), .used("final_logit_softcapping", 30, orNull: true),
      .withoutEffect("bos_token_id", 2), .withoutEffect("pad_token_id", 0), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0), .withoutEffect("hidden_act"),
      .withoutEffect("cache_implementation"),
    ] + ConfigurationKey.rotary
}
