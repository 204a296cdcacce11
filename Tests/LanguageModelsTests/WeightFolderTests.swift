import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Testing

/// Folders that hold something else than weights that can be read: each gets its own sentence.
@Suite struct WeightFolderTests {
  private func copy(_ name: String) throws -> URL {
    let target = FileManager.default.temporaryDirectory.appending(path: "weights-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Golden.directory.appending(path: name), to: target)
    return target
  }

  private func message(_ folder: URL) -> String {
    do {
      _ = try LanguageModel(ModelFolder(named: folder.path(percentEncoded: false)))
      return "loaded"
    } catch { return "\(error)" }
  }

  @Test(
    arguments: [
      ("llama-sharded", "holds shards (model-00001-of-00003.safetensors) but not their index model.safetensors.index.json"),
      ("opt-sharded", "holds shards (pytorch_model-00001-of-00003.bin) but not their index pytorch_model.bin.index.json"),
    ]) func shardsWithoutAnIndex(name: String, sentence: String) throws
  {
    let folder = try copy(name)
    for file in ["model.safetensors.index.json", "pytorch_model.bin.index.json"] {
      try? FileManager.default.removeItem(at: folder.appending(path: file))
    }
    #expect(message(folder).contains(sentence), "\(message(folder))")
  }

  @Test(
    arguments: [
      ("model.Q4_K_M.gguf", "holds GGUF weights (model.Q4_K_M.gguf)"), ("consolidated.00.pth", "does not read (consolidated.00.pth)"),
      ("tf_model.h5", "does not read (tf_model.h5)"), ("notes.txt", "holds no weights (model.safetensors, "),
    ]) func weightsOfOtherPrograms(file: String, sentence: String) throws
  {
    let folder = try copy("llama-plain")
    try FileManager.default.moveItem(at: folder.appending(path: "model.safetensors"), to: folder.appending(path: file))
    #expect(message(folder).contains(sentence), "\(message(folder))")
    if file.hasSuffix(".gguf") {
      #expect(message(folder.appending(path: file)).contains("is a GGUF file"), "\(message(folder.appending(path: file)))")
    }
  }

  @Test(arguments: [
    ("llama-plain", "model.safetensors"), ("llama-sharded", "model-00002-of-00003.safetensors"), ("opt-published", "pytorch_model.bin"),
    ("llama-plain", "config.json"), ("llama-sharded", "model.safetensors.index.json"),
  ])
  func pointersOfGitLFS(name: String, file: String) throws {
    let folder = try copy(name)
    try Data("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n".utf8).write(to: folder.appending(path: file))
    #expect(message(folder).contains("\(file): it is a Git LFS pointer and not the file itself; run git lfs pull"), "\(message(folder))")
  }

  @Test(
    arguments: [
      ("[]", "is not an index of weight files"), (#"{"weight_map": []}"#, "is not an index of weight files"),
      (#"{"weight_map": {"a": "x", "a": "y"}}"#, "is not an index of weight files"), (#"{"weight_map": {}}"#, "names no weight file"),
      (#"{"weight_map": {"a": 3}}"#, "places the tensor 'a' in a whole number"),
      (#"{"weight_map": {"a": "../x"}}"#, "outside the model's folder"),
    ]) func indicesThatAreNone(text: String, sentence: String) throws
  {
    let folder = try copy("llama-sharded")
    try Data(text.utf8).write(to: folder.appending(path: "model.safetensors.index.json"))
    #expect(message(folder).contains(sentence), "\(message(folder))")
  }

  /// A pipe that nobody writes to is told apart from a file before it is opened for reading.
  @Test(
    arguments: [
      ("llama-plain", "config.json"), ("llama-plain", "model.safetensors"), ("opt-published", "pytorch_model.bin"),
      ("llama-sharded", "model.safetensors.index.json"), ("llama-sharded", "model-00001-of-00003.safetensors"),
    ]) func pipesDoNotHoldUp(name: String, file: String) throws
  {
    let folder = try copy(name)
    let path = folder.appending(path: file)
    try FileManager.default.removeItem(at: path)
    try #require(mkfifo(path.path(percentEncoded: false), 0o600) == 0)
    #expect(message(folder).contains("\(file): it is a pipe or a device, not a file"), "\(message(folder))")
  }
}
