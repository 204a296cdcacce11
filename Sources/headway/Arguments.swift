public import ActivationPatterns
public import ArgumentParser
import CheckpointFiles
import Evaluation
public import FineTuning
import Instructions
public import Probing
public import Runs
public import Selection

// How settings of the libraries are written as arguments. The parser names the option and the value in its own error.

extension PatternMeasurement.Loss: ExpressibleByArgument {}

extension ActivationMemory: ExpressibleByArgument {}

extension DemoRun.Size: ExpressibleByArgument {}

extension DeviceName: ExpressibleByArgument {}

extension DataSettings.Part: ExpressibleByArgument {}

extension Score: ExpressibleByArgument {}

extension NamedBenchmark: ExpressibleByArgument {}

extension Mixture.Shares: ExpressibleByArgument {}

extension SelectRun.Grouping: ExpressibleByArgument {}

extension LearningRateSchedule.Form: ExpressibleByArgument {}

extension RepresentationFile.Kind: ExpressibleByArgument {}

extension RepresentationFile.Role: ExpressibleByArgument {}

extension WarmUp.Choice: ExpressibleByArgument {}

extension TaskFile: ExpressibleByArgument {}

extension PatternSource: ExpressibleByArgument {}

extension PatternShard: ExpressibleByArgument {}

extension NamedFile where Self: ExpressibleByArgument {
  /// Reads `FILE` or `NAME=FILE`; nil where no file is named.
  public init?(argument: String) {
    self.init(text: argument)
    if path.isEmpty { return nil }
  }
}

/// A name among those that a library knows.
protocol KnownName: ExpressibleByArgument {
  init(name: String)
  /// The name.
  var name: String { get }
  /// All names that there are.
  static var known: [String] { get }
}

extension KnownName {
  init?(argument: String) {
    guard Self.known.contains(argument) else { return nil }
    self.init(name: argument)
  }

  static var allValueStrings: [String] { known }

  static var defaultCompletionKind: CompletionKind { .list(known) }
}

/// A format in which data is published.
struct FormatName: KnownName {
  let name: String
  static var known: [String] { DatasetFormats.names }
}

/// A chat form, or `own` for the model's.
struct ChatName: KnownName {
  let name: String
  static var known: [String] { ChatForm.allCases.map(\.rawValue) + ["own"] }
}

/// A benchmark, or `loss`.
struct BenchmarkName: KnownName {
  let name: String
  static var known: [String] { Benchmarks.all.map(\.name) + [BenchmarkSettings.loss] }
}

/// Names of element types, and `auto` for the input's own.
protocol ElementTypeName: ExpressibleByArgument, CaseIterable, RawRepresentable<String> {}

extension ElementTypeName {
  /// The type; nil for `auto`.
  var elementType: ElementType? { ElementType(rawValue: rawValue) }
}

/// What `--dtype` takes.
enum ComputedType: String, ElementTypeName {
  case auto, bfloat16, float16, float32, float64
}

/// What `--save-dtype` takes: the types that a model can be written in.
enum SavedType: String, ElementTypeName {
  case auto, float32, bfloat16
}

/// Several scores, joined by commas.
struct ScoreList: ExpressibleByArgument {
  var scores: [Score]
  init(_ scores: [Score]) { self.scores = scores }

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    scores = names.compactMap { Score(rawValue: String($0)) }
    guard scores.count == names.count else { return nil }
  }

  var defaultValueDescription: String { scores.map(\.rawValue).joined(separator: ",") }
}
