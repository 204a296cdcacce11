import Foundation
import Ground
public import Runs

/// A study's file to start from, with a comment on every line that a person changes.
public enum StudyTemplate: String, Sendable, CaseIterable {
  /// The paper's: five models, eleven datasets, the settings of its appendix B.
  case paper
  /// Every table and figure that the data allows, for one model, in budgets that a processor finishes.
  case small
  /// One model and one task: before, fine-tuning, after, change, statistics.
  case task

  /// The file's text.
  /// - Parameters:
  ///   - model: a model folder or `owner/name`; the paper's study names its own.
  ///   - data: the tasks' data; the paper's study names its own.
  /// - Throws: `SettingsError` where the template lacks one of them, or has no place for it.
  public func text(model: String?, data: [TaskFile]) throws -> String {
    let (modelSetting, dataSetting) = (Setting("model"), Setting("data"))
    guard self != .paper else {
      guard model == nil, data.isEmpty else {
        throw SettingsError(
          "the paper's study names its own models and data; change them in its file, not by \(setting: modelSetting) and \(setting: dataSetting)"
        )
      }
      return PaperTemplate.text
    }
    guard let model else { throw SettingsError("\(setting: modelSetting) is missing: which model the study is of") }
    guard !data.isEmpty else { throw SettingsError("\(setting: dataSetting) is missing: the data of the study's tasks, as NAME=FILE") }
    if self == .task, data.count > 1 {
      throw SettingsError(
        "\(setting: dataSetting) names \(data.count) files, and a task's study has one; take the study 'small' for several")
    }
    let names = data.map { Self.folderName($0.name) }
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw SettingsError("\(setting: dataSetting) gives two files the name '\(twice)'; give them as NAME=FILE")
    }
    return self == .task ? Self.task(model, (names[0], data[0].path)) : Self.small(model, Array(zip(names, data.map(\.path))))
  }

  /// A text as YAML writes it in quotes.
  static func quoted(_ text: String) -> String {
    (try? HeadwayJSON.encoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }

  private static func folderName(_ text: String) -> String {
    let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._+-".contains($0)) ? $0 : "-" })
    return name.isEmpty || name.hasPrefix(".") ? "task-\(name)" : name
  }

  private static func modelName(_ path: String) -> String { folderName(URL(filePath: path).lastPathComponent) }

  private static let settings = """
    training:
      lr: 1e-5             # the greatest learning rate; the paper's 1e-6 is for models of billions of weights
      epochs: 3
      batch_size: 4        # sequences that go through the model together
      accumulate: 2        # batches of an update
      dtype: float32       # what passes compute in; bfloat16 is faster where the processor has it
      max_length: 512      # the most tokens of a sample
    dtype: float32         # what patterns and values are computed in

    """

  private static func task(_ model: String, _ data: (name: String, path: String)) -> String {
    """
    # One model, one task: before, fine-tuning, after, change, statistics.
    #   headway study run study.yaml --dry-run     the plan and what it takes
    #   headway study run study.yaml               what is done is not done again
    study: \(quoted("\(modelName(model)) on \(data.name)"))
    make: [table-1, figure-1, figure-5]
    models:
      - name: \(quoted(modelName(model)))
        path: \(quoted(model))
    tasks:
      - name: \(quoted(data.name))
        role: basic
        data: \(quoted(data.path))     # split by seed; or 'train' and 'test' with the published parts
        hold_out: 0.2        # the share on which patterns are measured
        # format: gsm8k      # recognised by the fields where it is left out
    \(settings)score: magnitude       # or signed, token, saliency
    seeds: [0]             # several give intervals: [0, 1, 2]
    budgets:
      train: 1000          # the most samples that are trained on
      probe: 200           # the most held-out samples that a pattern is measured on
      questions: 200       # the most held-out samples that the loss of figure 5 is taken from
    figure_5:
      every: 10            # updates between two measurements

    """
  }

  /// The last file is what is to be learned, the one before it a complex task, the others are basic ones and the pool.
  private static func small(_ model: String, _ data: [(name: String, path: String)]) -> String {
    let hasTarget = data.count >= 3
    let hasComplex = data.count >= 4
    var items = ["table-1", "figure-1"] + (data.count > 1 ? ["figure-2"] : []) + (hasComplex ? ["figure-4"] : []) + ["figure-5"]
    if hasTarget { items += ["table-2"] + (StudyItems.paperNames.contains("table-3") ? ["table-3"] : []) }
    let tasks = data.enumerated().map { index, file in
      let isTarget = hasTarget && index == data.count - 1
      let isComplex = hasComplex && index == data.count - 2
      let role = isTarget ? "target" : isComplex ? "complex" : hasTarget ? "[basic, pool]" : "basic"
      return """
          - name: \(quoted(file.name))
            role: \(role)
            data: \(quoted(file.path))
            # group: mathematics         # or text: figure 2 compares correlations within groups and between them

        """
    }.joined()
    return """
      # Every table and figure that these tasks allow, small enough for a processor.
      # Roles: basic tasks explain complex ones and are mixed and chosen from; a target is what is to be learned, and its held-out questions are
      # what values are reported on.
      study: \(quoted("\(modelName(model)), \(data.count) tasks"))
      make: [\(items.joined(separator: ", "))]
      models:
        - name: \(quoted(modelName(model)))
          path: \(quoted(model))
      tasks:
      \(tasks)\(settings)score: magnitude       # or signed, token, saliency
      seeds: [0, 1, 2]       # with one seed there is no interval, with two a very wide one
      leaks: refuse          # or drop: what is done about a training sample that is also a question
      budgets:
        train: 200           # the most samples that a task is trained on
        probe: 100           # the most held-out samples that a pattern is measured on
        questions: 100       # the most questions that a value is taken from
        pool: 200            # the most samples of each pool task
      fit:
        permutations: 1000   # shuffles of heads that test R²
      figure_5:
        every: 5             # updates between two measurements
      table_2:
        total: 200           # samples of a mixture
        keep: 2              # tasks that it keeps
        folds: 3             # folds of the target's own samples, inside which its change is measured
        samples: 60          # the target's own samples that are trained on
        random_draws: 2      # random shares a seed, of which the mean counts
      table_3:
        samples: 60          # the target's own samples that stand for it
        choose: [50]         # samples that are chosen
        methods:
          - {representation: pattern, algorithm: mean}
          - {representation: length}
        random_draws: 2

      """
  }
}
