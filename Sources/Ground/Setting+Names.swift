/// The settings that messages of the libraries name.
extension Setting {
  /// The most tokens of a sample.
  public static let maximumLength = Setting("max_length")
  /// The type of the computation.
  public static let elementType = Setting("dtype")
  /// Where to compute.
  public static let device = Setting("device")
  /// Threads of the processor.
  public static let threads = Setting("threads")
  /// The most tokens of a packed batch.
  public static let batchTokens = Setting("batch_tokens")
  /// The data's format.
  public static let format = Setting("format")
  /// Field names that differ from the format's.
  public static let map = Setting("map")
  /// A file with a prompt template.
  public static let template = Setting("template")
  /// The chat form that samples are written in.
  public static let chat = Setting("chat")
  /// The published split that is read.
  public static let split = Setting("split")
  /// Tags that a sample must have.
  public static let requiredTags = Setting("require")
  /// Tags that a sample must have, and no others.
  public static let onlyTags = Setting("only")
  /// Languages that are kept.
  public static let language = Setting("language")
  /// The fewest tokens of a sample that is kept.
  public static let minimumTokens = Setting("min_tokens")
  /// The most tokens of a sample that is kept.
  public static let maximumTokens = Setting("max_tokens")
  /// The share that is held out by seed.
  public static let holdOut = Setting("hold_out")
  /// The part that is read where a share is held out.
  public static let part = Setting("part")
  /// How many samples are drawn by seed.
  public static let sample = Setting("sample")
  /// The most samples that are read.
  public static let limit = Setting("limit")
  /// Whether bad records are passed over and counted.
  public static let skipsBad = Setting("skip_bad")
  /// The model whose tokenizer counts tokens.
  public static let tokenizer = Setting("tokenizer")
  /// Where a result goes.
  public static let output = Setting("out")
  /// The file of shots of an evaluation.
  public static let shots = Setting("shots")
  /// How many shots are shown before a question.
  public static let shotCount = Setting("shot_count")
  /// Which of several independent runs' parts is measured.
  public static let shard = Setting("shard")
  /// Going on with an interrupted run.
  public static let resume = Setting("resume")
  /// Replacing what is there.
  public static let overwrite = Setting("overwrite")
  /// The greatest learning rate.
  public static let learningRate = Setting("lr")
}
