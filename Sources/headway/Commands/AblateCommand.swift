import Runs
import CheckpointFiles
import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import LanguageModels
import Probing
import Reports
import Tokenizers
import Torch

/// `headway ablate`: what switching heads off really does to the loss, beside what their levels predict.
struct AblateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ablate", abstract: "Switches heads off and compares the true change of loss with what their levels predict.",
    discussion: """
      A head's signed level is the loss's gradient by its gate, so minus that is what switching it off does to the loss, to first order. The truth \
      is measured with the gate at 0.

      Example:
        headway ablate ./llama-3-8b --data gsm8k/test.jsonl --limit 100 --strongest 20 --cumulative --out ablation.json --svg ablation.svg
      """)

  @Argument(help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"))
  var model: String

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data files or folders, as they are published.", valueName: "file"))
  var data: [String]

  @OptionGroup(title: "What is switched off") var choice: AblationChoice

  @Flag(help: "Also switch off the first 1, 2, …, N of them together, beside as many drawn at random.")
  var cumulative = false

  @Option(help: ArgumentHelp("How many random orders --cumulative is set against; 5 where left out.", valueName: "n"))
  var randomOrders: Int?

  @Option(help: ArgumentHelp("Give 95% intervals from N resamples of the samples.", valueName: "n"))
  var bootstrap = 1000

  @Option(help: ArgumentHelp("Where the result goes as JSON.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Where a picture goes: prediction against truth, or the curves of --cumulative.", valueName: "file"))
  var svg: String?

  @Flag(help: "Keep every sample's changes and predictions in the result.")
  var perSample = false

  @Flag(help: "Go on with a run that was interrupted; needs --out.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if randomOrders != nil, !cumulative { throw ValidationError("--random-orders has no effect without --cumulative; give that too.") }
    if let randomOrders, !(0...1000).contains(randomOrders) {
      throw ValidationError("--random-orders takes a number from 0 to 1000, not \(randomOrders).")
    }
    guard (40...1_000_000).contains(bootstrap) else {
      throw ValidationError("--bootstrap takes a number from 40 (95% intervals need that many) to 1000000, not \(bootstrap).")
    }
    if resume, out == nil { throw ValidationError("--resume goes on with the run of an --out; name it.") }
    for (name, path, ending) in [("--out", out, "json"), ("--svg", svg, "svg")] {
      if let path, URL(filePath: path).pathExtension.lowercased() != ending {
        throw ValidationError("\(name) names a file that ends in .\(ending), not '\(path)'.")
      }
    }
  }

  func run() throws {
    let outputs = OutputGuard(overwrites: replacing.overwrite, resumes: resume)
    defer { outputs.release() }
    if let out {
      let target = URL(filePath: out)
      try outputs.claim(file: target, as: .result, beside: AblationRun.journals(of: target).map { .journal($0, as: .journal) })
    }
    if let svg { try outputs.claim(file: URL(filePath: svg), as: .chart) }
    try outputs.protect(ModelFolder(named: model).inputs + [choice.pattern].compactMap { $0.map { URL(filePath: $0) } })
    let loaded = try modelOptions.settings(model).load(output.monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: dataOptions.maxLength)
    let (dataset, encoded) = try EncodedData.read(
      data, dataOptions.settings(data).datasetOptions(tokenizer: tokenizer), encoder, loaded.decoder.shape, output.monitor)
    try outputs.protect(dataOptions.settings(data).inputs(dataset))
    // Wrong names are refused before anything is measured.
    let shape = loaded.decoder.shape
    _ = try choice.items(of: shape, magnitudes: [Double](repeating: 0, count: shape.layers * shape.attentionHeads))

    let about = AblationResult.About(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), task: encoded.task, format: dataset.formatName,
      template: dataset.templateName, dataFingerprint: try dataset.fingerprint(), dtype: loaded.decoder.elementType.rawValue,
      maxLength: encoder.maximumLength, choice: choice.text, seed: choice.seed)
    let run = AblationRun(
      decoder: loaded.decoder, samples: encoded.samples, batchTokens: modelOptions.batchTokens, output: out.map { URL(filePath: $0) },
      settings: about.settings + "\tbatch_tokens=\(modelOptions.batchTokens)", resume: resume, overwrites: replacing.overwrite,
      options: output)
    let (result, plan) = try run.measure(choice, cumulative: cumulative, randomOrders: randomOrders ?? 5)
    let summary = try AblationResult(about, plan, result, replicates: bootstrap, skipped: encoded.skipped, keepsSamples: perSample)

    if let out { try AtomicFile.write(output.json(summary), to: URL(filePath: out)) }
    if let svg { try AtomicFile.write(summary.picture(), to: URL(filePath: svg)) }
    run.removeJournals()
    for warning in summary.warnings { output.warn(warning) }
    if output.json { return try output.printJSON(summary) }
    try Terminal.writeLine(summary.text)
    output.note(
      "\(result.tokenLayers) tokens × layers in \(ProgressLine.duration(result.seconds)); \(encoded.skipped) samples without a label skipped"
    )
  }
}
