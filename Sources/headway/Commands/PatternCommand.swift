import CheckpointFiles
import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import LanguageModels
import Probing
import Synchronization
import Tokenizers
import Torch

/// `headway pattern`: a model and a task in, the levels of every attention head out.
struct PatternCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pattern", abstract: "Measures which attention heads a task puts to work.",
    discussion: """
      Example:
        headway pattern ./llama-3-8b --data gsm8k/test.jsonl --per-sample --out gsm8k.safetensors
      """)

  @Argument(help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"))
  var model: String

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data files or folders, as they are published.", valueName: "file"))
  var data: [String]

  @Option(help: ArgumentHelp("Where the pattern goes: .safetensors, .npy or .npz.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("The task's name; the data's own where left out.", valueName: "name"))
  var task: String?

  @Option(help: ArgumentHelp("Which scores, joined by commas.", valueName: "magnitude,signed,token,saliency"))
  var score: String = Score.magnitude.rawValue

  @Flag(help: "Keep every sample's levels, which intervals and comparisons need.")
  var perSample = false

  @Option(help: ArgumentHelp("How losses are averaged: each sample's own, or N consecutive samples together.", valueName: "sample|batch:N"))
  var loss = "sample"

  @Option(
    help: ArgumentHelp(
      "What is kept of a pass: everything, or (low) recomputed layer by layer; auto keeps batches within 1 GiB.",
      valueName: "auto|normal|low"))
  var memory = ActivationMemory.automatic.rawValue

  @Flag(help: "Go on with a run that was interrupted.")
  var resume = false

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  private func scores() throws -> [Score] {
    try score.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let score = Score(rawValue: String(name)) else {
        throw ValidationError("--score takes \(Score.allCases.map(\.rawValue).joined(separator: ", ")), joined by commas, not '\(name)'.")
      }
      return score
    }
  }

  func validate() throws {
    _ = try scores()
    guard PatternMeasurement.Loss(loss) != nil else {
      throw ValidationError("--loss takes sample or batch:N with N from 1 on, not '\(loss)'.")
    }
    guard ActivationMemory(rawValue: memory) != nil else { throw ValidationError("--memory takes auto, normal or low, not '\(memory)'.") }
    let known = ["safetensors", "npy", "npz"]
    guard known.contains(URL(filePath: out).pathExtension.lowercased()) else {
      throw ValidationError("--out names a file that ends in .safetensors, .npy or .npz, not '\(out)'.")
    }
  }

  func run() throws {
    let target = URL(filePath: out)
    try requireFolder(of: target)
    let loaded = try modelOptions.load(model, output)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: dataOptions.maxLength)
    let (dataset, encoded) = try EncodedData.read(
      data, dataOptions.datasetOptions(tokenizer: tokenizer), encoder, loaded.decoder.shape, output)

    var provenance = Provenance(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), architecture: loaded.decoder.shape.description,
      task: task ?? encoded.task, format: dataset.formatName, template: dataset.templateName, dataFingerprint: try dataset.fingerprint(),
      maxLength: encoder.maximumLength, loss: loss, dtype: loaded.decoder.elementType.rawValue, seed: String(dataOptions.dataSeed))
    let settings = try [
      "model=\(loaded.folder.name)", "model_fingerprint=\(provenance.modelFingerprint ?? "")",
      "data_fingerprint=\(provenance.dataFingerprint ?? "")",
      "format=\(dataset.formatName)", "template=\(dataset.templateName)",
      "max_length=\(encoder.maximumLength)", "loss=\(loss)", "score=\(scores().map(\.rawValue).joined(separator: ","))",
      "dtype=\(loaded.decoder.elementType)", "batch_tokens=\(modelOptions.batchTokens)", "memory=\(memory)",
    ].joined(separator: "\t")

    let probe = Probe(loaded.decoder, scores: try scores(), memory: ActivationMemory(rawValue: memory) ?? .automatic)
    let measurement = PatternMeasurement(probe, loss: .init(loss) ?? .sample, batchTokens: modelOptions.batchTokens)
    if !resume, PatternMeasurement.hasJournal(beside: target) {
      output.note("note: an interrupted run of \(out) is started over; --resume would go on with it")
    }
    let result = try measure(measurement, encoded, target, settings)
    provenance.samples = result.samples.count
    provenance.skipped = encoded.skipped
    provenance.tokens = result.tokens

    let pattern = try assemble(result, provenance, loaded.decoder.shape, probe.scores, encoded)
    try pattern.write(to: target)
    PatternMeasurement.removeJournal(beside: target)
    try report(result, pattern, encoded)
  }

  /// Runs the measurement with progress on standard error; a signal stops it between two batches, with everything found so far on disk.
  private func measure(_ measurement: PatternMeasurement, _ encoded: EncodedData, _ target: URL, _ settings: String) throws
    -> PatternMeasurement.Result
  {
    let received = StopSignal()
    let sources = Interruption.install { received.set($0) }
    defer { sources.forEach { $0.cancel() } }
    var line = ProgressLine(quiet: output.quiet)
    defer { line.finish() }
    do {
      return try measurement.run(
        encoded.samples, journalOutput: target, settings: settings, resume: resume, shouldStop: { received.number != 0 },
        progress: { now in
          line.show(
            "\(now.samples)/\(now.totalSamples) samples, \(Int(now.tokensPerSecond)) tokens/s, \(ProgressLine.duration(now.secondsLeft)) left"
          )
        })
    } catch is PatternMeasurement.Stopped {
      line.finish()
      output.note("stopped; the same command with --resume goes on from here")
      throw ExitCode(128 + received.number)
    }
  }

  private func assemble(
    _ result: PatternMeasurement.Result, _ provenance: Provenance, _ shape: DecoderShape, _ scores: [Score], _ encoded: EncodedData
  ) throws -> ActivationPattern {
    var levels: [Score: ActivationPattern.Levels] = [:]
    for score in scores {
      let samples = try SampleLevels(
        sampleCount: result.samples.count, entryCount: shape.layers * shape.attentionHeads,
        values: result.samples.flatMap { $0.levels[score] ?? [] })
      let all = try ActivationPattern.Levels(layers: shape.layers, heads: shape.attentionHeads, samples: samples)
      levels[score] = perSample ? all : .init(mean: all.mean)
    }
    let kept = try ActivationPattern.Samples(
      loss: result.samples.map(\.loss), index: result.samples.map { Int64($0.index) },
      ids: encoded.identifiers(of: result.samples.map(\.index)))
    return try ActivationPattern(provenance: provenance, levels: levels, samples: perSample ? kept : nil)
  }

  private func report(_ result: PatternMeasurement.Result, _ pattern: ActivationPattern, _ encoded: EncodedData) throws {
    let losses = result.samples.reduce(0) { $0 + Double($1.loss) } / Double(max(1, result.samples.count))
    let summary = Summary(
      out: out, layers: pattern.layers, heads: pattern.heads, samples: result.samples.count, skipped: encoded.skipped,
      skippedBad: encoded.skippedBad, truncated: encoded.truncated, tokens: result.measuredTokens, seconds: result.seconds,
      tokensPerSecond: result.seconds > 0 ? Double(result.measuredTokens) / result.seconds : 0,
      peakRssMib: MachineMemory.peakResident.map { $0 >> 20 }, anonymousRssMib: MachineMemory.anonymousResident.map { $0 >> 20 },
      loss: losses)
    if output.json { return try output.printJSON(summary) }
    try Terminal.writeLine(
      "\(out): \(pattern.layers) layers × \(pattern.heads) heads over \(summary.samples) samples, mean loss \(String(format: "%.4f", losses))"
    )
    output.note(
      "\(summary.tokens) tokens in \(ProgressLine.duration(summary.seconds)), \(Int(summary.tokensPerSecond)) tokens/s; \(encoded.skipped) without a label skipped, \(encoded.truncated) cut at \(dataOptions.maxLength) tokens, \(encoded.skippedBad) bad records passed over"
    )
  }

  private struct Summary: Encodable {
    var out: String
    var layers: Int
    var heads: Int
    var samples: Int
    var skipped: Int
    var skippedBad: Int
    var truncated: Int
    var tokens: Int
    var seconds: Double
    var tokensPerSecond: Double
    var peakRssMib: Int?
    var anonymousRssMib: Int?
    var loss: Double

    enum CodingKeys: String, CodingKey {
      case out, layers, heads, samples, skipped, truncated, tokens, seconds, loss
      case skippedBad = "skipped_bad"
      case tokensPerSecond = "tokens_per_second"
      case peakRssMib = "peak_rss_mib"
      case anonymousRssMib = "anonymous_rss_mib"
    }
  }
}

/// The signal that asked the program to stop, 0 while there was none.
final class StopSignal: Sendable {
  private let value = Mutex<Int32>(0)
  /// The signal's number.
  var number: Int32 { value.withLock { $0 } }
  /// Remembers a signal.
  func set(_ number: Int32) { value.withLock { $0 = number } }
}
