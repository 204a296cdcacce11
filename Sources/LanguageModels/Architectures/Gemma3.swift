import StrictJSON

/// Gemma 3's text models (Kamath et al. 2025): Gemma with normalisations on both ends of each part and of each head's queries and keys, a sliding
/// window in five of six layers, and rotary positions of two bases: one for those layers, another, which may be stretched, for the others.
enum Gemma3 {
  static let architecture = Architecture(names: ["Gemma3ForCausalLM"], modelTypes: ["gemma3_text"], keys: keys) {
    configuration, weights, name in
    let interval = try configuration.size("sliding_window_pattern")
    var plan = try RotaryTransformer.Plan(
      published: configuration, activation: configuration.string("hidden_activation"), sliding: { !($0 + 1).isMultiple(of: interval) }
    ) { headDimension, maximumPositions, windows in
      let (whole, sliding) = try positions(configuration, headDimension: headDimension, maximumPositions: maximumPositions)
      return windows.map { $0 == nil ? whole : sliding }
    }
    plan.normOffset = 1
    plan.embeddingScale = Double(plan.shape.hiddenSize).squareRoot()
    plan.normalizesHeads = true
    plan.normalizesOutputs = true
    let scalar = try configuration.size("query_pre_attn_scalar")
    plan.attentionScale = 1 / Double(scalar).squareRoot()
    plan.logitSoftcap = try configuration.softcap("final_logit_softcapping")
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    return try RotaryTransformer(plan, weights, name: name)
  }

  /// The rotary positions of layers that see everything and of those with a window: `rope_parameters` has an object for each; older files have
  /// `rope_theta` and `rope_scaling` for the first, `rope_local_base_freq` for the others.
  private static func positions(
    _ configuration: ModelConfiguration, headDimension: Int, maximumPositions: Int
  ) throws -> (whole: RotaryEmbedding, sliding: RotaryEmbedding) {
    let section = try RotaryEmbedding.section(of: configuration)
    let (whole, sliding) = (try section?.optionalSection("full_attention"), try section?.optionalSection("sliding_attention"))
    let isOlder = whole == nil && sliding == nil
    if isOlder, try configuration.optionalSection("rope_parameters")?.keys.isEmpty == false {
      throw configuration.unsupported("rotary positions that do not say which layers they are for (rope_parameters)")
    }
    return (
      try RotaryEmbedding(
        isOlder ? section : whole, configuration, headDimension: headDimension, maximumPositions: maximumPositions,
        keys: RotaryEmbedding.Keys(defaultTheta: 1_000_000, originalPositions: nil)),
      try RotaryEmbedding(
        sliding, configuration, headDimension: headDimension, maximumPositions: maximumPositions,
        keys: RotaryEmbedding.Keys(theta: "rope_local_base_freq", originalPositions: nil))
    )
  }

  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 262_208), .used("hidden_size", 2304), .used("intermediate_size", 9216), .used("num_hidden_layers", 26),
      .used("num_attention_heads", 8), .used("num_key_value_heads", 4), .used("head_dim", 256),
      .used("hidden_activation", "gelu_pytorch_tanh"), .used("max_position_embeddings", 131_072), .used("rms_norm_eps", 1e-6),
      .used("tie_word_embeddings", true), .used("attention_bias", false), .used("query_pre_attn_scalar", 256),
      .used("sliding_window", 4096, orNull: true), .used("sliding_window_pattern", 6), .used("layer_types"), .used("rope_theta"),
      .used("rope_local_base_freq"), .used("eos_token_id", 1, orNull: true),
      .refused(
        "use_bidirectional_attention", false, orNull: true, unless: [false], "attention to later tokens (use_bidirectional_attention)"),
      .used("final_logit_softcapping"),
      .withoutEffect("original_max_position_embeddings"), .withoutEffect("attn_logit_softcapping"), .withoutEffect("bos_token_id", 2),
      .withoutEffect("pad_token_id", 0),
      .withoutEffect("initializer_range", 0.02), .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0),
      .withoutEffect("hidden_act"), .withoutEffect("cache_implementation"), .withoutEffect("_sliding_window_pattern"),
    ] + ConfigurationKey.wholeHeadRotary
}
