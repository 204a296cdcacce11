import Ground
import Instructions

/// GSM8K in eleven languages (Shi et al. 2022), 250 questions in each.
struct MGSM: Benchmark {
  let name = "mgsm"
  let formats = ["mgsm"]
  let variants: [any Variant] = [OpenCompassForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample)
    item.answer = item.answer?.stripped
    item.subject = item.language
    return item
  }

  /// OpenCompass's `mgsm_gen_d967bc`.
  private struct OpenCompassForm: Variant {
    let name = "gen_d967bc"
    let metric = Metric.meanOfSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      let language = try Language.of(item)
      let rules: [ExtractionRule] = [.number(behind: language.answer), .flexibleExtractWithoutPunctuation, .wholeOutput]
      let generation = Generation(maximumTokens: 512, key: item.answer, rules: rules)
      return [Question(item, preamble: "", text: "\(language.instruction)\n\n\(item.question)", task: .generation(generation))]
    }
  }

  /// lm-evaluation-harness's `mgsm_direct_…`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 0, own: [])
    let metric = Metric.meanOfSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      let language = try Language.of(item)
      var preamble = ""
      for shot in try shots.first(ofSubject: item.subject) {
        preamble += Harness.shot(asked(shot, language), try shot.publishedAnswer(), delimiter: "")
      }
      let rules: [ExtractionRule] = [.wholeOutput, .flexibleExtractWithoutPunctuation, .number(behind: language.answer)]
      let generation = Generation(
        stops: [language.stop, "</s>", "<|im_end|>"], maximumTokens: Harness.maximumTokens, key: item.answer, rules: rules)
      return [Question(item, preamble: preamble, text: asked(item, language), task: .generation(generation))]
    }

    private func asked(_ item: Item, _ language: Language) -> String { "\(language.question)\(item.question)\n\(language.harnessAnswer)" }
  }

  /// The words of a language's prompts.
  private struct Language {
    /// OpenCompass's instruction before the question.
    let instruction: String
    /// OpenCompass's word for "answer", behind which it reads the number.
    let answer: String
    /// lm-evaluation-harness's words before the question, with the space behind them.
    let question: String
    /// lm-evaluation-harness's words behind the question.
    let harnessAnswer: String
    /// The text at which lm-evaluation-harness ends an answer.
    var stop: String { question.stripped }

    init(_ instruction: String, _ answer: String, _ question: String, _ harnessAnswer: String = "Answer:") {
      self.instruction = instruction
      self.answer = answer
      self.question = question
      self.harnessAnswer = harnessAnswer
    }

    static func of(_ item: Item) throws(EvaluationError) -> Language {
      guard let language = all[item.language ?? ""] else {
        throw EvaluationError(
          "the question at index \(item.index) names no language of MGSM; its field 'dataset' should end in one of \(all.keys.sorted().joined(separator: ", ")), as in mgsm-zh"
        )
      }
      return language
    }

    private static let all: [String: Language] = [
      "bn": Language(
        #"এই গণিতের সমস্যাটি সমাধান করুন। চূড়ান্ত উত্তর দেওয়ার আগে যুক্তিসম্পন্ন পদক্ষেপ প্রদান করুন। চূড়ান্ত উত্তরটি একক সংখ্যা হিসাবে "উত্তর:" এর পরে শেষ লাইনে দিন। "উত্তর:" এর পরে অন্য কিছু যুক্ত করবেন না।."#,
        "উত্তর", "প্রশ্ন: "),
      "de": Language(
        #"Löse dieses Mathematikproblem. Gib die Schritte zur Begründung an, bevor du die endgültige Antwort in der letzten Zeile alleine im Format "Antwort:" gibst. Füge nichts anderes als die ganzzahlige Antwort nach "Antwort:" hinzu."#,
        "Antwort", "Frage: ", "Antwort:"),
      "en": Language(
        #"Solve this math problem. Give the reasoning steps before giving the final answer on the last line by itself in the format of "Answer:". Do not add anything other than the integer answer after "Answer:"."#,
        "Answer", "Question: "),
      "es": Language(
        #"Resuelve este problema matemático. Proporciona los pasos de razonamiento antes de dar la respuesta final en la última línea por sí misma en el formato de "Respuesta:". No añadas nada más que la respuesta entera después de "Respuesta:"."#,
        "Respuesta", "Pregunta: ", "Respuesta:"),
      "fr": Language(
        #"Résolvez ce problème de mathématiques. Donnez les étapes de raisonnement avant de fournir la réponse finale sur la dernière ligne elle-même dans le format de "Réponse:". N'ajoutez rien d'autre que la réponse entière après "Réponse:"."#,
        "Réponse", "Question : ", "Réponse :"),
      "ja": Language(
        #"の数学の問題を解いてください。最終的な答えを出す前に、解答の推論過程を記述してください。そして最後の行には "答え:" の形式で答えを記述し、その後には整数の答え以外何も追加しないでください。"#,
        "答え", "問題： "),
      "ru": Language(
        #"Решите эту математическую задачу. Объясните шаги рассуждения перед тем, как дать окончательный ответ в последней строке сам по себе в формате "Ответ:". Не добавляйте ничего, кроме целочисленного ответа после "Ответ:"."#,
        "Ответ", "Задача: "),
      "sw": Language(
        #"Suluhisha tatizo hili la hesabu. Toa hatua za mantiki kabla ya kutoa jibu la mwisho kwenye mstari wa mwisho peke yake katika muundo wa "Jibu:". Usiongeze chochote kingine isipokuwa jibu la integer baada ya "Jibu:"."#,
        "Jibu", "Swali: "),
      "te": Language(
        "ఈ గణిత సమస్యను పరిష్కరించండి. చివరి సమాధానాన్ని ఇవ్వదానికి ముందు తర్కాత్మక అదుగులను ఇవ్వండి. చివరి పంక్తిలో మాత్రమే 'సమాధానం:' అనే ఆకారంలో చివరి సమాధానాద్ని ఇవ్వండి సమాధానం: తర్వాత పూర్ణాంక సమాధానానికి తప్పించి ఎదేనా చేర్చవద్దు.",
        "సమాధానం", "ప్రశ్న: "),
      "th": Language(
        #"แก้ปัญหาคณิตศาสตร์นี้ ให้ให้ขั้นตอนการใช้เหตุผลก่อนที่จะให้คำตอบสุดท้ายในบรรทัดสุดท้ายโดยอยู่ในรูปแบบ "คำตอบ:" ไม่ควรเพิ่มอะไรนอกจากคำตอบที่เป็นจำนวนเต็มหลังจาก "คำตอบ:""#,
        "คำตอบ", "โจทย์: "),
      "zh": Language(
        #"解决这个数学问题。在最后一行给出答案前，请提供推理步骤。最后一行应该以 "答案: " 的形式独立给出答案。在 "答案：" 后不要添加除整数答案之外的任何内容。"#,
        "答案", "问题： "),
    ]
  }
}
