import ArgumentParser
import Runs

/// The worked questions that a benchmark's questions follow.
struct ShotOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Files of the benchmark's training or dev part, whose first items are shown before questions; Headway's own shots where left out.",
      valueName: "file"), completion: .file())
  var shots: [String] = []

  @Option(help: ArgumentHelp("How many shots; the variant's number where left out.", valueName: "n"))
  var shotCount: Int?

  /// The settings of a benchmark that is asked this way.
  func settings(_ benchmark: BenchmarkName, variant: String?) -> BenchmarkSettings {
    var settings = BenchmarkSettings(benchmark.name)
    settings.variant = variant
    settings.shots = shots
    settings.shotCount = shotCount
    return settings
  }
}
