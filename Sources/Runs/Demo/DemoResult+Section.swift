import Ground
import Reports

extension DemoResult {
  /// What a stranger reads first: what a pattern is, what was done here, and what came of it.
  func sections() -> [ReportPage.Section] { [idea, world, uses] }

  private func percent(_ share: Double?) -> String { share.map { "\(NumberText.fixed(100 * $0, decimals: 0)) %" } ?? "–" }
  private func figure(_ value: Double?, _ decimals: Int = 2) -> String { NumberText.fixed(value, decimals: decimals) }

  private var idea: ReportPage.Section {
    let shown = skills.last.map { skill in [("\(skill.name) before", skill.before), ("\(skill.name) after", skill.after)] } ?? []
    let map = HeatMap(
      panels: shown.map { title, levels in
        .init(title: title, layers: levels.count, heads: levels.first?.count ?? 0, values: levels.flatMap(\.self).map { .some($0) })
      }, valueName: "level")
    return ReportPage.Section(
      title: "What an activation pattern is",
      paragraphs: [
        "A language model reads text through attention heads: small units, several in each layer, that each look back at earlier text in a way of their own. Which heads a task needs cannot be seen from outside. Headway measures it.",
        "Give the model a question and the right answer. Its loss says how surprised it is by that answer: 0 for not at all, more for worse. Now turn one head up or down by a hair: the loss changes a little or a lot. How much it changes is the head's level. Averaged over a task's questions, the levels of all heads are the task's activation pattern: one number for every head, drawn as a map of layers and heads.",
        "Measured before and after a model was trained on a task, the two patterns show what the training did to the heads. This page asks what such patterns are good for: do they tell which tasks belong together, which data helps, and which heads matter? The world is small, so that all of it could be made and tried in minutes; what holds here need not hold for large models.",
      ],
      pictures: shown.isEmpty
        ? []
        : [
          .init(
            map,
            caption:
              "One puzzle of the small world below: every square is a head, its colour the head's level.")
        ])
  }

  private var world: ReportPage.Section {
    ReportPage.Section(
      title: "The small world",
      paragraphs: [
        "A small Llama was trained from nothing on text about puzzles with words and numbers (seed \(seed)). The text shows the basic kinds in six forms and the complex ones not at all; below they are asked in a form that the text never has, so the model half knows what to do at best. For each kind of puzzle the model was then fine-tuned on examples, and asked the same questions, which no training had shown, before and after. The last \(fits.count) kinds are complex: each takes two of the basic ones together.",
        overview,
      ],
      tables: [
        ReportPage.Table(
          title: "Shares of questions answered rightly, to the letter; losses in nats a token",
          columns: [
            ("puzzle", false), ("what is asked", false), ("a question", false), ("answer", false), ("right before", true),
            ("right after", true),
            ("loss before", true), ("loss after", true), ("concentration (Gini) before", true), ("after", true),
          ],
          rows: skills.map { skill in
            [
              skill.name, skill.about + (skill.parts.isEmpty ? "" : " (\(skill.parts.joined(separator: " + ")))"),
              skill.prompt.replacingLineFeeds, skill.answer, percent(skill.rightBefore), percent(skill.rightAfter),
              figure(skill.lossBefore),
              figure(skill.lossAfter), figure(skill.giniBefore), figure(skill.giniAfter),
            ]
          })
      ])
  }

  /// What fine-tuning did to loss and levels over all skills.
  private var overview: String {
    let learned = skills.count { ($0.lossAfter ?? .infinity) < ($0.lossBefore ?? -.infinity) }
    let fell = skills.count { ($0.levelAfter ?? .infinity) < ($0.levelBefore ?? -.infinity) }
    let spread = skills.count { ($0.giniAfter ?? .infinity) < ($0.giniBefore ?? -.infinity) }
    return
      "Fine-tuning lowered the loss of \(learned) of \(skills.count) kinds. The mean level fell in \(fell) of them: a model that is sure of its answer depends less on any single head. The Gini coefficient says how concentrated a pattern is, 0 where all heads share the work equally and near 1 where one does it all; it fell in \(spread) of \(skills.count), where it fell in the large models of the paper that Headway implements."
  }

  private var uses: ReportPage.Section {
    var paragraphs = fits.map(\.sentence)
    if let tracking { paragraphs.append(tracking.sentence) }
    paragraphs += comparisons.map(\.sentence)
    if let ablation { paragraphs.append(ablation.sentence) }
    paragraphs.append(
      "One seed is one story, and another seed tells another; the figures of this one are in demo.json, and all that is behind them in the files below."
    )
    return ReportPage.Section(
      title: "What the patterns were good for here", paragraphs: paragraphs,
      tables: comparisons.map { comparison in
        ReportPage.Table(
          title: "Models for \(comparison.target) by the data they were trained on",
          columns: [("trained on", false), ("loss on its questions", true), ("answered rightly", true), ("folder in arms/", false)],
          rows: comparison.arms.map { [$0.about, figure($0.loss, 3), percent($0.right), $0.name] })
      })
  }
}

extension DemoResult.Fit {
  /// What the fit says about which skills belong together.
  fileprivate var sentence: String {
    let pair = parts.joined(separator: " and ")
    let figure = { (value: Double?) in NumberText.fixed(value, decimals: 2) }
    let start =
      "Which basic skills is \(target) made of? By design of \(pair). Its change was explained as a sum of the changes of two basic skills, for all \(pairs) pairs; R² says how well, 1 for wholly."
    guard let place else { return "\(start) The fit says nothing here." }
    let found =
      place == 1
      ? "The right pair came first (R² \(figure(r2)))."
      : "The right pair came \(place == 2 ? "second" : "in place \(place)") (R² \(figure(r2))); first was \(best.joined(separator: " and ")) (\(figure(bestR2)))."
    let sure =
      first.map {
        " Where the questions are drawn again by chance, the right pair is first in \(NumberText.fixed(100 * $0, decimals: 0)) % of draws."
      } ?? ""
    return "\(start) \(found)\(sure) Guesses would put it in place \((pairs + 1) / 2) on average."
  }
}

extension DemoResult.Tracking {
  fileprivate var sentence: String {
    let likeness = NumberText.fixed(correlation, decimals: 2)
    let start =
      "How fast does a pattern move? While the model learned \(skill), its pattern was measured again and again. At the end it was like the first by a correlation of \(likeness) (1 is the same)"
    guard let mostAfter else { return start + "." }
    return start + "; 90 % of the way was done after \(mostAfter) of \(steps) updates, or \(mostAfter * window) samples."
  }
}

extension DemoResult.Comparison {
  fileprivate var sentence: String {
    let made = shares.filter { $0.count > 0 }.map { "\($0.count) of \($0.name)" }.joined(separator: ", ")
    let start =
      switch kind {
      case .mixture:
        "Which data helps a task of which there are few samples? The change that \(target) makes was measured on its own few samples and fitted by those of the basic skills, and data of these was mixed in that proportion: \(made)."
      case .selection:
        "And sample by sample? Of a pool of basic skills and look-alikes, those samples were chosen whose patterns are most like \(target)'s: \(made)."
      }
    let percent = { (share: Double) in "\(NumberText.fixed(100 * share, decimals: 0)) %" }
    let related =
      relatives.flatMap { share in
        relativesByChance.map {
          " \(percent(share)) of it belongs to the two skills that \(self.target) takes together, where chance would give \(percent($0))."
        }
      } ?? ""
    guard let difference else { return start + related }
    let size = NumberText.fixed(abs(difference.estimate), decimals: 3)
    let range = "[\(NumberText.fixed(difference.low, decimals: 3)), \(NumberText.fixed(difference.high, decimals: 3))]"
    let verdict =
      difference.high < 0
      ? "The model that was trained on it is better than with data by chance: its loss is lower by \(size) \(range)."
      : difference.low > 0
        ? "The model that was trained on it is worse than with data by chance: its loss is higher by \(size) \(range)."
        : "The model that was trained on it is no better than with data by chance: the losses differ by \(size), and that could be nothing \(range)."
    return "\(start)\(related) \(verdict)\(alone)"
  }

  /// What the target's own samples alone are worth, where no other data beat them.
  private var alone: String {
    guard let method = arms.first?.loss,
      let best = arms.dropFirst(2).compactMap({ arm in arm.loss.map { (arm, $0) } }).min(by: { $0.1 < $1.1 }), best.1 <= method
    else { return "" }
    return
      " But \(best.0.about) did better (\(NumberText.fixed(best.1, decimals: 3)) where this data led to \(NumberText.fixed(method, decimals: 3))): here neither was worth adding."
  }
}

extension DemoResult.Ablation {
  fileprivate var sentence: String {
    let start =
      "Does a level say what happens when a head is switched off? Each of the \(heads) heads of the model that had learned \(skill) was switched off by itself. True and predicted change of the loss have a correlation of \(NumberText.fixed(pearson, decimals: 2)) over heads (by rank \(NumberText.fixed(spearman, decimals: 2)))"
    let verdict =
      (spearman ?? 0) > 0.5
      ? ": the levels are a fair guide." : ": the levels are a poor guide here, as they say what a small turn does and no more."
    let head =
      worst.map {
        " The head that was missed most is \($0) (layer:head), whose loss costs \(NumberText.fixed(worstChange, decimals: 2)) nats a token."
      } ?? ""
    return start + verdict + head
  }
}

extension String {
  /// A text of several lines in one.
  fileprivate var replacingLineFeeds: String { split(separator: "\n", omittingEmptySubsequences: false).joined(separator: " ⏎ ") }
}
