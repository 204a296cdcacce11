import ActivationPatterns
import ArgumentParser
import Runs

/// How pattern and change files are put side by side.
struct ComparisonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Which score to look at, where the files hold several.", valueName: "name"))
  var score: Score?

  @Flag(help: "Go on where models, scores, measurements or kinds of file differ.")
  var mixed = false
}

/// How samples are drawn again.
struct BootstrapOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Give 95% intervals from N resamples; needs files measured with --per-sample.", valueName: "n"))
  var bootstrap: Int?

  @Option(help: ArgumentHelp("Seeds what is drawn.", valueName: "n"))
  var seed: UInt64 = 0
}
