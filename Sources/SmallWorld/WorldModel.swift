import CheckpointFiles
public import Foundation
import Ground
import StrictJSON

/// The Llama of a small world: its shape, and weights drawn by a seed.
public struct WorldModel: Sendable, Hashable {
  /// The layers.
  public var layers: Int
  /// The query heads of a layer, as many as key/value heads.
  public var heads: Int
  /// The width of a head.
  public var headWidth: Int
  /// The width of the feed-forward network.
  public var feedForward: Int

  /// 4 layers of 8 heads, 0.8 million parameters.
  public static let standard = WorldModel(layers: 4, heads: 8, headWidth: 16, feedForward: 344)
  /// 2 layers of 4 heads, 38 thousand parameters, for tests.
  public static let tiny = WorldModel(layers: 2, heads: 4, headWidth: 8, feedForward: 64)

  /// The most tokens of a text.
  static let positions = 256
  private var width: Int { heads * headWidth }

  /// `config.json`.
  var configuration: JSONValue {
    [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32", "hidden_act": "silu",
      "hidden_size": .int(width), "intermediate_size": .int(feedForward), "num_hidden_layers": .int(layers),
      "num_attention_heads": .int(heads), "num_key_value_heads": .int(heads), "head_dim": .int(headWidth),
      "max_position_embeddings": .int(Self.positions), "rms_norm_eps": 1e-5,
      "rope_parameters": ["rope_type": "default", "rope_theta": 10000.0], "rope_theta": 10000.0,
      "attention_bias": false, "mlp_bias": false, "attention_dropout": 0.0, "initializer_range": .double(Self.spread),
      "tie_word_embeddings": true, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
      "vocab_size": .int(WorldTokenizer.vocabularySize),
    ]
  }

  /// The standard deviation of matrices before any training.
  private static let spread = 0.02

  /// Names and shapes of the weights, as Hugging Face has them; norms have one dimension.
  private var parameters: [(name: String, shape: [Int])] {
    var all: [(String, [Int])] = [("model.embed_tokens.weight", [WorldTokenizer.vocabularySize, width])]
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)"
      all.append(("\(prefix).input_layernorm.weight", [width]))
      for name in ["q_proj", "k_proj", "v_proj", "o_proj"] { all.append(("\(prefix).self_attn.\(name).weight", [width, width])) }
      all.append(("\(prefix).post_attention_layernorm.weight", [width]))
      for name in ["gate_proj", "up_proj"] { all.append(("\(prefix).mlp.\(name).weight", [feedForward, width])) }
      all.append(("\(prefix).mlp.down_proj.weight", [width, feedForward]))
    }
    return all + [("model.norm.weight", [width])]
  }

  /// Writes a Hugging Face folder: configuration, tokenizer and random weights.
  /// - Parameters:
  ///   - folder: must exist.
  ///   - seed: gives the weights.
  /// - Throws: `FileError`.
  public func write(to folder: URL, seed: UInt64) throws {
    func write(_ document: JSONValue, _ name: String) throws {
      try AtomicFile.write(Data((document.jsonText + "\n").utf8), to: folder.appending(path: name))
    }
    try write(configuration, "config.json")
    try write(["bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2], "generation_config.json")
    try write(WorldTokenizer.document, "tokenizer.json")
    try write(WorldTokenizer.settings(positions: Self.positions), "tokenizer_config.json")
    let sources = parameters.map { name, shape in
      var generator = SeededGenerator(seed: seed, stream: "small world weights \(name)")
      let count = shape.reduce(1, *)
      let values =
        shape.count == 1 ? [Float](repeating: 1, count: count) : (0..<count).map { _ in Float(Self.spread * generator.nearlyNormal()) }
      return SafetensorsWriter.Source(name: name, shape: shape, floats: values)
    }
    try SafetensorsWriter.write(sources, metadata: ["format": "pt"], to: folder.appending(path: "model.safetensors"))
  }
}

extension SeededGenerator {
  /// A number of mean 0 and variance 1, nearly normal: the sum of twelve uniform ones less six (Irwin and Hall). Sums are the same on every platform,
  /// where logarithms and cosines differ in their last digit.
  fileprivate mutating func nearlyNormal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
}
