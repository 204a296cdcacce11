import Runs
import CheckpointFiles
import Ground
import ArgumentParser
import FineTuning
import Foundation
import Instructions
import LanguageModels
import Tokenizers
import Torch

/// `headway sft`: supervised fine-tuning, with patterns tracked while it trains.
struct SFTCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft", abstract: "Fine-tunes a model, and tracks which attention heads that puts to work.",
    discussion: """
      Example:
        headway sft ./llama-3-8b --data gsm8k/train.jsonl --out tuned --track gsm8k/test.jsonl --track-every 10
      """)

  @Argument(help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"))
  var model: String

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data files or folders to learn from, as they are published.", valueName: "file"))
  var data: [String]

  @Option(help: ArgumentHelp("The folder for the trained model, and for everything about the run in its headway/.", valueName: "folder"))
  var out: String

  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Tracking and evaluation") var tracking: TrackingOptions

  @Option(help: ArgumentHelp("The type the model is written in; auto is the input's.", valueName: "auto|float32|bfloat16"))
  var saveDtype: SaveType = .auto

  @Flag(help: "Go on with a run that was interrupted, to the same bits.")
  var resume = false

  @Flag(help: "Start even where the run needs more memory than the machine has.")
  var ignoreMemory = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup(title: "Data") var dataOptions: DataOptions
  @OptionGroup(title: "Computing") var computing: ComputingOptions
  @OptionGroup var output: OutputOptions

  enum SaveType: String, ExpressibleByArgument, CaseIterable {
    case auto, float32, bfloat16
  }

  func validate() throws {
    try training.check()
    try tracking.check()
    if resume, replacing.overwrite { throw ValidationError("--resume goes on with a run and --overwrite deletes it; name one of them.") }
  }

  func run() throws {
    Engine.keepFreedMemory()
    var settings = training.settings
    settings.batchTokens = training.packTokens
    tracking.apply(to: &settings)
    let folder = TrainingFolder(URL(filePath: out, directoryHint: .isDirectory))
    let outputs = OutputGuard(overwrites: replacing.overwrite, resumes: resume)
    defer { outputs.release() }
    try outputs.claim(folder: folder.output, canResume: folder.holdsRun)
    let checkpoint = resume ? folder.savedSteps().first : nil
    if resume, checkpoint == nil { output.note("note: \(out) holds no checkpoint, so the run starts from the beginning") }

    let base = try ModelFolder(named: model)
    try outputs.protect(base.inputs)
    let storedType = try LanguageModel.storedType(of: base)
    let device = try computing.settings(model).chosenDevice(output.monitor)
    let (type, typeNote) = LanguageModel.computeType(asked: computing.dtype.elementType, stored: storedType, device: device)
    if let typeNote { output.note("note: \(typeNote)") }
    try Engine.setThreads(computing.threads ?? Engine.availableProcessors())
    // Full fine-tuning starts from exact values; a checkpoint holds them in float32.
    let isWhole = settings.lowRank == nil
    let source = isWhole ? try checkpoint.map { try ModelFolder(named: folder.checkpoint($0).path(percentEncoded: false)) } ?? base : base
    let loaded = try LanguageModel(source, elementType: isWhole ? .float32 : type, device: device)

    let (samples, identity) = try readSamples(loaded, base, settings, outputs)
    try announce(loaded, settings, type, samples)
    let trainer = try Trainer(
      loaded, base: base, elementType: type, settings: settings, samples: samples, folder: folder, identity: identity,
      resumingAfter: checkpoint)
    for warning in trainer.warnings { output.warn(warning.onCommandLine) }
    if let checkpoint { output.note("going on after step \(checkpoint) of \(trainer.totalSteps)") }
    // Model, data and settings are sound: only now is anything of an earlier run deleted.
    if replacing.overwrite { try folder.clear() }
    try writeSettings(settings, identity, type, folder)
    let savedType: ElementType =
      switch saveDtype {
      case .auto: isWhole ? storedType : .float32
      case .float32: .float32
      case .bfloat16: .bfloat16
      }
    let summary = try train(trainer, savedType)
    try TrainingCurves(folder).write(to: folder)
    try report(summary, folder)
  }

  /// Reads and encodes all data, and names what a resume must find again.
  private func readSamples(_ loaded: LanguageModel, _ base: ModelFolder, _ settings: TrainingSettings, _ outputs: OutputGuard) throws -> (
    Trainer.Samples, RunIdentity
  ) {
    let tokenizer = try Tokenizer.load(from: base.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: dataOptions.maxLength)
    func read(_ paths: [String], _ options: DatasetOptions, _ what: String) throws -> [TokenizedSample] {
      let (dataset, encoded) = try EncodedData.read(paths, options, encoder, loaded.decoder.shape, as: what, output.monitor)
      try outputs.protect(dataOptions.settings(paths).inputs(dataset))
      let usable = encoded.samples.filter { $0.labelCount > 0 }
      let tokens = usable.reduce(0) { $0 + $1.tokens.count }
      output.note(
        "\(what): \(usable.count) samples, \(tokens) tokens; \(encoded.skipped) without a label skipped, \(encoded.truncated) cut at \(encoder.maximumLength) tokens"
      )
      return usable
    }
    let options = try dataOptions.settings(data).datasetOptions(tokenizer: tokenizer)
    var samples = Trainer.Samples(training: try read(data, options, "data"))
    var identity = RunIdentity()
    identity["model"] = try LanguageModel.fingerprint(of: base)
    identity["data"] = TokenizedSample.fingerprint(of: samples.training)
    identity["max_length"] = "\(dataOptions.maxLength)"
    identity["dtype"] = "\(computing.dtype)"
    identity["device"] = computing.device.description
    if let path = tracking.evalData {
      samples.evaluation = try read([path], tracking.options(options, format: tracking.evalFormat, limit: tracking.evalLimit), "evaluation")
      identity["evaluation data"] = TokenizedSample.fingerprint(of: samples.evaluation)
    }
    if let path = tracking.track {
      samples.probe = try read([path], tracking.options(options, format: tracking.trackFormat, limit: tracking.trackLimit), "probe set")
      identity["probe set"] = TokenizedSample.fingerprint(of: samples.probe)
    }
    return (samples, identity)
  }

  /// What the run will need, against what the machine has.
  private func announce(_ loaded: LanguageModel, _ settings: TrainingSettings, _ type: ElementType, _ samples: Trainer.Samples) throws {
    let plan = Trainer.memoryPlan(loaded, settings, elementType: type, samples)
    func gigabytes(_ bytes: Int) -> String {
      bytes < 1_000_000_000 ? "\(bytes / 1_000_000) MB" : String(format: "%.1f GB", Double(bytes) / 1e9)
    }
    let parts = plan.parts.map { "\($0.name) \(gigabytes($0.bytes))" }.joined(separator: ", ")
    output.note("memory: about \(gigabytes(plan.total)) (\(parts))")
    guard loaded.decoder.device == .cpu, let total = MachineMemory.total else { return }
    let remedies = plan.remedies.map { "\($0.change.onCommandLine) would need \(gigabytes($0.bytes))" }
    let remedy = remedies.isEmpty ? "take a smaller model" : remedies.joined(separator: ", ")
    if plan.total > total, !ignoreMemory {
      throw CommandError(
        "the run needs about \(gigabytes(plan.total)) (\(parts)), but the machine has \(gigabytes(total)): \(remedy); --ignore-memory starts it all the same"
      )
    }
    if let available = MachineMemory.available, plan.total > available {
      output.warn("the run needs about \(gigabytes(plan.total)), but only \(gigabytes(available)) are free: \(remedy)")
    }
  }

  private func writeSettings(_ settings: TrainingSettings, _ identity: RunIdentity, _ type: ElementType, _ folder: TrainingFolder)
    throws
  {
    struct Resolved: Encodable {
      var headway: String
      var model: String
      var data: [String]
      var computeType: String
      var threads: Int
      var settings: TrainingSettings
      var identity: RunIdentity
    }
    try folder.make()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let resolved = Resolved(
      headway: Headway.configuration.version, model: model, data: data, computeType: type.rawValue, threads: Engine.threads,
      settings: settings, identity: identity)
    try AtomicFile.write(encoder.encode(resolved) + Data("\n".utf8), to: folder.settings)
  }

  /// Trains with progress on standard error; a signal ends the run after the present step, with a checkpoint.
  private func train(_ trainer: Trainer, _ savedType: ElementType) throws -> Trainer.Summary {
    let received = StopSignal()
    let sources = Interruption.install { received.set($0) }
    defer { sources.forEach { $0.cancel() } }
    var line = ProgressLine(quiet: output.quiet)
    defer { line.finish() }
    do {
      return try trainer.run(savedType: savedType, shouldStop: { received.number != 0 }) { now in
        let metrics = now.metrics
        line.show(
          "step \(metrics.step)/\(now.totalSteps), loss \(number(metrics.loss, "%.4f")), rate \(number(metrics.lr, "%.3g")), \(number(metrics.tokensPerSecond, "%.0f")) tokens/s, \(ProgressLine.duration(now.secondsLeft)) left"
        )
      }
    } catch let stopped as Trainer.Stopped {
      line.finish()
      output.note("stopped after step \(stopped.step); the same command with --resume goes on from here")
      throw ExitCode(128 + received.number)
    }
  }

  private func number(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "–" }

  private func report(_ summary: Trainer.Summary, _ folder: TrainingFolder) throws {
    if output.json {
      let losses = try StepMetrics.read(from: folder.metrics).compactMap(\.loss)
      return try output.printJSON(
        Report(
          out: out, steps: summary.steps, samples: summary.samples, tokens: summary.tokens, seconds: summary.seconds,
          tokensPerSecond: summary.tokensPerSecond, losses: losses, loss: summary.loss, bestStep: summary.bestStep,
          changedShare: summary.changedShare,
          changedShareInFloat32: summary.changedShareInFloat32, savedAs: summary.savedAs,
          peakRssMib: MachineMemory.peakResident.map { $0 >> 20 }, anonymousRssMib: MachineMemory.anonymousResident.map { $0 >> 20 }))
    }
    let comparison = summary.loss.map { ", \($0.basis.words) \(number($0.before, "%.4f")) → \(number($0.after, "%.4f"))" } ?? ""
    try Terminal.writeLine("\(out): \(summary.steps) steps over \(summary.samples) samples\(comparison)")
    if let best = summary.bestStep { output.note("stopped early: the weights are those of step \(best), whose evaluation was the best") }
    if let share = summary.changedShare, let exact = summary.changedShareInFloat32 {
      output.note(
        "\(String(format: "%.1f", 100 * share))% of the weights changed as saved in \(summary.savedAs), \(String(format: "%.1f", 100 * exact))% in float32; measure \(folder.checkpoint(summary.steps).path(percentEncoded: false)) for the weights that were trained"
      )
    }
    output.note(
      "\(summary.tokens) tokens in \(ProgressLine.duration(summary.seconds)), \(number(summary.tokensPerSecond, "%.0f")) tokens/s")
  }

  private struct Report: Encodable {
    var out: String
    var steps: Int
    var samples: Int
    var tokens: Int
    var seconds: Double
    var tokensPerSecond: Double?
    var losses: [Double]
    var loss: LossComparison?
    var bestStep: Int?
    var changedShare: Double?
    var changedShareInFloat32: Double?
    var savedAs: String
    var peakRssMib: Int?
    var anonymousRssMib: Int?

    enum CodingKeys: String, CodingKey {
      case out, steps, samples, tokens, seconds, losses, loss
      case tokensPerSecond = "tokens_per_second"
      case bestStep = "best_step"
      case changedShare = "changed_share"
      case changedShareInFloat32 = "changed_share_float32"
      case savedAs = "saved_as"
      case peakRssMib = "peak_rss_mib"
      case anonymousRssMib = "anonymous_rss_mib"
    }
  }
}

extension LossComparison.Basis {
  /// What the two losses are of.
  fileprivate var words: String {
    switch self {
    case .evaluation: "loss on the evaluation data"
    case .epochs: "mean loss of the first and the last epoch"
    case .firstWindow: "loss on the first step's samples"
    }
  }
}
