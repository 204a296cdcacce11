import Foundation
import Ground

/// The path of a model or dataset changed; a name in the Hugging Face cache stays as it is.
func changedPath(_ name: String, _ change: (String) -> String) -> String { HuggingFaceCache.changedPath(name, change) }

/// Refuses a name of a pattern or change that none of their files has.
func requirePatternName(_ out: String) throws {
  guard ["safetensors", "npy", "npz"].contains(URL(filePath: out).pathExtension.lowercased()) else {
    throw SettingsError("\(setting: .output) names a file that ends in .safetensors, .npy or .npz, not '\(out)'")
  }
}
