public import ActivationPatterns
public import ArgumentParser
public import FineTuning
public import Probing
public import Runs
public import Selection

// How settings of the libraries are written as arguments. The parser names the option and the value in its own error.

extension PatternMeasurement.Loss: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { description }
}

extension ActivationMemory: ExpressibleByArgument {}

extension DemoRun.Size: ExpressibleByArgument {}

extension DeviceName: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { description }
}

extension DataSettings.Part: ExpressibleByArgument {}

extension Score: ExpressibleByArgument {}

extension NamedBenchmark: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Mixture.Shares: ExpressibleByArgument {}

extension SelectRun.Grouping: ExpressibleByArgument {}

extension RepresentationFile.Kind: ExpressibleByArgument {}

extension RepresentationFile.Role: ExpressibleByArgument {}

extension WarmUp.Choice: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { description }
}

extension TaskFile: ExpressibleByArgument {
  public init?(argument: String) { self.init(text: argument) }
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
