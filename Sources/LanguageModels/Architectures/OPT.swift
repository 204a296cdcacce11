import Ground
import StrictJSON
import Torch

/// OPT (Zhang et al. 2022): learned positions, layer normalisation, feed-forward layers without gates, biases; every size normalises before its
/// parts but 350m, which normalises after them and embeds tokens in fewer dimensions than its layers have.
enum OPT {
  static let architecture = Architecture(names: ["OPTForCausalLM"], modelTypes: ["opt"], keys: keys) { configuration, weights, name in
    // Meta's own files leave out `model.`; transformers writes it.
    let isPublished = weights.contains("decoder.embed_tokens.weight")
    let named = isPublished ? try weights.renamed(by: publishedNames) : weights
    return try OPTDecoder(OPTPlan(configuration), named, name: name)
  }

  /// The decoder's names and those of the published checkpoints.
  static let publishedNames = NameTable(["model.decoder.": "decoder."])

  private static let keys: [ConfigurationKey] = [
    .used("vocab_size", 50272), .used("hidden_size", 768), .used("ffn_dim", 3072), .used("num_hidden_layers", 12),
    .used("num_attention_heads", 12), .used("activation_function", "relu"), .used("max_position_embeddings", 2048),
    .used("do_layer_norm_before", true), .used("_remove_final_layer_norm", false), .used("word_embed_proj_dim"), .used("enable_bias", true),
    .used("layer_norm_elementwise_affine", true), .used("tie_word_embeddings", true), .used("eos_token_id", 2, orNull: true),
    .withoutEffect("bos_token_id", 2), .withoutEffect("pad_token_id", 1), .withoutEffect("init_std", 0.02),
    .withoutEffect("use_cache", true), .withoutEffect("dropout", 0.1), .withoutEffect("attention_dropout", 0.0),
    .withoutEffect("layerdrop", 0.0),
  ]
}

/// What a configuration says of an OPT model.
private struct OPTPlan {
  let shape: DecoderShape
  let intermediateSize: Int
  /// The width of the embeddings, W; projected to the hidden size and back where the two differ.
  let embeddingSize: Int
  let activation: Activation
  let normalizesBefore: Bool
  let hasFinalNorm: Bool
  let hasBiases: Bool
  let normsHaveParameters: Bool
  let tiedEmbeddings: Bool
  /// PyTorch's default, which the configuration does not name.
  let epsilon = 1e-5
  /// The first rows of the table of positions belong to no position.
  let positionOffset = 2

  init(_ configuration: ModelConfiguration) throws {
    let hidden = try configuration.size("hidden_size")
    let heads = try configuration.size("num_attention_heads", limit: 4096)
    guard hidden.isMultiple(of: heads) else { throw configuration.wrong("hidden_size", "a multiple of num_attention_heads \(heads)") }
    shape = DecoderShape(
      layers: try configuration.size("num_hidden_layers", limit: 4096), attentionHeads: heads, keyValueHeads: heads,
      headDimension: hidden / heads, hiddenSize: hidden, vocabularySize: try configuration.size("vocab_size"),
      maximumPositions: try configuration.size("max_position_embeddings"), positionsEnd: true)
    intermediateSize = try configuration.size("ffn_dim")
    embeddingSize = try configuration.optionalInteger("word_embed_proj_dim") == nil ? hidden : configuration.size("word_embed_proj_dim")
    let function = try configuration.string("activation_function")
    guard let activation = Activation(published: function) else { throw configuration.unsupported("the activation '\(function)'") }
    self.activation = activation
    normalizesBefore = try configuration.boolean("do_layer_norm_before")
    hasFinalNorm = try normalizesBefore && !configuration.boolean("_remove_final_layer_norm")
    hasBiases = try configuration.boolean("enable_bias")
    normsHaveParameters = try configuration.boolean("layer_norm_elementwise_affine")
    tiedEmbeddings = try configuration.boolean("tie_word_embeddings")
    try AttentionWindows.requireNone(in: configuration, layers: shape.layers)
  }
}

/// Causal attention with biases, gated by head.
private struct OPTAttention {
  private let index: Int
  private let shape: DecoderShape
  private let query: Linear
  private let key: Linear
  private let value: Linear
  let output: Linear

  init(_ plan: OPTPlan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    let hidden = shape.hiddenSize
    query = try Linear(weights["q_proj"], hidden, hidden, bias: plan.hasBiases)
    key = try Linear(weights["k_proj"], hidden, hidden, bias: plan.hasBiases)
    value = try Linear(weights["v_proj"], hidden, hidden, bias: plan.hasBiases)
    output = try Linear(weights["out_proj"], hidden, hidden, bias: plan.hasBiases)
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    let separate = [-1, shape.attentionHeads, shape.headDimension]  // [T, H, D]
    let projected = try Linear.outputs(query, key, value, of: x).map { try $0.reshaped(separate) }
    return try gatedAttention(
      layer: index, queries: projected[0], keys: projected[1], values: projected[2],
      scale: 1 / Double(shape.headDimension).squareRoot(), window: nil, pass)
  }
}

/// One layer, with its normalisations before its parts or after them.
private struct OPTBlock {
  private let isLast: Bool
  private let normalizesBefore: Bool
  private let attentionNorm: LayerNorm
  private let attention: OPTAttention
  private let feedForwardNorm: LayerNorm
  private let feedForward: FeedForward

  init(_ plan: OPTPlan, index: Int, _ weights: WeightLoader) throws {
    isLast = index == plan.shape.layers - 1
    normalizesBefore = plan.normalizesBefore
    let hidden = plan.shape.hiddenSize
    attention = try OPTAttention(plan, index: index, weights["self_attn"])
    attentionNorm = try LayerNorm(weights["self_attn_layer_norm"], hidden, epsilon: plan.epsilon, parameters: plan.normsHaveParameters)
    feedForward = try FeedForward(
      first: Linear(weights["fc1"], hidden, plan.intermediateSize, bias: plan.hasBiases),
      second: Linear(weights["fc2"], plan.intermediateSize, hidden, bias: plan.hasBiases), activation: plan.activation)
    feedForwardNorm = try LayerNorm(weights["final_layer_norm"], hidden, epsilon: plan.epsilon, parameters: plan.normsHaveParameters)
  }

  func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    var stream = stream
    var heads = try attention.heads(normalizesBefore ? stream.normalized(attentionNorm) : stream.resolved(), pass)
    // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
    if isLast, let rows = pass.rows {
      heads = try heads.selecting(rows)
      try stream.select(rows)
    }
    if normalizesBefore {
      stream.pending = try attention.output(heads)
      stream.pending = try feedForward(stream.normalized(feedForwardNorm))
      return stream
    }
    let attended = try attentionNorm(stream.resolved() + attention.output(heads))
    return ResidualStream(try feedForwardNorm(attended + feedForward(attended)))
  }
}

/// The decoder of OPT.
private final class OPTDecoder: CausalDecoder {
  let shape: DecoderShape
  let parameters: [Parameter]
  private let plan: OPTPlan
  private let tables: VocabularyTables
  private let positions: LearnedPositions
  private let projectIn: Linear?
  private let projectOut: Linear?
  private let blocks: [OPTBlock]
  private let finalNorm: LayerNorm?

  init(_ plan: OPTPlan, _ weights: WeightLoader, name: String) throws {
    self.plan = plan
    shape = plan.shape
    let hidden = shape.hiddenSize
    let width = plan.embeddingSize
    let decoder = weights["model"]["decoder"]
    tables = try VocabularyTables(weights, model: decoder, [shape.vocabularySize, width], tied: plan.tiedEmbeddings)
    positions = try LearnedPositions(
      decoder, "embed_positions.weight", count: shape.maximumPositions, width: hidden, offset: plan.positionOffset)
    projectIn = width == hidden ? nil : try Linear(decoder["project_in"], width, hidden, bias: false)
    blocks = try (0..<shape.layers).map { try OPTBlock(plan, index: $0, decoder["layers.\($0)"]) }
    finalNorm =
      plan.hasFinalNorm
      ? try LayerNorm(decoder["final_layer_norm"], hidden, epsilon: plan.epsilon, parameters: plan.normsHaveParameters) : nil
    projectOut = width == hidden ? nil : try Linear(decoder["project_out"], hidden, width, bias: false)
    // Metaseq's mark of a file's age.
    weights.ignore { $0 == "model.decoder.version" }
    parameters = try weights.finish(model: name)
  }

  var outputProjection: (weight: Tensor, bias: Tensor?) { (tables.head.tensor, nil) }

  func begin(_ pass: inout ForwardPass) throws -> ResidualStream {
    let places = try positions(pass)
    let embedded = try tables.embed(pass.tokens)  // [T, W]
    return ResidualStream(try projectIn?(embedded) ?? embedded, pending: places)
  }

  func layer(_ index: Int, _ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    guard blocks.indices.contains(index) else {
      throw ModelError("there is no layer \(index); the model's layers go from 0 to \(blocks.count - 1)")
    }
    return try blocks[index](stream, pass)
  }

  func finish(_ stream: ResidualStream) throws -> Tensor {
    var stream = stream
    let normed = if let finalNorm { try stream.normalized(finalNorm) } else { try stream.resolved() }
    return try projectOut?(normed) ?? normed
  }
}
