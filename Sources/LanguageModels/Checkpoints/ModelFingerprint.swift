import Ground
import CheckpointFiles
import Crypto
import Foundation
import Torch

extension LanguageModel {
  /// A text that changes when the model's weights or configuration change: SHA-256 over `config.json` and, of every tensor, its name, type and shape
  /// and samples of its bytes. Tensors up to 256 KiB are read whole; of larger ones 32 blocks of 4 KiB spread evenly, first and last included,
  /// so that 16 GB cost some 40 MB of reading. Training changes numbers everywhere; a change of a few single numbers between the blocks goes unseen.
  public func fingerprint() throws -> String {
    try LanguageModel.fingerprint(of: folder)
  }

  /// The fingerprint of a folder that need not be loaded.
  public static func fingerprint(of folder: ModelFolder) throws -> String {
    var hash = SHA256()
    if AdapterFolder.isAdapter(folder) {
      // Adapters are small: their file is read whole, beside the fingerprint of what they change.
      hash.update(data: Data(try fingerprint(of: AdapterFolder(folder).base).utf8))
      for name in ["adapter_config.json", "adapter_model.safetensors"] {
        guard let data = try? InputFile.contents(of: folder.file(name), limit: .max) else {
          throw ModelError("\(folder.file(name).path(percentEncoded: false)) cannot be read; save the adapters again")
        }
        hash.update(data: data)
      }
      return "sha256-sampled:" + hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
    let configuration = folder.file("config.json")
    guard let data = try? InputFile.contents(of: configuration, limit: .max) else {
      throw ModelError("\(configuration.path(percentEncoded: false)) cannot be read; a Hugging Face model folder has a config.json")
    }
    hash.update(data: data)
    let files = try WeightFiles(of: folder)
    for (name, location) in files.locations.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Data("\n\(name) \(location.elementType) \(location.shape) ".utf8))
      try location.withBytes { bytes in
        for range in blocks(of: bytes.count) { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[range])) }
      }
    }
    return "sha256-sampled:" + hash.finalize().map { String(format: "%02x", $0) }.joined()
  }

  private static func blocks(of count: Int) -> [Range<Int>] {
    let size = 4096
    let number = 32
    guard count > 64 * size else { return [0..<count] }
    return (0..<number).map { index in
      let start = (count - size) / (number - 1) * index
      return index == number - 1 ? count - size..<count : start..<start + size
    }
  }
}
