import Foundation
import Ground
import Instructions
import Runs
import StrictJSON

/// What a plan knows of one sample: where it lies, what it is, and how long.
struct PlannedSample: Sendable {
  /// Its place among the samples that its reading gives.
  var place: Int
  /// A fingerprint of its texts.
  var content: UInt64
  /// A fingerprint of its prompt.
  var question: UInt64
  /// A fingerprint of what is asked, without the words around it: the longest field of the record that is part of the prompt. One question has
  /// one core through whatever template.
  var core: UInt64
  /// Tokens, and those of the response; estimated from bytes.
  var tokens: Int
  var labels: Int
  /// The beginning of its prompt, for messages.
  var beginning: String

  init(_ sample: Sample, place: Int, maximumLength: Int) {
    self.place = place
    let instruction = sample.instruction
    content = instruction.contentFingerprint
    let prompt = instruction.prompt.isEmpty ? instruction.response : instruction.prompt
    question = Fingerprint(of: Self.normal(prompt)).value
    var longest = ""
    for field in sample.fields.fields {
      if let text = field.value.string, text.utf8.count > max(24, longest.utf8.count), prompt.contains(text) { longest = text }
    }
    core = longest.isEmpty ? question : Fingerprint(of: Self.normal(longest)).value
    let all = instruction.pieces.reduce(0) { $0 + Self.tokens($1.text) }
    let answers = instruction.pieces.reduce(0) { $1.carriesLoss ? $0 + Self.tokens($1.text) : $0 }
    tokens = min(maximumLength, all + 2)
    labels = max(0, min(answers + 1, tokens - (all - answers)))
    beginning = String(prompt.prefix(60))
  }

  /// Words apart by one space, in small letters.
  private static func normal(_ text: String) -> String {
    text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// A token is about three and a half bytes of a text.
  private static func tokens(_ text: String) -> Int { (text.utf8.count * 2 + 6) / 7 }
}

/// A side of a task: its samples, or no more than their number where the data is not there.
struct TaskSide: Sendable {
  /// How it is read.
  var reading: DataSettings
  /// The samples that have something to learn from; empty where the data is not there.
  var samples: [PlannedSample] = []
  /// Sizes declared in the file; nil where the data was read.
  var declared: PartSize?

  /// How many samples there are.
  var count: Int { declared?.samples ?? samples.count }
}

/// The data of a study as its plan sees it.
struct StudyMaterial: Sendable {
  /// What is learned from, by task.
  private(set) var training: [String: TaskSide] = [:]
  /// What is held out, by task. Of a target, its questions.
  private(set) var heldOut: [String: TaskSide] = [:]
  /// Tasks whose data is not there.
  private(set) var missing: [String] = []

  /// Reads the data that is there.
  /// - Throws: `RunError` for data that is neither there nor declared, `DataError` for what cannot be read.
  init(_ study: Study) throws {
    for task in study.tasks {
      let files = task.files + task.train + task.test
      if let lacking = files.first(where: { !Self.isThere($0) }) {
        guard let counts = task.counts else {
          throw RunError(
            "the data of the task '\(task.name)' is not there: \(lacking); get it, or declare its 'counts' to make a plan without it")
        }
        missing.append(task.name)
        func size(_ count: Int, _ budget: Int?) -> PartSize {
          let count = min(count, budget ?? count)
          return PartSize(samples: count, tokens: count * min(counts.tokens, study.training.maximumLength), labels: count * counts.labels)
        }
        training[task.name] = TaskSide(reading: Self.reading(task, isTest: false, study), declared: size(counts.train, task.reading.limit))
        let budget = task.has(.target) ? study.budgets.questions : task.reading.limit
        heldOut[task.name] = TaskSide(reading: Self.reading(task, isTest: true, study), declared: size(counts.test, budget))
        continue
      }
      for isTest in [false, true] where !(isTest ? task.test : task.train).isEmpty || !task.files.isEmpty {
        if isTest, task.roles == [.pool] { continue }
        var side = TaskSide(reading: Self.reading(task, isTest: isTest, study))
        side.samples = try Self.read(side.reading, study.training.maximumLength)
        if isTest { heldOut[task.name] = side } else { training[task.name] = side }
      }
    }
  }

  private static func isThere(_ file: String) -> Bool {
    FileManager.default.fileExists(atPath: file)
      || (HuggingFaceCache.isRepositoryName(file)
        && HuggingFaceCache().repository(.dataset, named: file).flatMap(HuggingFaceCache.snapshot) != nil)
  }

  /// How a side of a task is read.
  private static func reading(_ task: Study.Task, isTest: Bool, _ study: Study) -> DataSettings {
    var reading = task.reading
    reading.maximumLength = study.training.maximumLength
    reading.seed = study.splitSeed
    if task.files.isEmpty {
      reading.files = (isTest ? task.test : task.train).map { TaskFile($0) }
      reading.split = isTest ? task.testSplit : task.trainSplit
    } else {
      reading.files = task.files.map { TaskFile($0) }
      // Of data that is only chosen from, nothing is held out.
      if task.roles != [.pool] {
        reading.holdOut = task.holdOut
        reading.part = isTest ? .test : .train
      }
    }
    // Questions are drawn as the benchmark itself draws them.
    if isTest, task.has(.target) { reading.sample = study.budgets.questions }
    return reading
  }

  private static func read(_ reading: DataSettings, _ maximumLength: Int) throws -> [PlannedSample] {
    let reader = try reading.dataset().instructions()
    var samples: [PlannedSample] = []
    var place = 0
    while let sample = try reader.nextSample() {
      if sample.instruction.isLearnable { samples.append(PlannedSample(sample, place: place, maximumLength: maximumLength)) }
      place += 1
    }
    return samples
  }

  /// Takes samples out.
  mutating func drop(from task: String, heldOut isHeldOut: Bool, _ places: Set<Int>) {
    if isHeldOut {
      heldOut[task]?.samples.removeAll { places.contains($0.place) }
    } else {
      training[task]?.samples.removeAll { places.contains($0.place) }
    }
  }
}

extension DataSettings {
  /// The dataset that is read, without a tokenizer.
  func dataset() throws -> Dataset { try dataset(datasetOptions()) }
}
