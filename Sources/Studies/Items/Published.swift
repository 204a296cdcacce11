/// What the paper reports, to stand beside a study's own figures. Models are known by their published shape's name.
enum Published {
  typealias Statistics = (gini: Double, cv: Double, kurtosis: Double)

  /// The name by which a model is known here.
  static func key(_ model: Study.Model) -> String { (model.shape ?? model.name).lowercased() }

  /// Table 1.
  static func table1(_ model: Study.Model) -> (before: Statistics, after: Statistics)? {
    switch key(model) {
    case "llama3-8b": ((0.50, 1.19, 95.37), (0.33, 0.71, 39.55))
    case "gemma-7b": ((0.48, 1.71, 240.99), (0.38, 1.23, 130.82))
    case "opt-6.7b": ((0.42, 1.06, 50.67), (0.38, 0.82, 24.23))
    default: nil
    }
  }

  /// Table 2, accuracies in percent by arm: MathBench.
  static func table2(_ model: Study.Model, _ arm: String, target: String) -> Double? {
    guard target.lowercased().contains("mathbench") else { return nil }
    let values: [String: Double]? =
      switch key(model) {
      case "llama-7b": ["untouched": 28.68, "target alone": 31.78, "random shares": 33.82, "fitted mixture": 36.82]
      case "llama2-7b": ["untouched": 29.07, "target alone": 36.43, "random shares": 34.51, "fitted mixture": 40.70]
      case "llama3-8b": ["untouched": 50.39, "target alone": 52.33, "random shares": 51.16, "fitted mixture": 55.03]
      default: nil
      }
    return values?[arm]
  }

  /// Table 3, accuracies in percent: untouched, chosen by patterns and random, the mean over four domains of MMLU.
  static func table3(_ model: Study.Model, _ arm: String, choose: Int) -> Double? {
    let place: Int
    switch choose {
    case 100: place = 0
    case 300: place = 1
    case 500: place = 2
    default: return nil
    }
    let values: (base: Double, chosen: [Double], random: [Double])
    switch key(model) {
    case "llama-7b": values = (30.00, [31.66, 36.15, 39.09], [30.33, 32.81, 34.68])
    case "llama2-7b": values = (35.08, [39.05, 40.51, 40.70], [37.06, 37.62, 37.95])
    case "llama3-8b": values = (56.75, [57.39, 57.95, 57.51], [56.19, 56.37, 56.19])
    default: return nil
    }
    switch arm {
    case "untouched": return values.base
    case "random": return values.random[place]
    case "pattern, mean": return values.chosen[place]
    default: return nil
    }
  }

  /// Figure 4's best pairs, by the complex task.
  static func figure4(_ target: String) -> (pair: String, r2: Double)? {
    switch target.lowercased() {
    case "sgsm": ("CodeSearchNet + GSM8K", 0.97)
    case "logical-programming": ("logical reasoning + programming", 0.95)
    default: nil
    }
  }
}
