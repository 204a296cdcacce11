import StrictJSON

/// SmolLM 3 (Bakouch et al. 2025): Llama's parts, with every fourth layer telling no positions.
enum SmolLM3 {
  static let architecture = Architecture(names: ["SmolLM3ForCausalLM"], modelTypes: ["smollm3"], keys: keys) {
    configuration, weights, name in
    let rotates = try layersWithPositions(configuration)
    var plan = try RotaryTransformer.Plan(published: configuration, sliding: { !rotates[$0] }) { headDimension, maximumPositions, _ in
      let rotary = try RotaryEmbedding(
        configuration, headDimension: headDimension, maximumPositions: maximumPositions,
        keys: RotaryEmbedding.Keys(defaultTheta: 2_000_000))
      return rotates.map { $0 ? rotary : nil }
    }
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    plan.feedForwardBias = try configuration.boolean("mlp_bias")
    return try RotaryTransformer(plan, weights, name: name)
  }

  /// For each layer whether it tells positions: what `no_rope_layers` says (0 for none, despite its name), else all but every
  /// `no_rope_layer_interval`-th.
  private static func layersWithPositions(_ configuration: ModelConfiguration) throws -> [Bool] {
    let layers = try configuration.size("num_hidden_layers", limit: 4096)
    guard configuration.value("no_rope_layers") != .null else {
      let interval = try configuration.size("no_rope_layer_interval")
      return (1...layers).map { !$0.isMultiple(of: interval) }
    }
    let listed = try configuration.integers("no_rope_layers")
    guard listed.count >= layers else {
      throw configuration.wrong("no_rope_layers", "a list of at least \(layers) numbers, one for each layer")
    }
    return listed.prefix(layers).map { $0 != 0 }
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 128256), .used("hidden_size", 2048), .used("intermediate_size", 11008), .used("num_hidden_layers", 36),
      .used("num_attention_heads", 16), .used("num_key_value_heads", 4, orNull: true), .used("head_dim"), .used("hidden_act", "silu"),
      .used("max_position_embeddings", 32768), .used("rms_norm_eps", 1e-6), .used("tie_word_embeddings", true),
      .used("attention_bias", false), .used("mlp_bias", false), .used("use_sliding_window", false), .used("sliding_window"),
      .used("no_rope_layers"), .used("no_rope_layer_interval", 4), .used("layer_types"), .used("eos_token_id", 128001, orNull: true),
      .withoutEffect("bos_token_id", 128000), .withoutEffect("pad_token_id", 128004), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0), .withoutEffect("max_window_layers"),
      .withoutEffect("pretraining_tp"),
    ] + ConfigurationKey.rotary
}
