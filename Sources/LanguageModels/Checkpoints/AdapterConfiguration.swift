import Ground

/// `adapter_config.json`, PEFT's description of a folder of low-rank adapters, as far as Headway uses it.
public struct AdapterConfiguration: Sendable, Hashable {
  /// The rank r.
  public var rank: Int
  /// α.
  public var alpha: Double
  /// The dropout rate in training.
  public var dropout: Double
  /// The layers that have adapters, by their names' last parts; nil where they are described in another way, by a pattern or by number.
  public var targets: [String]?
  /// Where the model is that the adapters belong to: a folder, or owner/name.
  public var base: String
  /// Whether the factor is α / √r in place of α / r.
  public var isRankStabilized = false
  /// Whether the layers' weights are stored `[inputs, outputs]`, as GPT-2's are. PEFT stores A and B the same way for both.
  public var isTransposed = false

  /// A configuration of plain LoRA.
  public init(rank: Int, alpha: Double, dropout: Double, targets: [String], base: String) {
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.targets = targets
    self.base = base
  }

  /// The factor on B A.
  public var scale: Double { isRankStabilized ? alpha / Double(rank).squareRoot() : alpha / Double(rank) }

  /// Whether a layer of this name must have an adapter; PEFT matches whole parts from the end.
  func targets(_ layer: String) -> Bool {
    targets?.contains { $0 == "all-linear" || layer == $0 || layer.hasSuffix(".\($0)") } ?? false
  }
}

// MARK: - Reading

extension AdapterConfiguration {
  /// The keys that are read.
  static let usedKeys: Set<String> = [
    "peft_type", "base_model_name_or_path", "revision", "r", "lora_alpha", "lora_dropout", "use_rslora", "bias", "init_lora_weights",
    "target_modules", "exclude_modules", "layers_to_transform",
  ]

  /// The keys of PEFT's configuration that change nothing of what trained adapters of linear layers compute.
  static let harmlessKeys: Set<String> = [
    // What wrote the file, and for what.
    "task_type", "auto_mapping", "peft_version", "inference_mode",
    // How the adapters began; `init_lora_weights` says whether the base model's weights were changed, too.
    "loftq_config", "eva_config", "corda_config", "lora_ga_config",
    // How their gradients were computed.
    "velora_config",
    // Of layers that no decoder of Headway's has, or that another key switches on.
    "fan_in_fan_out", "megatron_config", "megatron_core", "qalora_group_size", "layers_pattern",
    // Of tables, whose adapters `attach` refuses by the names of their tensors.
    "ensure_weight_tying",
  ]

  /// The keys that make adapters compute something else wherever they are set, and what that is.
  static let refusedKeys: KeyValuePairs<String, String> = [
    "use_dora": "DoRA adapters", "rank_pattern": "ranks that differ between layers", "alpha_pattern": "factors that differ between layers",
    "modules_to_save": "modules trained whole", "trainable_token_indices": "tokens trained whole", "lora_bias": "adapters with biases",
    "target_parameters": "adapters of parameters that belong to no linear layer", "layer_replication": "repeated layers",
    "alora_invocation_tokens": "adapters that only some tokens switch on (aLoRA)", "use_qalora": "adapters of pooled inputs (QALoRA)",
    "use_bdlora": "block-diagonal adapters (BD-LoRA)", "arrow_config": "adapters chosen for each token (Arrow)",
    "kasa_config": "adapters between the base model's singular vectors (KaSA)",
    "monteclora_config": "adapters with sampled weights (MonteCLoRA)",
  ]

  /// First values that leave the base model's weights as they are.
  private static let harmlessBeginnings: Set<String> = ["gaussian", "eva", "orthogonal", "mica"]

  /// Reads `adapter_config.json`.
  /// - Returns: the configuration, and what a user should know about keys that are passed over.
  /// - Throws: `ModelError` where a value is wrong or asks for an adapter that Headway does not compute.
  static func read(_ file: ModelConfiguration) throws -> (configuration: AdapterConfiguration, notes: [String]) {
    guard try (file.optionalString("peft_type") ?? "LORA") == "LORA" else { throw file.unsupported("adapters other than LoRA (peft_type)") }
    if let bias = try file.optionalString("bias"), bias != "none" { throw file.unsupported("trained biases (bias '\(bias)')") }
    for (key, what) in refusedKeys where file.isSet(key) { throw file.unsupported("\(what) (\(key))") }
    if let beginning = try? file.optionalString("init_lora_weights"), !harmlessBeginnings.contains(beginning.lowercased()) {
      throw ModelError(
        "\(file.path): adapters that began as '\(beginning)' (init_lora_weights) belong to a base model whose weights were changed with them; save them with PEFT's path_initial_model_for_weight_conversion, or merge them there"
      )
    }
    guard let base = try file.optionalString("base_model_name_or_path") else {
      throw file.wrong("base_model_name_or_path", "the base model")
    }
    var found = AdapterConfiguration(
      rank: try file.size("r", limit: 1 << 16), alpha: try file.double("lora_alpha"), dropout: try file.optionalDouble("lora_dropout") ?? 0,
      targets: [], base: base)
    found.isRankStabilized = try file.boolean("use_rslora", default: false)
    found.targets = try targets(file)
    var notes: [String] = []
    let known = usedKeys.union(harmlessKeys).union(refusedKeys.map(\.key))
    for key in file.keys where !known.contains(key) && file.isSet(key) {
      notes.append("\(file.path): '\(key)' is not a key of PEFT's LoRA that Headway knows, and is passed over")
    }
    if let revision = try file.optionalString("revision"), revision != "main", !revision.isEmpty {
      notes.append("\(file.path) names the revision '\(revision)' of \(base); make sure that it is the one that is read")
    }
    return (found, notes)
  }

  /// The layers that must have adapters; nil where a pattern or numbers of layers choose them.
  private static func targets(_ file: ModelConfiguration) throws -> [String]? {
    guard !file.isSet("layers_to_transform"), !file.isSet("exclude_modules"), file.isSet("target_modules") else { return nil }
    guard let text = try? file.optionalString("target_modules") else { return try file.optionalStrings("target_modules") }
    return text == "all-linear" ? [text] : nil
  }
}

// MARK: - Writing

extension AdapterConfiguration: Encodable {
  private enum CodingKeys: String, CodingKey {
    case bias
    case kind = "peft_type"
    case task = "task_type"
    case base = "base_model_name_or_path"
    case rank = "r"
    case alpha = "lora_alpha"
    case dropout = "lora_dropout"
    case targets = "target_modules"
    case isTransposed = "fan_in_fan_out"
    case isForInference = "inference_mode"
    case isRankStabilized = "use_rslora"
    case isDecomposed = "use_dora"
  }

  /// As PEFT writes it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode("LORA", forKey: .kind)
    try container.encode("CAUSAL_LM", forKey: .task)
    try container.encode(base, forKey: .base)
    try container.encode(rank, forKey: .rank)
    try container.encode(alpha, forKey: .alpha)
    try container.encode(dropout, forKey: .dropout)
    try container.encode(targets, forKey: .targets)
    try container.encode("none", forKey: .bias)
    try container.encode(isTransposed, forKey: .isTransposed)
    try container.encode(true, forKey: .isForInference)
    try container.encode(isRankStabilized, forKey: .isRankStabilized)
    try container.encode(false, forKey: .isDecomposed)
  }
}
