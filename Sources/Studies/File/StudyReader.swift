import ActivationPatterns
import CheckpointFiles
import FineTuning
public import Foundation
import Ground
import Instructions
import Runs
import Yams

extension Study {
  /// Reads a study's file.
  /// - Parameters:
  ///   - url: the file; its paths are relative to its folder.
  ///   - changes: settings in the place of the file's own, each `key=value` with a value in YAML; a key inside a section is `section.key`, and
  ///     one of a model or task `tasks.NAME.key`. Paths in them are as the file's.
  /// - Throws: `RunError` naming place, key and remedy; `SettingsError` for a change that is none.
  public init(from url: URL, changing changes: [String] = []) throws {
    let data = try InputFile.contents(of: url, limit: ForeignYAML.mostBytes)
    guard let text = String(data: data, encoding: .utf8) else { throw RunError("\(url.relativePath) is not UTF-8; write it again") }
    try self.init(text: text, name: url.relativePath, folder: url.deletingLastPathComponent(), changing: changes)
  }

  /// Reads the text of a study's file.
  init(text: String, name: String, folder: URL, changing changes: [String] = []) throws {
    var node = try ForeignYAML.node(text, named: name, remedy: "see headway study new") ?? Node([] as [(Node, Node)])
    for change in changes { try StudyChange(change).apply(to: &node) }
    try self.init(StudySection(node, name, StudyKeys.study), folder: folder)
    try check(name)
  }

  private init(_ file: StudySection, folder: URL) throws {
    self.init()
    func path(_ text: String) -> String { StudyPaths.seen(text, from: folder) }
    name = try file.string("study") ?? name
    make = try file.strings("make") ?? StudyItems.paperNames
    models = try file.sections("models", StudyKeys.model).map { try Model($0, path) }
    tasks = try file.sections("tasks", StudyKeys.task).map { try Task($0, path) }
    training = try Training(file.section("training", StudyKeys.training))
    dtype = try file.choice("dtype", [.float32, .bfloat16, .float64]) ?? dtype
    score = try file.choice("score", Score.allCases) ?? score
    seeds = try file.integers("seeds", atLeast: 0)?.map(UInt64.init) ?? seeds
    splitSeed = try file.integer("split_seed", atLeast: 0).map(UInt64.init) ?? splitSeed
    let budget = try file.section("budgets", StudyKeys.budgets)
    budgets = Budgets(
      train: try budget.integer("train", atLeast: 1), probe: try budget.integer("probe", atLeast: 1),
      questions: try budget.integer("questions", atLeast: 1), pool: try budget.integer("pool", atLeast: 1))
    let fits = try file.section("fit", StudyKeys.fit)
    fit = Fit(
      bootstrap: try fits.integer("bootstrap", atLeast: 40), permutations: try fits.integer("permutations", atLeast: 1),
      heldOut: try fits.integer("held_out", atLeast: 1))
    figure1.task = try file.section("figure_1", StudyKeys.figure1).string("task")
    figure5.every = try file.section("figure_5", StudyKeys.figure5).integer("every", atLeast: 1) ?? figure5.every
    table2 = try Table2(file.section("table_2", StudyKeys.table2))
    table3 = try Table3(file.section("table_3", StudyKeys.table3))
    retrieval = try Retrieval(file.section("retrieval", StudyKeys.retrieval))
    distanceBins = try DistanceBins(file.section("distance_bins", StudyKeys.distanceBins))
    datamodelling = try Datamodelling(file.section("datamodelling", StudyKeys.datamodelling))
    ablation = try Ablation(file.section("ablation", StudyKeys.ablation))
    leaks = try file.choice("leaks", Leaks.allCases) ?? leaks
    device = try file.text("device", of: DeviceName.self) ?? device
    threads = try file.integer("threads", atLeast: 1)
    batchTokens = try file.integer("batch_tokens", atLeast: 1) ?? batchTokens
    keepsWeights = try file.truth("keep_weights") ?? keepsWeights
  }
}

extension Study.Model {
  init(_ section: StudySection, _ path: (String) -> String) throws {
    name = try section.requiredString("name")
    self.path = try path(section.requiredString("path"))
    shape = try section.string("shape")
    chat = try section.string("chat")
    make = try section.strings("make")
    var reading = DataSettings([])
    reading.chat = chat
    do { try reading.validate() } catch let error as SettingsError { throw RunError("\(section.place): \(error.message)") }
    if let shape, PublishedShape.named(shape) == nil {
      throw RunError(
        "\(section.place): '\(shape)' is no published shape; the known ones are \(PublishedShape.names.joined(separator: ", "))")
    }
  }
}

extension Study.Task {
  init(_ section: StudySection, _ path: (String) -> String) throws {
    name = try section.requiredString("name")
    roles = try (section.strings("role") ?? []).map { try section.choice($0, "role", Study.Role.allCases) }
    set = try section.string("set") ?? Study.mainSet
    group = try section.string("group")
    parts = try section.strings("made_of") ?? []
    train = try section.strings("train")?.map(path) ?? []
    test = try section.strings("test")?.map(path) ?? []
    files = try section.strings("data")?.map(path) ?? []
    holdOut = try section.number("hold_out", "between 0 and 1") { $0 > 0 && $0 < 1 } ?? 0.2
    trainSplit = try section.string("train_split")
    testSplit = try section.string("test_split")
    reading = DataSettings([])
    reading.format = try section.string("format")
    reading.map = try section.texts("map") ?? [:]
    reading.form = try section.string("form")
    reading.template = try section.string("template").map(path)
    reading.requiredTags = try section.strings("require") ?? []
    reading.onlyTags = try section.strings("only") ?? []
    reading.languages = try section.strings("language") ?? []
    reading.deduplicates = try section.truth("deduplicate") ?? false
    reading.skipsBad = try section.truth("skip_bad") ?? false
    reading.limit = try section.integer("limit", atLeast: 1)
    if let asked = try section.string("benchmark"), asked != BenchmarkSettings.loss {
      var settings = BenchmarkSettings(asked)
      settings.variant = try section.string("variant")
      settings.shots = try section.strings("shots")?.map(path) ?? []
      settings.shotCount = try section.integer("shot_count", atLeast: 0)
      benchmark = settings
    }
    if section.node("counts") != nil {
      let counts = try section.section("counts", StudyKeys.counts)
      var found = Study.Counts()
      found.train = try counts.integer("train", atLeast: 0) ?? 0
      found.test = try counts.integer("test", atLeast: 0) ?? 0
      found.tokens = try counts.integer("tokens", atLeast: 1) ?? found.tokens
      found.labels = try counts.integer("labels", atLeast: 1) ?? found.labels
      self.counts = found
    }
    if roles.isEmpty {
      throw RunError("\(section.place) has no 'role'; it takes \(Study.Role.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if files.isEmpty == (train.isEmpty && test.isEmpty) {
      throw RunError("\(section.place) takes either 'train' and 'test', or 'data' that is split; give one of the two")
    }
    do { try reading.validate() } catch let error as SettingsError { throw RunError("\(section.place): \(error.message)") }
  }
}

extension Study.Training {
  init(_ section: StudySection) throws {
    self.init()
    settings = try section.decode(TrainingSettings.self, without: ["dtype", "max_length"])
    if settings.lowRank == nil, let key = LowRankSettings.names.first(where: { section.node($0) != nil }) {
      throw RunError("\(section.place): '\(key)' belongs to adapters; give their 'lora_rank', or leave it out")
    }
    settings.recordsWindows = false
    settings.keptCheckpoints = 1
    dtype = try section.choice("dtype", [.float32, .bfloat16]) ?? dtype
    maximumLength = try section.integer("max_length", atLeast: 2) ?? maximumLength
    // As the trainer itself checks them.
    var run = TrainingRun(model: "", data: [], out: "")
    run.training = settings
    do { try run.validate() } catch let error as SettingsError { throw RunError("\(section.place): \(error.message)") }
  }
}

extension Study.Table2 {
  init(_ section: StudySection) throws {
    self.init()
    targets = try section.strings("targets")
    candidates = try section.strings("candidates")
    total = try section.integer("total", atLeast: 1) ?? total
    keep = try section.integer("keep", atLeast: 1) ?? keep
    folds = try section.integer("folds", atLeast: 2) ?? folds
    randomDraws = try section.integer("random_draws", atLeast: 1) ?? randomDraws
    samples = try section.integer("samples", atLeast: 2)
    arms = try section.strings("arms")?.map { try section.choice($0, "arms", Arm.allCases) } ?? arms
    wrong = try section.strings("wrong") ?? []
  }
}

extension Study.Table3 {
  init(_ section: StudySection) throws {
    self.init()
    targets = try section.strings("targets")
    choose = try section.integers("choose", atLeast: 1) ?? choose
    randomDraws = try section.integer("random_draws", atLeast: 1) ?? randomDraws
    samples = try section.integer("samples", atLeast: 2)
    warmUpRate = try section.number("warm_up_lr", "above 0") { $0 > 0 } ?? warmUpRate
    dimension = try section.integer("dimension", atLeast: 1) ?? dimension
    methods = try Study.Method.list(section) ?? methods
    if let form = methods.first(where: { $0.scores.count > 1 || $0.weighsByReliability }) {
      throw RunError(
        "\(section.place): 'methods' has '\(form.name)', which is no way to choose yet; give one score and no weights here, and the form to 'retrieval'"
      )
    }
  }
}

/// A change of a study's file, as `--set` takes it.
private struct StudyChange {
  let path: [String]
  let value: Node
  let text: String

  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw SettingsError("\(setting: Setting("set")) takes KEY=VALUE, not '\(text)'")
    }
    self.text = text
    path = parts[0].split(separator: ".").map { String($0).replacing("-", with: "_") }
    do { value = try Yams.compose(yaml: parts[1]) ?? Node("", Tag(.null)) } catch {
      throw SettingsError("\(setting: Setting("set", value: text)): the value is not YAML")
    }
  }

  func apply(to node: inout Node) throws { node = try changed(node, path[...]) }

  private func changed(_ node: Node?, _ path: ArraySlice<String>) throws -> Node {
    guard let key = path.first else { return value }
    if let sequence = node?.sequence {
      // A model or task by its name, which may have dots and dashes, or an element by its number.
      var found: (place: Int, rest: ArraySlice<String>)?
      for (place, element) in sequence.enumerated() {
        let name = (element.mapping?["name"]?.string ?? "").replacing("-", with: "_").split(separator: ".").map(String.init)
        if !name.isEmpty, path.starts(with: name), path.count - name.count < (found?.rest.count ?? .max) {
          found = (place, path.dropFirst(name.count))
        }
      }
      if found == nil, let place = Int(key), sequence.indices.contains(place) { found = (place, path.dropFirst()) }
      guard let (place, rest) = found else {
        throw SettingsError("\(setting: Setting("set", value: text)): there is no '\(key)' in the study's file; name a model or task of it")
      }
      var elements = Array(sequence)
      elements[place] = try changed(elements[place], rest)
      return Node(elements)
    }
    var pairs = node?.mapping.map { $0.map { ($0.key, $0.value) } } ?? []
    if let place = pairs.firstIndex(where: { $0.0.string == key }) {
      pairs[place].1 = try changed(pairs[place].1, path.dropFirst())
    } else {
      pairs.append((Node(key), try changed(nil, path.dropFirst())))
    }
    return Node(pairs)
  }
}

/// Paths of a study's file.
enum StudyPaths {
  /// A path as seen from the working directory; a name in the Hugging Face cache stays as it is.
  static func seen(_ text: String, from folder: URL) -> String {
    let path = (text as NSString).expandingTildeInPath
    if path.hasPrefix("/") { return path }
    let there = folder.appending(path: path).relativePath
    if HuggingFaceCache.isRepositoryName(text), !FileManager.default.fileExists(atPath: there) { return text }
    return there
  }
}
