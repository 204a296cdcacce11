/// The paper's study.
enum PaperTemplate {
  /// Subjects of MMLU by the paper's domains (its appendix A).
  static let domains: [(name: String, subjects: [String])] = [
    (
      "mathematics",
      ["college_mathematics", "abstract_algebra", "elementary_mathematics", "high_school_statistics", "high_school_mathematics"]
    ),
    ("physics", ["college_physics", "high_school_physics", "conceptual_physics"]),
    ("chemistry", ["college_chemistry", "high_school_chemistry"]),
    ("biology", ["college_biology", "high_school_biology"]),
  ]

  /// The subjects of no domain, which are the pool.
  static let others = [
    "anatomy", "astronomy", "business_ethics", "clinical_knowledge", "college_computer_science", "college_medicine", "computer_security",
    "econometrics", "electrical_engineering", "formal_logic", "global_facts", "high_school_computer_science",
    "high_school_european_history",
    "high_school_geography", "high_school_government_and_politics", "high_school_macroeconomics", "high_school_microeconomics",
    "high_school_psychology", "high_school_us_history", "high_school_world_history", "human_aging", "human_sexuality", "international_law",
    "jurisprudence", "logical_fallacies", "machine_learning", "management", "marketing", "medical_genetics", "miscellaneous",
    "moral_disputes",
    "moral_scenarios", "nutrition", "philosophy", "prehistory", "professional_accounting", "professional_law", "professional_medicine",
    "professional_psychology", "public_relations", "security_studies", "sociology", "us_foreign_policy", "virology", "world_religions",
  ]

  /// Questions of the domains' test sets, and of their validation and dev sets.
  private static let sizes = ["mathematics": (1064, 138), "physics": (488, 60), "chemistry": (303, 40), "biology": (454, 58)]

  /// Skills of Infinity Instruct that stand alone, by their names here.
  private static let skills: [(name: String, tag: String)] = [
    ("mathematics", "mathematics"), ("logical-reasoning", "logical reasoning"), ("programming", "programming and software development"),
    ("education", "education and consulting"), ("finance", "financial and business knowledge"), ("law", "legal knowledge"),
  ]

  private static func files(_ part: String, _ subjects: [String]) -> String {
    subjects.map { "data/mmlu/\(part)/\($0)_\(part).csv" }.joined(separator: ", ")
  }

  private static var infinity: String {
    skills.map { skill in
      """
        - name: infinity-\(skill.name)
          role: basic
          set: infinity
          data: data/infinity-instruct
          format: infinity-instruct
          only: ["\(skill.tag)"]
          language: en
          limit: 20000
          counts: {train: 16000, test: 4000, tokens: 400, labels: 280}

      """
    }.joined()
  }

  private static var mmlu: String {
    domains.map { domain in
      let (test, own) = sizes[domain.name] ?? (0, 0)
      return """
          - name: mmlu-\(domain.name)
            role: target
            train: [\(files("val", domain.subjects)), \(files("dev", domain.subjects))]
            test: [\(files("test", domain.subjects))]
            format: mmlu
            benchmark: mmlu
            shots: [\(files("dev", domain.subjects))]
            counts: {train: \(own), test: \(test), tokens: 120, labels: 3}

        """
    }.joined()
  }

  static var text: String { StudyItems.paperNames.contains("table-3") ? whole : whole.replacing(", table-3]", with: "]") }

  private static var whole: String {
    """
    # The paper: Analyzing the Rapid Generalization of SFT via the Perspective of Attention Head Activation Patterns.
    # Five models, eleven datasets, the settings of appendix B. Paths are relative to this file; sizes under 'counts' are those by which a plan is
    # made where the data is not there. Data is read as it is published.
    #   headway study run paper.yaml --dry-run                     every step, what it takes, and on what hardware
    #   headway study run paper.yaml --set 'make=[table-1]'        a part of it
    study: The paper's tables and figures
    make: [\(StudyItems.paperNames.joined(separator: ", "))]
    models:
      - name: llama3-8b
        path: meta-llama/Meta-Llama-3-8B
        shape: llama3-8b                   # by which a plan is made where the folder is not there
      - name: gemma-7b
        path: google/gemma-7b
        shape: gemma-7b
        make: [table-1, figure-1, figure-2, figure-4, figure-5]
      - name: opt-6.7b
        path: facebook/opt-6.7b
        shape: opt-6.7b
        make: [table-1, figure-1, figure-2, figure-4, figure-5]
      - name: llama-7b
        path: huggyllama/llama-7b
        shape: llama-7b
        make: [table-2, table-3]
      - name: llama2-7b
        path: meta-llama/Llama-2-7b-hf
        shape: llama2-7b
        make: [table-2, table-3]
    tasks:
      # Table 1, figures 1, 2, 5 and the first half of figure 4.
      - name: math
        role: basic
        group: mathematics
        train: data/math/train
        test: data/math/test
        format: math
        counts: {train: 7500, test: 5000, tokens: 330, labels: 230}
      - name: gsm8k
        role: basic
        group: mathematics
        train: data/gsm8k/train.jsonl
        test: data/gsm8k/test.jsonl
        format: gsm8k
        counts: {train: 7473, test: 1319, tokens: 200, labels: 130}
      - name: code-search-net
        role: basic
        group: mathematics                 # the paper's groups are mathematics and code, and text
        train: data/code-search-net/python/train
        test: data/code-search-net/python/test
        format: code-search-net
        limit: 20000
        counts: {train: 20000, test: 20000, tokens: 260, labels: 200}
      - name: hellaswag
        role: basic
        group: text
        train: data/hellaswag/train.jsonl
        test: data/hellaswag/val.jsonl
        format: hellaswag
        counts: {train: 39905, test: 10042, tokens: 90, labels: 30}
      - name: winogrande
        role: basic
        group: text
        train: data/winogrande/train_xl.jsonl
        test: data/winogrande/dev.jsonl
        format: winogrande
        counts: {train: 40398, test: 1267, tokens: 30, labels: 8}
      - name: arc
        role: basic
        group: text
        train: [data/arc/ARC-Easy-Train.jsonl, data/arc/ARC-Challenge-Train.jsonl]
        test: [data/arc/ARC-Easy-Test.jsonl, data/arc/ARC-Challenge-Test.jsonl]
        format: arc
        counts: {train: 3370, test: 3548, tokens: 60, labels: 8}
      - name: sgsm
        role: complex
        group: mathematics
        data: data/sgsm/sgsm_train.json    # without published parts: split by seed
        format: sgsm
        counts: {train: 1600, test: 400, tokens: 230, labels: 160}
      # Table 2: one more task that may go into a mixture.
      - name: refgpt
        role: candidate
        data: data/refgpt
        format: refgpt
        limit: 20000
        counts: {train: 16000, test: 4000, tokens: 700, labels: 500}
      # The second half of figure 4. Data with exactly one skill, and with exactly two.
    \(infinity)  - name: logical-programming
        role: complex
        set: infinity
        data: data/infinity-instruct
        format: infinity-instruct
        only: [logical reasoning, programming and software development]
        language: en
        limit: 20000
        counts: {train: 16000, test: 4000, tokens: 500, labels: 350}
      # Table 2: 358 questions, 100 to train on.
      - name: mathbench
        role: target
        data: [data/mathbench/primary, data/mathbench/middle]
        hold_out: 0.7207                   # 258 of 358
        format: mathbench
        benchmark: mathbench
        counts: {train: 100, test: 258, tokens: 130, labels: 20}
      # Table 3: a domain's validation and dev sets stand for it, its test sets are the questions.
    \(mmlu)  # What is chosen from: the test sets of all subjects of no domain. The paper also lets one domain choose from another's test questions, on which
      # this study reports values, so that it does not.
      - name: mmlu-others
        role: pool
        data: [\(files("test", others))]
        format: mmlu
        counts: {train: 11733, test: 0, tokens: 140, labels: 3}
    # Appendix B, and what it leaves open as in docs/Fine-tuning.md.
    training:
      lr: 1e-6
      batch_size: 4
      accumulate: 4
      epochs: 3
      schedule: cosine
      warmup_ratio: 0.03
      weight_decay: 0
      clip: 1.0
      dtype: bfloat16                      # passes; the master weights are float32
      max_length: 1024
    dtype: float32                         # patterns and values, on the master weights: in bfloat16 most of a change is rounded away
    score: magnitude
    seeds: [0, 1, 2]                       # the paper has one; with one seed there is no interval
    budgets:
      probe: 500                           # the most held-out samples that a pattern is measured on
      questions: 1100                      # the most questions that a value is taken from
    fit: {bootstrap: 1000, permutations: 1000, held_out: 100}
    figure_1: {task: gsm8k}
    figure_5: {every: 20}
    table_2:
      targets: [mathbench]
      total: 1000                          # the paper does not say how many
      keep: 2
      folds: 5
      random_draws: 5
    table_3:
      targets: [mmlu-mathematics, mmlu-physics, mmlu-chemistry, mmlu-biology]
      choose: [100, 300, 500]
      methods:
        - {representation: pattern, algorithm: mean}
        - {representation: length}
      random_draws: 5

    """
  }
}
