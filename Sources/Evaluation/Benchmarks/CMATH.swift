import Instructions

/// Chinese word problems of grades 1 to 6 (Wei et al. 2023). OpenCompass has no configuration for them: they are asked as MathBench's cloze questions,
/// for which they stand in.
struct CMATH: Benchmark {
  let name = "cmath"
  let formats = ["cmath"]
  let variants: [any Variant] = [ClozeForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample)
    item.answer = item.answer?.stripped
    item.subject = sample.instruction.tags.first
    return item
  }

  /// MathBench's `mathbench_gen_7b734b` for `cloze_cn`.
  private struct ClozeForm: Variant {
    let name = "gen_7b734b"
    let shots: ShotPlan? = ShotPlan(count: 8, own: OwnShots.chineseWordProblems)

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      [try Cloze(inChinese: true).question(item, shots)]
    }
  }
}
