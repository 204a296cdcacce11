import StrictJSON

/// One key of a `config.json`: what Headway does with it, and what a missing one means.
///
/// Every architecture lists the keys of its configuration class in transformers (5.23), so that none is read over: a key has an effect here if
/// it has one there, or is refused. What the model code there does with each was measured (scripts/goldens/configurations.py), and a test holds
/// the lists against it. A key that no list names is passed over, and the user is told.
struct ConfigurationKey: Sendable {
  /// What becomes of a key.
  enum Use: Sendable, Hashable {
    /// It is read where the decoder is built or samples are encoded.
    case used
    /// It concerns training, generation, Python or speed; what a model computes is the same whatever it says.
    case withoutEffect
    /// It is refused unless it has one of these values, with which nothing changes; the text says what it asks for.
    case refused(unless: [JSONValue], asksFor: String)
  }

  /// The key.
  let name: String
  /// What a missing key means: the default of the class in transformers.
  let fallback: JSONValue
  /// What becomes of it.
  let use: Use
  /// Whether null means something else than a missing key, such as no window; otherwise it is an error where a missing key means a value.
  var allowsNull = false

  /// A key that is read.
  static func used(_ name: String, _ fallback: JSONValue = .null, orNull allowsNull: Bool = false) -> ConfigurationKey {
    ConfigurationKey(name: name, fallback: fallback, use: .used, allowsNull: allowsNull)
  }

  /// A key that makes no difference to what a model computes.
  static func withoutEffect(_ name: String, _ fallback: JSONValue = .null) -> ConfigurationKey {
    ConfigurationKey(name: name, fallback: fallback, use: .withoutEffect)
  }

  /// A key that is refused unless it is missing, null where that is allowed, or one of these values.
  static func refused(
    _ name: String, _ fallback: JSONValue = .null, orNull allowsNull: Bool = false, unless harmless: [JSONValue], _ asksFor: String
  ) -> ConfigurationKey {
    ConfigurationKey(name: name, fallback: fallback, use: .refused(unless: harmless, asksFor: asksFor), allowsNull: allowsNull)
  }

  /// What every configuration may hold besides its own class's keys.
  static let shared: [ConfigurationKey] =
    [
      .used("architectures"), .used("model_type"),
      .used("layer_types"),
      // The weights' files say their type themselves.
      .withoutEffect("dtype"), .withoutEffect("torch_dtype"),
      .refused("quantization_config", unless: [], "quantised weights (quantization_config)"),
      .refused("per_layer_config", unless: [.object([:])], "layers of different shapes (per_layer_config)"),
      .refused("is_causal", unless: [true], "attention to later tokens (is_causal false)"),
      .refused("use_bidirectional_attention", unless: [false], "attention to later tokens (use_bidirectional_attention)"),
      .refused("transformers_weights", unless: [], "weights in a file of another name (transformers_weights)"),
    ] + withoutEffect.map { .withoutEffect($0) } + generation.map { .withoutEffect($0) }

  /// Keys of rotary positions (`RotaryEmbedding`), which every architecture that has them shares.
  static let rotary =
    wholeHeadRotary + [.used("rope_theta"), .used("original_max_position_embeddings")]

  /// Those of them that do not differ between the architectures whose heads are rotated whole.
  static let wholeHeadRotary: [ConfigurationKey] = [
    .used("rope_parameters"), .used("rope_scaling"),
    .refused("partial_rotary_factor", unless: [1], "rotary positions on a part of each head (partial_rotary_factor)"),
  ]

  /// Keys of the base class, and those that transformers wrote into every file at some time.
  private static let withoutEffect = [
    "transformers_version", "output_hidden_states", "output_attentions", "return_dict", "chunk_size_feed_forward", "is_encoder_decoder",
    "id2label", "label2id", "num_labels", "problem_type", "name_or_path", "_name_or_path", "_commit_hash", "attn_implementation",
    "_attn_implementation_autoset", "experts_implementation", "gradient_checkpointing", "tie_last_hidden_states", "auto_map",
    "tokenizer_class", "prefix",
  ]

  /// Settings of generation that old files hold; transformers drops them, too.
  private static let generation = [
    "assistant_confidence_threshold", "assistant_lookbehind", "bad_words_ids", "begin_suppress_tokens", "diversity_penalty", "do_sample",
    "early_stopping", "encoder_no_repeat_ngram_size", "encoder_repetition_penalty", "epsilon_cutoff", "eta_cutoff",
    "exponential_decay_length_penalty", "forced_bos_token_id", "forced_eos_token_id", "length_penalty", "max_length", "min_length",
    "no_repeat_ngram_size", "num_assistant_tokens", "num_assistant_tokens_schedule", "num_beam_groups", "num_beams", "num_return_sequences",
    "output_scores", "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "suppress_tokens", "target_lookbehind",
    "temperature", "top_k", "top_p", "typical_p", "use_cache",
  ]
}

extension ModelConfiguration {
  /// The configuration as an architecture understands it: missing keys have their defaults, and keys that it does not know are left out.
  ///
  /// - Parameter keys: those that the architecture knows; where two have one name, the first counts.
  /// - Returns: the configuration, and the keys of the file that are passed over.
  /// - Throws: `ModelError` for a value that Headway does not compute.
  func understood(by keys: [ConfigurationKey]) throws -> (configuration: ModelConfiguration, passedOver: [String]) {
    var known: [String: JSONValue] = [:]
    for key in keys where known[key.name] == nil {
      let value = value(key.name) ?? key.fallback
      if case .refused(let harmless, let asksFor) = key.use, value != .null, !harmless.contains(where: { $0.equals(value) }) {
        throw unsupported(asksFor)
      }
      if key.use != .withoutEffect, value == .null, key.fallback != .null, !key.allowsNull { throw wrong(key.name, "given, not null") }
      known[key.name] = value
    }
    return (replacing(values: known), self.keys.filter { known[$0] == nil })
  }
}

extension JSONValue {
  /// Whether two values say the same: 1 and 1.0 do.
  fileprivate func equals(_ other: JSONValue) -> Bool {
    if let first = double, let second = other.double { return first == second }
    return self == other
  }
}
