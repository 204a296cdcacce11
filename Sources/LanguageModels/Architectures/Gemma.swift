import StrictJSON

/// Gemma (Mesnard et al. 2024): embeddings scaled by √hidden, normalisation weights stored as weight − 1, GELU gates, heads wider than hidden / heads.
enum Gemma {
  static let architecture = Architecture(names: ["GemmaForCausalLM"], modelTypes: ["gemma"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration, activation: activation(configuration))
    plan.normOffset = 1
    plan.embeddingScale = Double(plan.shape.hiddenSize).squareRoot()
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    return try RotaryTransformer(plan, weights, name: name)
  }

  /// The first releases say `hidden_act: gelu` and mean its tanh form. Some versions of transformers let `hidden_activation` overrule it and
  /// later ones do not know that key, so it is refused where the two differ.
  private static func activation(_ configuration: ModelConfiguration) throws -> String {
    let stated = try configuration.string("hidden_act")
    let name = stated == "gelu" ? "gelu_pytorch_tanh" : stated
    if let other = try configuration.optionalString("hidden_activation"), other != name {
      throw configuration.wrong("hidden_activation", "'\(name)', which hidden_act means, or missing")
    }
    return name
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 256000), .used("hidden_size", 3072), .used("intermediate_size", 24576), .used("num_hidden_layers", 28),
      .used("num_attention_heads", 16), .used("num_key_value_heads", 16), .used("head_dim", 256), .used("hidden_act", "gelu_pytorch_tanh"),
      .used("hidden_activation"), .used("max_position_embeddings", 8192), .used("rms_norm_eps", 1e-6), .used("tie_word_embeddings", true),
      .used("attention_bias", false), .used("eos_token_id", 1, orNull: true),
      .withoutEffect("bos_token_id", 2), .withoutEffect("pad_token_id", 0), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0),
    ] + ConfigurationKey.rotary
}
