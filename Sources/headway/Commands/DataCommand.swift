import Runs
import ArgumentParser
import Foundation
import Ground
import Instructions
import LanguageModels
import Tokenizers

/// `headway data`: what is in a dataset, and the same samples written as `pairs`.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Shows what is in a dataset, and writes it in Headway's own form.",
    discussion: """
      The file is read as it was published; docs/Datasets.md lists the formats. A file of no known format is read with --map.

      Examples:
        headway data gsm8k/test.jsonl --show 2 --tokenizer ./llama-3-8b
        headway data infinity.parquet --require "logical reasoning" --require programming --sample 1000 --write pool.jsonl
        headway data aqua/dev.json --map prompt=question,response=rationale,answer=correct
      """)

  @Argument(help: ArgumentHelp("Data files or folders, or owner/name of a downloaded dataset.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("How many of the first samples are shown.", valueName: "n"))
  var show = 3

  @Option(help: ArgumentHelp("Write the samples as JSON lines of prompt and response.", valueName: "file"))
  var write: String?

  @Option(help: ArgumentHelp("Count tokens with this model's tokenizer.", valueName: "model"))
  var tokenizer: String?

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if show < 0 { throw ValidationError("--show takes a number of samples from 0 on, not \(show).") }
  }

  func run() throws {
    let tokenizer = try tokenizer.map { try Tokenizer.load(from: ModelFolder(named: $0).url) }
    let dataset = try Dataset(
      at: files.map { URL(filePath: $0) }, options: dataOptions.settings(files).datasetOptions(tokenizer: tokenizer))
    let outputs = OutputGuard(overwrites: replacing.overwrite)
    defer { outputs.release() }
    if let write {
      try outputs.claim(file: URL(filePath: write), as: .unmarked("a JSON Lines file"))
      try outputs.protect(dataOptions.settings(files).inputs(dataset))
      if let tokenizerName = self.tokenizer { try outputs.protect(ModelFolder(named: tokenizerName).inputs) }
    }
    let writer = try write.map { try InstructionWriter(to: URL(filePath: $0)) }
    let reader = dataset.instructions()
    let summary = try read(reader, tokenizer, writer)
    try writer?.finish()

    if output.json {
      try output.printJSON(DataReport(dataset, reader, summary.all, summary.first, maximumLength: dataOptions.maxLength, written: write))
    } else {
      try Terminal.writeLine(DataText(dataset, reader, summary.all, summary.first, maximumLength: dataOptions.maxLength).text)
      if let write { output.note("\(reader.count) samples written to \(write)") }
    }
    for error in reader.counts.skippedErrors { output.note("passed over: \(error)") }
  }

  /// Goes through the data once.
  private func read(_ reader: InstructionReader, _ tokenizer: Tokenizer?, _ writer: InstructionWriter?) throws -> (
    all: DatasetSummary, first: [Instruction]
  ) {
    let received = StopSignal()
    let sources = Interruption.install { received.set($0) }
    defer { sources.forEach { $0.cancel() } }
    var line = ProgressLine(quiet: output.quiet)
    defer { line.finish() }
    var summary = DatasetSummary()
    var first: [Instruction] = []
    while let instruction = try reader.next() {
      if received.number != 0 { throw ExitCode(128 + received.number) }
      summary.add(instruction, tokens: tokenizer.map { DataSettings.countTokens(instruction, $0) })
      if first.count < show { first.append(instruction) }
      try writer?.write(instruction)
      if summary.count.isMultiple(of: 4096) { line.show("\(summary.count) samples read") }
    }
    return (summary, first)
  }
}

/// The summary as a person reads it.
struct DataText {
  let text: String

  init(_ dataset: Dataset, _ reader: InstructionReader, _ summary: DatasetSummary, _ first: [Instruction], maximumLength: Int) {
    var lines: [String] = []
    let named = dataset.files.count == 1 ? dataset.files[0].relativePath : "\(dataset.files.count) files"
    lines.append(
      "\(named): \(summary.count) samples, format \(dataset.formatName)\(dataset.formatWasRecognised ? " (recognised by its fields)" : "")")
    lines.append("prompts by  \(dataset.templateName)")
    let counts = reader.counts
    let left = [
      (summary.unanswered, "without a published answer"), (counts.skipped, "bad records passed over"),
      (counts.filtered, "left out by the filter"),
      (counts.duplicates, "duplicates left out"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    if !left.isEmpty { lines.append("of these    \(left.joined(separator: ", "))") }
    if summary.count > 0 {
      lines.append("prompt      \(DataText.lengths(summary.promptCharacters)) characters")
      lines.append("response    \(DataText.lengths(summary.responseCharacters)) characters")
    }
    if summary.tokens.count > 0 {
      let cut = summary.tokens.count(above: maximumLength)
      lines.append("tokens      \(DataText.lengths(summary.tokens)), \(summary.tokens.total) in all, \(cut) samples above \(maximumLength)")
      lines += DataText.histogram(summary.tokens)
    }
    for (label, names) in [
      ("tasks", summary.tasks), ("languages", summary.languages), ("tags", summary.tags), ("categories", summary.categories),
    ] {
      let sorted = names.sorted
      guard !sorted.isEmpty else { continue }
      let shown = sorted.prefix(20).map { "\($0.name.terminalLine.excerpt(200)) \($0.count)" }.joined(separator: ", ")
      let label = label.padding(toLength: 12, withPad: " ", startingAt: 0)
      lines.append(label + shown + (sorted.count > 20 ? " and \(sorted.count - 20) more" : ""))
    }
    for instruction in first { lines += DataText.sample(instruction) }
    text = lines.joined(separator: "\n")
  }

  private static func lengths(_ lengths: DatasetSummary.Lengths) -> String {
    guard let least = lengths.minimum, let most = lengths.maximum, let middle = lengths.quantile(0.5), let mean = lengths.mean else {
      return "none"
    }
    return "\(least) to \(most), median \(middle), mean \(String(format: "%.1f", mean))"
  }

  private static func histogram(_ lengths: DatasetSummary.Lengths) -> [String] {
    let bars = lengths.histogram
    let most = bars.map(\.count).max() ?? 1
    let width = bars.map { "\($0.upTo - 1)".count }.max() ?? 1
    return bars.map { bar in
      let range = String(repeating: " ", count: width - "\(bar.from)".count) + "\(bar.from)–\(bar.upTo - 1)"
      let padded = range.padding(toLength: 2 * width + 1, withPad: " ", startingAt: 0)
      // A bar that is not empty shows at least a mark.
      let marks = bar.count == 0 ? 0 : max(1, Int((Double(bar.count) * 40 / Double(max(1, most))).rounded()))
      return "            \(padded)  \(String(repeating: "█", count: marks)) \(bar.count)"
    }
  }

  /// A sample with prompt and response visibly apart: every line says by its first mark which text it belongs to, and where a text ends.
  private static func sample(_ instruction: Instruction) -> [String] {
    var title = "── sample \(instruction.index)"
    if let id = instruction.id { title += "  id \(id.terminalLine.excerpt(200))" }
    if !instruction.tags.isEmpty { title += "  [\(instruction.tags.joined(separator: ", ").terminalLine.excerpt(200))]" }
    if case .text(let key) = instruction.answer { title += "  answer \(key.terminalLine.excerpt(200))" }
    if case .option(let option) = instruction.answer, instruction.options.indices.contains(option) {
      title += "  answer \(instruction.options[option].terminalLine.excerpt(200))"
    }
    var lines = ["", title]
    for (number, piece) in instruction.pieces.enumerated() where number == 0 || !piece.text.isEmpty || !instruction.isAnswered {
      let mark = piece.carriesLoss ? "▶ " : "│ "
      if number == 1, !instruction.isAnswered {
        lines.append("▶ (no published answer)")
        continue
      }
      // By scalars: "\r\n" is one character, and one without a line feed in it as far as searching goes.
      let parts = piece.text.excerpt(2000).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      for (index, part) in parts.enumerated() { lines.append(mark + String(part) + (index == parts.count - 1 ? "¶" : "")) }
    }
    return lines
  }
}

/// The summary as other programs read it.
struct DataReport: Encodable {
  private var files: [String]
  private var format: String
  private var recognised: Bool
  private var template: String
  private var fingerprint: String
  private var count: Int
  private var unanswered: Int
  private var skipped: Int
  private var filtered: Int
  private var duplicates: Int
  private var promptCharacters: LengthReport?
  private var responseCharacters: LengthReport?
  private var tokens: LengthReport?
  private var aboveMaxLength: Int?
  private var tasks: [String: Int]
  private var languages: [String: Int]
  private var tags: [String: Int]
  private var categories: [String: Int]
  private var written: String?
  private var samples: [SampleReport]

  enum CodingKeys: String, CodingKey {
    case files, format, recognised, template, fingerprint, count, unanswered, skipped, filtered, duplicates, tokens, tasks, languages, tags
    case categories, written, samples
    case promptCharacters = "prompt_characters"
    case responseCharacters = "response_characters"
    case aboveMaxLength = "above_max_length"
  }

  init(
    _ dataset: Dataset, _ reader: InstructionReader, _ summary: DatasetSummary, _ first: [Instruction], maximumLength: Int, written: String?
  ) throws {
    files = dataset.files.map(\.relativePath)
    format = dataset.formatName
    recognised = dataset.formatWasRecognised
    template = dataset.templateName
    fingerprint = try dataset.fingerprint()
    count = summary.count
    unanswered = summary.unanswered
    skipped = reader.counts.skipped
    filtered = reader.counts.filtered
    duplicates = reader.counts.duplicates
    promptCharacters = LengthReport(summary.promptCharacters)
    responseCharacters = LengthReport(summary.responseCharacters)
    tokens = LengthReport(summary.tokens)
    aboveMaxLength = tokens == nil ? nil : summary.tokens.count(above: maximumLength)
    func counts(_ names: DatasetSummary.NameCounts) -> [String: Int] {
      Dictionary(names.sorted.map { ($0.name, $0.count) }, uniquingKeysWith: +)
    }
    tasks = counts(summary.tasks)
    languages = counts(summary.languages)
    tags = counts(summary.tags)
    categories = counts(summary.categories)
    self.written = written
    samples = first.map(SampleReport.init)
  }

  private struct LengthReport: Encodable {
    var min: Int
    var median: Int
    var mean: Double
    var max: Int
    var total: Int
    /// [from, up to, count] a bar.
    var histogram: [[Int]]

    init?(_ lengths: DatasetSummary.Lengths) {
      guard let least = lengths.minimum, let most = lengths.maximum, let middle = lengths.quantile(0.5), let mean = lengths.mean else {
        return nil
      }
      min = least
      max = most
      median = middle
      self.mean = mean
      total = lengths.total
      histogram = lengths.histogram.map { [$0.from, $0.upTo, $0.count] }
    }
  }

  private struct SampleReport: Encodable {
    var index: Int
    var id: String?
    var prompt: String
    var response: String?
    var turns: [[String]]
    var tags: [String]
    var categories: [String]
    var options: [String]
    var answer: String?
    var option: Int?

    init(_ instruction: Instruction) {
      index = instruction.index
      id = instruction.id
      prompt = instruction.prompt
      response = instruction.isAnswered ? instruction.response : nil
      turns = instruction.turns.map { [$0.carriesLoss ? "assistant" : "given", $0.text] }
      tags = instruction.tags
      categories = instruction.categories
      options = instruction.options
      if case .text(let key) = instruction.answer { answer = key }
      if case .option(let index) = instruction.answer { option = index }
    }
  }
}
