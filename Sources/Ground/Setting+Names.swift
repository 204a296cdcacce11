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
  /// Where a result goes.
  public static let output = Setting("out")
  /// The file of shots of an evaluation.
  public static let shots = Setting("shots")
  /// How many shots are shown before a question.
  public static let shotCount = Setting("shot_count")
  /// Going on with an interrupted run.
  public static let resume = Setting("resume")
  /// Replacing what is there.
  public static let overwrite = Setting("overwrite")
  /// The greatest learning rate.
  public static let learningRate = Setting("lr")
}
