import Ground
import Instructions

/// A key of a study's file and what it means, in a line: for templates, the documentation and messages.
public struct StudyKey: Sendable, Hashable {
  /// The key.
  public let name: String
  /// What it means; its default last.
  public let meaning: String

  init(_ name: String, _ meaning: String) {
    self.name = name
    self.meaning = meaning
  }
}

/// Every key of a study's file, section by section.
public enum StudyKeys {
  /// The sections, in the order of the documentation.
  public static let sections: [(name: String, keys: [StudyKey])] = [
    ("study", study), ("models", model), ("tasks", task), ("counts", counts), ("training", training), ("budgets", budgets), ("fit", fit),
    ("figure_1", figure1), ("figure_5", figure5), ("table_2", table2), ("table_3", table3), ("retrieval", retrieval),
    ("distance_bins", distanceBins), ("datamodelling", datamodelling), ("ablation", ablation), ("methods", method),
  ]

  static let study: [StudyKey] = [
    .init("study", "the report's heading"),
    .init(
      "make",
      "tables and figures to make: table-1, figure-1, figure-2, figure-4, figure-5, table-2, table-3, retrieval, distance-bins, datamodelling, ablation; the paper's, those to table-3"
    ),
    .init("models", "the models"),
    .init("tasks", "the tasks and their data"),
    .init("training", "how models are fine-tuned; the paper's settings (appendix B)"),
    .init("dtype", "what patterns and values are computed in, on the float32 masters of what was trained; float32"),
    .init("score", "magnitude, signed, token, saliency, token-prompt or token-response; magnitude"),
    .init("seeds", "what is drawn again for each: training samples, their order, mixtures, random choices; [0]"),
    .init("split_seed", "the seed of splits without published parts, the same for all seeds; 0"),
    .init("budgets", "the most samples of each kind; all"),
    .init("fit", "intervals and tests of fits; none"),
    .init("figure_1", "of figure 1"),
    .init("figure_5", "of figure 5"),
    .init("table_2", "of table 2, mixtures"),
    .init("table_3", "of table 3, selection"),
    .init("retrieval", "of the test by retrieval"),
    .init("distance_bins", "of the test by bins of distance"),
    .init("datamodelling", "of linear datamodelling scores"),
    .init("ablation", "of levels against ablation"),
    .init("leaks", "refuse, or drop: what is done about a training, pool or probe sample that is also an evaluated question; refuse"),
    .init("device", "where to compute: auto, cpu, cuda, cuda:N or mps; auto"),
    .init("threads", "threads of the processor; all"),
    .init("batch_tokens", "the most tokens of a packed batch of measuring; 2048"),
    .init("keep_weights", "whether fine-tuned models are kept once all is measured; false"),
  ]

  static let model: [StudyKey] = [
    .init("name", "what results call it"),
    .init("path", "a Hugging Face folder, or owner/name of a downloaded one; {seed} in it is each seed's number"),
    .init(
      "shape", "a published shape by which a plan is made where the folder is not there: \(PublishedShape.names.joined(separator: ", "))"),
    .init(
      "chat",
      "the chat form in which it sees samples: \(ChatForm.allCases.map(\.rawValue).joined(separator: ", ")), or own for its own; as they are"
    ),
    .init("make", "the tables and figures that are made for it; all"),
  ]

  static let task: [StudyKey] = [
    .init("name", "what results call it"),
    .init("role", "basic, complex, candidate, target or pool, or a list of them"),
    .init("set", "tasks of one set are compared, and trained on as many samples as the smallest training part of them has; main"),
    .init("group", "the kind of task, such as mathematics or text, for figure 2's within and between"),
    .init("made_of", "the two basic tasks that a complex one is made of, where that is known, for figure 4"),
    .init("train", "file or files of the published training part"),
    .init("test", "file or files of the published part that is held out"),
    .init("data", "file or files without published parts, which split_seed splits, equal prompts on one side"),
    .init("hold_out", "the share of data that is held out; 0.2"),
    .init("format", "the data's format; recognised by its fields"),
    .init("map", "field names that differ from the format's: {prompt: FIELD, response: FIELD}"),
    .init("form", "which of the format's ways to make samples is taken, where it has several"),
    .init("template", "a file with a prompt template in the place of the format's own"),
    .init("train_split", "the published split that is read of a folder in train"),
    .init("test_split", "the published split that is read of a folder in test"),
    .init("require", "tags that a sample must have"),
    .init("only", "tags that a sample must have, and no others"),
    .init("language", "languages that are kept"),
    .init("deduplicate", "whether equal samples are kept once; false"),
    .init("skip_bad", "whether bad records are passed over; false"),
    .init("limit", "the most samples that are read of each part; all"),
    .init("benchmark", "the benchmark that asks a target's questions, beside the loss of their responses; none"),
    .init("variant", "the benchmark's way of asking; its default"),
    .init("shots", "files of shots; Headway's own"),
    .init("shot_count", "how many shots; the variant's number"),
    .init("counts", "sizes by which a plan is made where the data is not there"),
  ]

  static let counts: [StudyKey] = [
    .init("train", "samples of the training part"),
    .init("test", "samples held out"),
    .init("tokens", "tokens of a sample, prompt and response; 256"),
    .init("labels", "tokens of its response; 128"),
  ]

  static let training: [StudyKey] = [
    .init("lr", "the greatest learning rate; 1e-6"),
    .init("batch_size", "sequences that go through the model together; 4"),
    .init("accumulate", "batches of an update; 4"),
    .init("pack_tokens", "the most tokens that go through the model together, in place of batch_size sequences; none"),
    .init("epochs", "how often all samples are learned from; 3"),
    .init("schedule", "cosine, linear or constant; cosine"),
    .init("warmup_ratio", "the share of updates over which the rate rises; 0.03"),
    .init("weight_decay", "the share of a weight that an update at rate 1 takes away; 0"),
    .init("clip", "the greatest norm of all gradients together; 1"),
    .init("optimizer", "the optimiser; adamw"),
    .init("beta1", "how slowly the mean of gradients forgets; 0.9"),
    .init("beta2", "how slowly the mean of their squares forgets; 0.999"),
    .init("epsilon", "keeps the divisor from zero; 1e-8"),
    .init("checkpoint_activations", "whether activations are computed again on the way back; false"),
    .init("lora_rank", "the rank of adapters that are trained in place of all weights; none"),
    .init("lora_alpha", "LoRA's α; twice the rank"),
    .init("lora_dropout", "the probability with which an input of an adapter is left out; 0"),
    .init("lora_targets", "a list of the layers that get adapters, or [all-linear]; [q_proj, v_proj]"),
    .init("save_every", "updates between two checkpoints, from which a killed study goes on; every quarter of an hour"),
    .init("dtype", "what passes compute in; masters, and adapters, are float32 in any case; bfloat16"),
    .init("max_length", "the most tokens of a sample, everywhere in the study; 1024"),
  ]

  static let budgets: [StudyKey] = [
    .init("train", "samples that a task is fine-tuned on"),
    .init("probe", "held-out samples on which a pattern is measured"),
    .init("questions", "questions on which a value is reported"),
    .init("pool", "samples of each pool task, and of each candidate that likest samples are drawn from"),
  ]

  static let fit: [StudyKey] = [
    .init("bootstrap", "how often samples are drawn again for intervals of a fit"),
    .init("permutations", "how often heads are shuffled to test R²"),
    .init("held_out", "how often heads and samples are halved, to fit on one half and judge on the other"),
  ]

  static let figure1: [StudyKey] = [.init("task", "the task whose change is drawn; the first basic one")]
  static let figure5: [StudyKey] = [.init("every", "updates between two measurements; 10")]

  static let table2: [StudyKey] = [
    .init("targets", "target tasks; all with the role"),
    .init("candidates", "tasks that may go into a mixture; all basic and candidate tasks of the first set"),
    .init("total", "the samples of a mixture; 1000"),
    .init("keep", "the tasks with the greatest coefficients that are kept; 2"),
    .init("folds", "folds of the target's own samples, inside which its change is measured; 5"),
    .init("random_draws", "random shares for each seed, of which the mean counts; 5"),
    .init("samples", "samples of the target that are trained on; all"),
    .init(
      "arms",
      "what stands beside the untouched model and random-shares: \(Study.Table2.Arm.allCases.filter { $0 != .randomShares }.map(\.rawValue).joined(separator: ", ")); \(Study.Table2().arms.map(\.rawValue).joined(separator: ", "))"
    ),
    .init("wrong", "the candidates of the arm wrong-pair; none"),
  ]

  static let table3: [StudyKey] = [
    .init("targets", "target tasks; all with the role"),
    .init("choose", "how many samples are chosen, one number or several; [100, 300, 500]"),
    .init("methods", "what chooses; pattern with mean"),
    .init("random_draws", "random choices for each seed, of which the mean counts; 5"),
    .init("samples", "samples of the target that its pattern is measured on; all"),
    .init("warm_up_lr", "the learning rate of the adapters whose checkpoints the representation gradient is taken at; 2e-5"),
    .init("dimension", "the numbers that a gradient is projected to; 8192"),
  ]

  static let method: [StudyKey] = [
    .init("representation", "pattern, gradient, embedding, loss, bm25 or length"),
    .init("algorithm", "mean, round-robin or best; mean"),
    .init("score", "of a pattern: one of the six scores, or, in retrieval, several side by side; the study's"),
    .init("standardise", "whether each head's level, or entry of an embedding, is taken against the pool's mean and spread; false"),
    .init("weigh", "in retrieval: whether a head counts by how reliable the target's mean is in it; false"),
  ]

  /// The remedy for a key that is none.
  static func remedy(for key: String, among keys: [StudyKey]) -> String {
    let names = keys.map(\.name)
    return nearest(to: key, among: names).map { "did you mean '\($0)'?" } ?? "the keys there are \(names.joined(separator: ", "))"
  }
}
