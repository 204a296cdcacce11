public import Foundation
import CheckpointFiles
import Ground
import Runs
import Studies
import Tokenizers

/// What reads files from elsewhere, each as whoever opens such a file calls it. The fuzzer (`make fuzz`) gives them bytes without end, and the tests every input
/// of the corpus.
public enum FuzzedReader: String, CaseIterable, Sendable {
  case safetensors
  /// A whole file of `torch.save`: the zip archive and what is in it.
  case checkpoint
  /// The pickle alone, laid into a sound archive.
  case pickle
  case tokenizerJSON = "tokenizer-json"
  case tokenizerModel = "tokenizer-model"
  case dataset
  /// Every row, whatever its fields are.
  case parquet
  case yaml

  /// Reads the bytes as a file of this kind and goes through what it gives.
  /// - Parameters:
  ///   - bytes: the input.
  ///   - folder: where it is written to, a folder that no one else writes to meanwhile.
  /// - Returns: whether the reader took it; otherwise it said why not.
  /// - Throws: `BrokenPromise`, or what kept the input from being written.
  @discardableResult
  public func read(_ bytes: UnsafeRawBufferPointer, in folder: URL) throws -> Bool {
    var isTaken = false
    for attempt in attempts(bytes, InputFolder(folder)) {
      do {
        try attempt()
        isTaken = true
      } catch let problem as InputFolder.Problem {
        throw problem
      } catch let broken as BrokenPromise {
        throw broken
      } catch {
        try Self.check(error)
      }
    }
    return isTaken
  }

  /// The ways in which the bytes are read.
  private func attempts(_ bytes: UnsafeRawBufferPointer, _ folder: InputFolder) -> [() throws -> Void] {
    switch self {
    case .safetensors: [{ try FuzzedCheckpoints.safetensors(folder.write(bytes, to: "model.safetensors")) }]
    case .checkpoint: [{ try FuzzedCheckpoints.checkpoint(folder.write(bytes, to: "pytorch_model.bin")) }]
    case .pickle: [{ try FuzzedCheckpoints.checkpoint(folder.write(FuzzedCheckpoints.archive(around: bytes), to: "pytorch_model.bin")) }]
    case .tokenizerJSON: [{ try FuzzedTokenizers.json(bytes, folder) }]
    case .tokenizerModel:
      FuzzedTokenizers.configurations.map { configuration in { try FuzzedTokenizers.model(bytes, configuration, folder) } }
    case .dataset: [{ try FuzzedData.dataset(bytes, folder) }]
    case .parquet: [{ try FuzzedData.read(folder.write(bytes, to: "data.parquet"), as: "pairs") }]
    case .yaml:
      [
        { _ = try RunRecord.run(from: folder.write(bytes, to: "result.run.yaml")) },
        { _ = try Study(from: folder.write(bytes, to: "study.yaml")) },
      ]
    }
  }

  /// The most bytes that reading an input may have allocated at a time, of heap memory; mapped files are not counted.
  ///
  /// What is unpacked is bounded by limits of its own (`ExpansionLimit`, `RecordLimits`, the 256 MiB of a Parquet batch and as many for its columns), which small
  /// files may reach.
  public func mostMemory(for bytes: UnsafeRawBufferPointer) -> Int {
    let unpacked: Int =
      switch self {
      case .parquet: 576 << 20
      case .dataset: zip(bytes, bytes.dropFirst()).contains { $0 == (0x1F, 0x8B) } ? 192 << 20 : 0
      case .safetensors, .checkpoint, .pickle, .tokenizerJSON, .tokenizerModel, .yaml: 0
      }
    return 8 << 20 + unpacked + 512 * bytes.count
  }

  /// Whether an error is one that tells a person in a sentence what is wrong.
  private static func check(_ error: any Error) throws {
    let text: String
    switch error {
    case let error as any ExplainedError: text = error.description
    case let error as CheckpointError: text = error.description
    case let error as FileError: text = error.description
    case let error as TokenizerError: text = error.description
    default: throw BrokenPromise("an error that is none of Headway's: \(type(of: error)): \(error)")
    }
    guard !text.isEmpty else { throw BrokenPromise("an error without a sentence: \(type(of: error))") }
    guard text.utf8.count < 1 << 16 else { throw BrokenPromise("an error of \(text.utf8.count) bytes: \(text.prefix(200))…") }
  }
}

/// What a reader did that `docs/Security.md` says it does not.
public struct BrokenPromise: Error, CustomStringConvertible {
  /// What it did.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Where inputs are written to, over and over.
struct InputFolder {
  let url: URL

  init(_ url: URL) { self.url = url }

  /// What kept an input from being written, which says nothing of a reader.
  struct Problem: Error {
    let path: String
    let code: Int32
  }

  /// Writes a file over the one of the last input: making a new one for each costs more than the reading.
  func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws -> URL {
    let place = url.appending(path: name)
    let path = place.path(percentEncoded: false)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Problem(path: path, code: errno) }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      guard count > 0 else { throw Problem(path: path, code: errno) }
      written += count
    }
    guard ftruncate(descriptor, off_t(bytes.count)) == 0 else { throw Problem(path: path, code: errno) }
    return place
  }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> URL {
    try Array(bytes).withUnsafeBytes { try write($0, to: name) }
  }

  /// Removes the file that an earlier input left, where there is one.
  func remove(_ name: String) { unlink(url.appending(path: name).path(percentEncoded: false)) }
}
