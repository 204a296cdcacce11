import FineTuning
import ActivationPatterns
import CheckpointFiles
public import Foundation
import Ground
import LanguageModels
import Runs
import Selection

/// A model as a plan sees it.
struct PlannedModel: Sendable {
  let model: Study.Model
  let dimensions: ModelDimensions
  /// Changes with any weight.
  let fingerprint: String
  /// Whether its weights are there.
  let isThere: Bool

  init(_ model: Study.Model) throws {
    self.model = model
    guard let folder = try? ModelFolder(named: model.path) else {
      guard let shape = model.shape.flatMap(PublishedShape.named) else {
        // The folder's own error tells how to get it.
        _ = try ModelFolder(named: model.path)
        throw RunError("the model '\(model.name)' is not there: \(model.path); get it, or name its 'shape'")
      }
      (dimensions, fingerprint, isThere) = (shape, "shape \(model.shape ?? "")", false)
      return
    }
    dimensions = try ModelDimensions(of: folder)
    let found = try? LanguageModel.fingerprint(of: folder)
    fingerprint = try found ?? Fingerprint(ofFile: folder.file("config.json")).digits
    isThere = found != nil
  }
}

/// Makes a study's plan: the steps that its tables and figures need, each once.
struct Planner {
  let study: Study
  let models: [PlannedModel]
  private(set) var parts: StudyParts
  private(set) var plan: StudyPlan
  /// Sizes of the parts, by step, for costs.
  private var sizes: [String: PartSize] = [:]

  /// - Parameter scope: the seed, where models and data are its own.
  init(_ study: Study, folder: URL, scope: UInt64? = nil) throws {
    self.study = study
    plan = StudyPlan(study, folder: folder, scope: scope)
    models = try study.models.map(PlannedModel.init)
    let material = try StudyMaterial(study)
    parts = try StudyParts(study, material)
    plan.notes = try parts.keepQuestionsApart()
    plan.missing =
      material.missing.map { "the data of \($0)" } + models.filter { !$0.isThere }.map { "the weights of \($0.model.name)" }
    for model in models {
      for item in StudyItems.all where study.makes(item.name, for: model.model) { try item.plan(&self, model) }
    }
  }

  /// The study's tasks of table 1 and figures 1, 2 and 5.
  var shownTasks: [Study.Task] { study.tasks([.basic, .complex], of: study.sets.first) }

  func costs(_ model: PlannedModel) -> CostModel { CostModel(dimensions: model.dimensions, study: study) }

  // MARK: Parts

  /// Plans the file of a part.
  /// - Returns: its path.
  @discardableResult
  mutating func write(_ part: PlannedPart) throws -> String {
    let out = plan.file("data.jsonl", of: part.step)
    try plan.add(part.step, parts.run(part, out: out))
    sizes[part.step] = part.size
    return out
  }

  /// How a model reads files of pairs.
  func pairs(_ files: [String], for model: PlannedModel) -> DataSettings {
    var data = DataSettings(files)
    data.format = "pairs"
    data.chat = model.model.chat
    data.maximumLength = study.training.maximumLength
    return data
  }

  // MARK: Models

  /// A model that a step reads: the base model, or what another step trained.
  struct Source {
    let path: String
    /// The training step; nil for the base model.
    let step: String?
    /// The step of the model that adapters lie on, where another step made it.
    var foundation: String?

    /// The steps that must be there to read it.
    var inputs: [String] { [step, foundation].compactMap(\.self) }
  }

  func base(_ model: PlannedModel) -> Source { Source(path: model.model.path, step: nil) }

  /// Whether what is read are float32 masters, and not the weights that the model was published with.
  func isMaster(_ source: Source) -> Bool {
    source.step != nil && (study.training.settings.lowRank == nil || source.foundation != nil)
  }

  func externals(_ model: PlannedModel, _ source: Source) -> [String: String] {
    source.step == nil ? ["model": model.fingerprint] : [:]
  }

  func modelSettings(_ source: Source, _ type: ElementType) -> ModelSettings {
    var settings = ModelSettings(source.path)
    settings.elementType = type
    settings.device = study.device
    settings.threads = study.threads
    settings.batchTokens = study.batchTokens
    return settings
  }

  // MARK: Training

  /// The updates of training on so many samples for the study's epochs.
  func updates(_ samples: Int) -> Int {
    let window = max(1, study.training.settings.windowSize)
    return (study.training.settings.epochs ?? 1) * ((samples + window - 1) / window)
  }

  /// Plans a fine-tuning.
  /// - Parameters:
  ///   - name: the step.
  ///   - source: what it starts from, with fresh optimiser and schedule.
  ///   - data: a step and its file.
  ///   - size: how much data that is.
  ///   - updates: updates; the study's epochs over the data where nil.
  ///   - isSizeKnown: whether the data will have just so many samples; otherwise it is gone through for the study's epochs, however many there are.
  ///   - probe: samples whose pattern is tracked, with questions whose loss is measured beside it.
  /// - Returns: what was trained: the checkpoint with float32 masters, or with adapters.
  mutating func train(
    _ name: String, _ model: PlannedModel, from start: Source, on data: (step: String, file: String), _ size: PartSize,
    updates: Int? = nil, isSizeKnown: Bool = true, seed: UInt64, probe: (probe: PlannedPart, questions: PlannedPart)? = nil
  ) throws -> Source {
    let steps = max(1, updates ?? self.updates(size.samples))
    let settings = study.training.settings
    let schedule = LearningRateSchedule(
      settings.schedule, peak: settings.learningRate, warmupRatio: settings.warmupRatio, totalUpdates: steps)
    if (0..<steps).allSatisfy({ schedule.rate(at: $0) == 0 }) {
      throw RunError(
        "\(name) would train for \(steps) update\(steps == 1 ? "" : "s") at the rate 0, all of it warm-up or the end of the schedule; give it more samples or epochs, a smaller \(setting: Setting("batch_size")) or a \(setting: Setting("warmup_ratio")) of 0"
      )
    }
    let source = try whole(start, model)
    let out = plan.file("model", of: name)
    var run = TrainingRun(model: source.path, data: [], out: out)
    run.model = modelSettings(source, study.training.dtype)
    run.data = pairs([data.file], for: model)
    run.training = settings
    run.training.seed = seed
    if isSizeKnown {
      (run.training.epochs, run.training.steps) = (nil, steps)
    } else {
      // The last checkpoint's name is not known beforehand; the model as it is written is, and in float32 it is the same.
      run.savedType = .float32
    }
    var inputs = source.inputs + [data.step]
    var cost = costs(model).training(size, updates: steps, settings.lowRank, fromMaster: isMaster(source))
    if let probe {
      run.track = try write(probe.probe)
      run.trackFormat = "pairs"
      run.training.trackingInterval = study.figure5.every
      inputs.append(probe.probe.step)
      if probe.questions.size.samples > 0 {
        run.evaluationData = try write(probe.questions)
        run.evaluationFormat = "pairs"
        run.training.evaluationInterval = study.figure5.every
        inputs.append(probe.questions.step)
      }
      let times = Double(steps / study.figure5.every + 2)
      let measured = costs(model).measuring(probe.probe.size, fromMaster: true)
      let evaluated = costs(model).evaluating(probe.questions.size, benchmark: nil, fromMaster: true)
      cost.operations += times * (measured.operations + evaluated.operations)
      cost.memory = max(cost.memory, cost.memory + (1 << 30))
    }
    try plan.add(name, run, reading: inputs, from: externals(model, source), cost: cost)
    return Source(
      path: isSizeKnown ? plan.file("model/headway/checkpoints/step-\(steps)", of: name) : out, step: name,
      foundation: settings.lowRank == nil ? nil : source.step)
  }

  /// What training starts from: a trained model's adapters are first added to the weights that they lie on.
  private mutating func whole(_ source: Source, _ model: PlannedModel) throws -> Source {
    guard study.training.settings.lowRank != nil, let step = source.step else { return source }
    let name = "\(step)/merged"
    var run = MergeRun(adapter: source.path, out: plan.file("model", of: name))
    run.savedType = .float32
    try plan.add(name, run, reading: source.inputs, cost: costs(model).merging())
    return Source(path: run.out, step: name)
  }

  // MARK: Measuring

  /// Plans a pattern with every sample's own levels.
  /// - Returns: its file.
  @discardableResult
  mutating func pattern(
    _ name: String, _ model: PlannedModel, _ source: Source, on data: [(step: String, file: String)], _ size: PartSize, task: String,
    scores: [Score]? = nil, tokens: Int? = nil
  ) throws -> String {
    let out = plan.file("pattern.safetensors", of: name)
    var run = PatternRun(model: source.path, data: [], out: out)
    run.model = modelSettings(source, study.dtype)
    run.data = pairs(data.map(\.file), for: model)
    run.task = task
    run.scores = scores ?? [study.score]
    run.keepsSamples = true
    run.tokens = tokens
    try plan.add(
      name, run, reading: source.inputs + data.map(\.step), from: externals(model, source),
      cost: costs(model).measuring(size, fromMaster: isMaster(source)))
    return out
  }

  /// Plans a pattern on one part.
  @discardableResult
  mutating func pattern(_ name: String, _ model: PlannedModel, _ source: Source, on part: PlannedPart, tokens: Int? = nil) throws -> String
  {
    let file = try write(part)
    return try pattern(name, model, source, on: [(part.step, file)], part.size, task: part.task, tokens: tokens)
  }

  /// Plans a change.
  /// - Returns: its file.
  @discardableResult
  mutating func change(_ name: String, before: String, after: String, relative: Bool = false) throws -> String {
    let out = plan.file("change.safetensors", of: name)
    var run = ChangeRun(
      before: plan.file("pattern.safetensors", of: before), after: plan.file("pattern.safetensors", of: after), out: out)
    run.isRelative = relative
    try plan.add(name, run, reading: [before, after])
    return out
  }

  /// The samples of each of the strongest heads that the page shows token by token.
  private static let shownSamples = 3

  /// Plans before → train → after → change of a task for a seed.
  mutating func changes(_ model: PlannedModel, _ task: Study.Task, seed: UInt64) throws {
    let names = StepNames(model: model.model.name, task: task.name, seed: seed)
    let probe = try parts.probe(task)
    let part = try parts.training(task, count: parts.trainingCount(ofSet: task.set), seed: seed)
    // What the page goes through: the first seed's.
    let tokens = seed == study.seeds.first ? Self.shownSamples : nil
    try pattern(names.before, model, base(model), on: probe, tokens: tokens)
    let isTracked = study.makes("figure-5", for: model.model) && shownTasks.contains { $0.name == task.name }
    let trained = try train(
      names.training, model, from: base(model), on: (part.step, write(part)), part.size, seed: seed,
      probe: isTracked ? (probe, parts.questions(task)) : nil)
    try pattern(names.after, model, trained, on: probe, tokens: tokens)
    try change(names.change, before: names.before, after: names.after)
  }

  /// Plans the fit of one change by others.
  /// - Returns: its file.
  @discardableResult
  mutating func fit(_ name: String, target: (name: String, step: String), basics: [(name: String, step: String)]) throws -> String {
    let out = plan.file("fit.json", of: name)
    func source(_ part: (name: String, step: String)) -> PatternSource {
      PatternSource(plan.file("change.safetensors", of: part.step), name: part.name)
    }
    var run = FitRun(target: source(target), basics: basics.map(source), out: out)
    run.subsets = min(2, basics.count)
    run.bootstrap = study.fit.bootstrap
    run.permutations = study.fit.permutations
    run.heldOut = study.fit.heldOut
    try plan.add(name, run, reading: [target.step] + basics.map(\.step))
    return out
  }

  /// Plans rows that stand for samples.
  /// - Parameter role: of gradients, which side of the inner product.
  /// - Returns: their file.
  mutating func represent(
    _ name: String, _ kind: RepresentationFile.Kind, _ model: PlannedModel, _ source: Source, _ files: [String], _ inputs: [String],
    _ size: PartSize, role: RepresentationFile.Role? = nil
  ) throws -> String {
    let out = plan.file("rows.safetensors", of: name)
    var run = RepresentRun(model: source.path, data: [], representation: kind, out: out)
    run.model = modelSettings(source, study.dtype)
    run.data = pairs(files, for: model)
    run.role = role
    if kind == .gradient { run.dimension = study.table3.dimension }
    var cost = costs(model).measuring(size, fromMaster: isMaster(source))
    // Gradients are taken at four checkpoints and stand for 8,192 numbers each; the others need no way back.
    cost.operations *= kind == .gradient ? 4 : 0.5
    cost.bytesWritten =
      4 * size.samples * (kind == .gradient ? 4 * study.table3.dimension : kind == .loss ? 1 : model.dimensions.hiddenSize)
    try plan.add(name, run, reading: source.inputs + inputs, from: externals(model, source), cost: cost)
    return out
  }

  /// Plans the warm-up of gradients: adapters trained on a twentieth of the pool for four epochs, a checkpoint each (LESS).
  mutating func warmUp(
    _ model: PlannedModel, _ files: [String], _ inputs: [String], _ size: PartSize, seed: UInt64, prefix: String? = nil
  ) throws -> Source {
    let name = "\(prefix ?? "\(model.model.name)/seed-\(seed)/warm-up")/train"
    let count = min(size.samples, max(64, size.samples / 20))
    let window = study.training.settings.windowSize
    let epoch = max(1, (count + window - 1) / window)
    let out = plan.file("model", of: name)
    var run = TrainingRun(model: model.model.path, data: [], out: out)
    run.model = modelSettings(base(model), study.training.dtype)
    run.data = pairs(files, for: model)
    run.data.sample = count
    run.data.seed = seed
    run.training = study.training.settings
    run.training.learningRate = study.table3.warmUpRate
    let lowRank = LowRankSettings(rank: 8, targets: ["all-linear"])
    run.training.lowRank = lowRank
    run.training.seed = seed
    (run.training.epochs, run.training.steps) = (nil, 4 * epoch)
    (run.training.saveInterval, run.training.keptCheckpoints) = (epoch, 4)
    try plan.add(
      name, run, reading: inputs, from: externals(model, base(model)),
      cost: costs(model).training(size.scaled(to: count), updates: 4 * epoch, lowRank, fromMaster: false))
    return Source(path: out, step: name)
  }

  /// Plans any other run.
  mutating func add(
    _ name: String, _ run: any Run, reading inputs: [String], from externals: [String: String] = [:], cost: StepCost = StepCost(),
    mayFail: Bool = false
  ) throws {
    try plan.add(name, run, reading: inputs, from: externals, cost: cost, mayFail: mayFail)
  }

  // MARK: Values

  /// Plans a target's loss, and its benchmark's value where it has one.
  mutating func evaluate(_ name: String, _ model: PlannedModel, _ source: Source, _ task: Study.Task) throws {
    let part = try parts.questions(task)
    let file = try write(part)
    let inputs = source.inputs + [part.step]
    var run = EvaluationRun(model: source.path, benchmark: BenchmarkSettings.loss, data: [])
    run.model = modelSettings(source, study.dtype)
    run.data = pairs([file], for: model)
    run.maximumLength = study.training.maximumLength
    run.out = plan.file("value.json", of: "\(name)/loss")
    try plan.add(
      "\(name)/loss", run, reading: inputs, from: externals(model, source),
      cost: costs(model).evaluating(part.size, benchmark: nil, fromMaster: isMaster(source)))
    guard let benchmark = task.benchmark else { return }
    var outside = externals(model, source)
    for (number, file) in benchmark.shots.enumerated() { outside["shots \(number)"] = try? Fingerprint(ofFile: URL(filePath: file)).digits }
    run.benchmark = benchmark
    run.data = parts.material.heldOut[task.name]?.reading ?? run.data
    run.maximumLength = nil
    run.out = plan.file("value.json", of: "\(name)/accuracy")
    run.predictions = plan.file("predictions.jsonl", of: "\(name)/accuracy")
    try plan.add(
      "\(name)/accuracy", run, reading: inputs, from: outside,
      cost: costs(model).evaluating(part.size, benchmark: benchmark.benchmark, fromMaster: isMaster(source)))
  }
}

/// The names of the steps that several tables and figures read.
struct StepNames {
  let model: String
  let task: String
  let seed: UInt64

  var before: String { "\(model)/before/\(task)" }
  var training: String { "\(model)/seed-\(seed)/\(task)/train" }
  var after: String { "\(model)/seed-\(seed)/\(task)/after" }
  var change: String { "\(model)/seed-\(seed)/\(task)/change" }
  var relative: String { "\(model)/seed-\(seed)/\(task)/relative-change" }
  var fit: String { "\(model)/seed-\(seed)/\(task)/fit" }

  /// What a target's questions come to for the model as it is.
  static func untouched(_ model: Study.Model, _ target: Study.Task) -> String { "\(model.name)/untouched/\(target.name)" }
}

extension StudyPlan {
  /// The plan of a study.
  /// - Parameters:
  ///   - study: what its file asks for.
  ///   - folder: the folder that it will fill; it need not exist.
  /// - Throws: `RunError` where models or data are neither there nor declared, or where a reported question would be learned or chosen from.
  public static func make(of study: Study, in folder: URL) throws -> StudyPlan {
    guard study.redraws else { return try Planner(study, folder: folder).plan }
    var plan = StudyPlan(study, folder: folder)
    for seed in study.seeds { try plan.join(Planner(study.drawn(for: seed), folder: folder, scope: seed).plan) }
    return plan
  }
}
