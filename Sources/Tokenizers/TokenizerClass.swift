/// The tokenizer classes of transformers (5.23) that Headway knows. A class decides how the files of a folder are understood.
enum TokenizerClass: Equatable, Sendable {
  /// `TokenizersBackend`, `PreTrainedTokenizerFast`: `tokenizer.json` as it is.
  case backend
  /// `LlamaTokenizer`: vocabulary and merges of the file, steps of the class.
  case llama
  /// `GemmaTokenizer`, likewise.
  case gemma
  /// `GPT2Tokenizer`, likewise.
  case gpt2

  /// The class of a name in `tokenizer_config.json`; nil where Headway does not know it.
  init?(name: String) {
    switch Self.stem(name) {
    case "TokenizersBackend", "PreTrainedTokenizer": self = .backend
    case "LlamaTokenizer": self = .llama
    case "GemmaTokenizer": self = .gemma
    case "GPT2Tokenizer": self = .gpt2
    default: return nil
    }
  }

  /// A name without the "Fast" at its end.
  private static func stem(_ name: String) -> String {
    name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
  }

  /// The class that transformers has registered for a model type; nil where it has none or Headway does not know the type.
  private static func registered(for modelType: String) -> String? {
    switch modelType {
    case "gemma", "gemma2", "gemma3", "gemma3_text", "recurrent_gemma": "GemmaTokenizer"
    case "opt", "gpt2", "gpt_neo", "gptj", "phi", "codegen", "starcoder2": "GPT2Tokenizer"
    case "mistral", "mixtral", "ministral": "TokenizersBackend"
    case "qwen2", "qwen2_moe", "qwen3", "qwen3_moe": "Qwen2Tokenizer"
    case "phi3", "internlm2": "TokenizersBackend"
    default: nil
    }
  }

  /// The name of the class that `AutoTokenizer` takes; nil where neither the files nor the model type name one.
  ///
  /// - Parameters:
  ///   - declared: `tokenizer_class` of `tokenizer_config.json`, else of `config.json`.
  ///   - modelType: `model_type` of `config.json`.
  ///   - hasByteLevel: whether `tokenizer.json` mentions `"ByteLevel"`.
  static func name(declared: String?, modelType: String?, hasByteLevel: Bool) -> String? {
    let registered = modelType.flatMap { Self.registered(for: $0) }
    guard let declared else { return registered }
    // Llama 3 folders often declare Llama 2's class.
    if stem(declared) == "LlamaTokenizer", hasByteLevel { return "TokenizersBackend" }
    guard let registered, stem(registered) != stem(declared) else { return declared }
    // Where transformers knows another class for the model type, the declared one counts, except for types whose published
    // folders are known to declare a wrong one, and types that have none of their own.
    if registered == "TokenizersBackend" { return registered }
    return modelType == "qwen2" ? registered : declared
  }
}
