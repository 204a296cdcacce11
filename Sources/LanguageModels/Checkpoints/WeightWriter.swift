public import CheckpointFiles
import Ground
public import Foundation
public import Torch

/// Writes weights as Hugging Face folders hold them: `model.safetensors`, or shards with an index, and `config.json` with the type named.
public struct WeightWriter {
  /// The most bytes of one file before weights are split into shards, as transformers does.
  public static let shardLimit = 5_000_000_000

  /// One weight: its name in the folder, and how it comes by its values when its turn is there.
  public struct Weight {
    let name: String
    let shape: [Int]
    let elementType: ElementType
    let value: () throws -> Tensor

    /// A weight written as `elementType`; `value` gives it in any floating-point type.
    public init(name: String, shape: [Int], elementType: ElementType, value: @escaping () throws -> Tensor) {
      self.name = name
      self.shape = shape
      self.elementType = elementType
      self.value = value
    }

    var byteCount: Int { shape.reduce(elementType.byteWidth, *) }
    var source: SafetensorsWriter.Source {
      .init(name: name, elementType: elementType, shape: shape) { sink in
        // One tensor at a time in memory, so that a model is written without a second copy of it.
        let tensor = try withoutGradients { try value().converted(to: elementType).moved(to: .cpu) }
        try tensor.bytes().withUnsafeBytes { try sink.write($0) }
      }
    }
  }

  /// Writes the weights into a folder that exists, each file whole or not at all, the index last. Nothing is deleted: files of an earlier write
  /// that no longer belong are the caller's affair, who knows which they are (`OutputFolder`).
  /// - Parameters:
  ///   - weights: in the order in which they are written.
  ///   - folder: where to.
  ///   - fileName: `model.safetensors`, from which the names of shards and index are made.
  ///   - shardLimit: the most bytes of a file; a single larger tensor has one to itself.
  public static func write(_ weights: [Weight], to folder: URL, fileName: String = "model.safetensors", shardLimit: Int = shardLimit) throws
  {
    let shards = shards(of: weights, fileName, shardLimit)
    for (name, members) in shards {
      try SafetensorsWriter.write(members.map(\.source), metadata: ["format": "pt"], to: folder.appending(path: name))
    }
    guard shards.count > 1 else { return }
    var places: [String: String] = [:]
    for (name, members) in shards { for weight in members { places[weight.name] = name } }
    struct Index: Encodable {
      var metadata: [String: Int]
      var places: [String: String]

      enum CodingKeys: String, CodingKey {
        case metadata
        case places = "weight_map"
      }
    }
    let index = Index(metadata: ["total_size": weights.reduce(0) { $0 + $1.byteCount }], places: places)
    try AtomicFile.write(HeadwayJSON.encoder(isIndented: true).encode(index), to: folder.appending(path: indexName(fileName)))
  }

  /// The names of the files that `write` writes.
  public static func names(of weights: [Weight], fileName: String = "model.safetensors", shardLimit: Int = shardLimit) -> [String] {
    let shards = shards(of: weights, fileName, shardLimit).map(\.name)
    return shards.count > 1 ? shards + [indexName(fileName)] : shards
  }

  private static func indexName(_ fileName: String) -> String { "\(fileName).index.json" }

  private static func shards(of weights: [Weight], _ fileName: String, _ limit: Int) -> [(name: String, members: [Weight])] {
    var shards: [[Weight]] = [[]]
    var size = 0
    for weight in weights {
      if size > 0, size + weight.byteCount > limit {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(weight)
      size += weight.byteCount
    }
    let stem = (fileName as NSString).deletingPathExtension
    let total = String(format: "%05d", shards.count)
    return shards.enumerated().map { number, members in
      (shards.count == 1 ? fileName : "\(stem)-\(String(format: "%05d", number + 1))-of-\(total).safetensors", members)
    }
  }

  /// Files of a model folder that belong to it whatever its weights are: tokenizer, generation settings, chat template.
  static func isCompanion(_ name: String) -> Bool {
    if ["generation_config.json", "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "chat_template.jinja"]
      .contains(name)
    {
      return true
    }
    return name.hasPrefix("tokenizer")
  }

  /// The names of the files that `writeCompanions` writes.
  public static func companions(of source: ModelFolder) -> [String] { tokenizerFiles(of: source) + ["config.json"] }

  /// The names of the files that `writeTokenizer` writes.
  public static func tokenizerFiles(of source: ModelFolder) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: source.url.path(percentEncoded: false))) ?? []).filter(isCompanion).sorted()
  }

  /// Copies what makes weights a model folder: `config.json` with the weights' type, the tokenizer's files and the generation settings.
  public static func writeCompanions(of source: ModelFolder, elementType: ElementType, to folder: URL) throws {
    let configuration = source.file("config.json")
    guard let data = try? InputFile.contents(of: configuration, limit: .max), let text = String(data: data, encoding: .utf8) else {
      throw ModelError("\(configuration.path(percentEncoded: false)) cannot be read; download the file again")
    }
    try writeTokenizer(of: source, to: folder)
    try AtomicFile.write(naming(elementType, in: text), to: folder.appending(path: "config.json"))
  }

  /// The configuration's own text with the type of its weights exchanged, so that everything else stays to the letter. Newer folders say `dtype`,
  /// older ones `torch_dtype`; one that says neither gets the older name, which both read.
  static func naming(_ elementType: ElementType, in text: String) -> String {
    if let place = text.firstRange(of: /"(torch_)?dtype"\s*:\s*"[a-z0-9]+"/) {
      let key = text[place].contains("torch_dtype") ? "torch_dtype" : "dtype"
      return text.replacingCharacters(in: place, with: "\"\(key)\": \"\(elementType.rawValue)\"")
    }
    guard let brace = text.firstIndex(of: "{") else { return text }
    let rest = text[text.index(after: brace)...]
    let isEmpty = rest.first { !$0.isWhitespace } == "}"
    return text[...brace] + "\n  \"torch_dtype\": \"\(elementType.rawValue)\"\(isEmpty ? "" : ",")" + rest
  }

  /// Copies the tokenizer's files and the generation settings.
  public static func writeTokenizer(of source: ModelFolder, to folder: URL) throws {
    for name in tokenizerFiles(of: source) {
      guard let contents = try? InputFile.contents(of: source.file(name), limit: .max) else { continue }
      try AtomicFile.write(contents, to: folder.appending(path: name))
    }
  }
}
