public import Ground

/// Where a pattern came from, as its file's metadata says it. What is not known is nil and is not written.
public struct Provenance: Sendable, Equatable {
  /// The model as it was named.
  public var model: String?
  /// Changes when the model's weights or configuration change.
  public var modelFingerprint: String?
  /// The sizes that make the architecture: equal before and after fine-tuning, different between models.
  public var architecture: String?
  /// The task's name.
  public var task: String?
  /// The data's format, such as `gsm8k`.
  public var format: String?
  /// The prompt template.
  public var template: String?
  /// Changes when the data changes.
  public var dataFingerprint: String?
  /// Changes when the text of any measured sample does, and not with their order (`fingerprint(ofSamples:)`).
  public var samplesFingerprint: String?
  /// Samples measured.
  public var samples: Int?
  /// Samples left out because they had no label.
  public var skipped: Int?
  /// Tokens that went through the model.
  public var tokens: Int?
  /// The most tokens that a sample may have.
  public var maxLength: Int?
  /// How losses were averaged: `sample`, or `batch:N`.
  public var loss: String?
  /// The element type of the computation.
  public var dtype: String?
  /// The seed of whatever was drawn.
  public var seed: String?
  /// Further entries, written as they are.
  public var other: [String: String]

  /// Makes a record of what is known.
  public init(
    model: String? = nil, modelFingerprint: String? = nil, architecture: String? = nil, task: String? = nil, format: String? = nil,
    template: String? = nil, dataFingerprint: String? = nil, samplesFingerprint: String? = nil, samples: Int? = nil,
    skipped: Int? = nil, tokens: Int? = nil, maxLength: Int? = nil, loss: String? = nil, dtype: String? = nil, seed: String? = nil,
    other: [String: String] = [:]
  ) {
    self.model = model
    self.modelFingerprint = modelFingerprint
    self.architecture = architecture
    self.task = task
    self.format = format
    self.template = template
    self.dataFingerprint = dataFingerprint
    self.samplesFingerprint = samplesFingerprint
    self.samples = samples
    self.skipped = skipped
    self.tokens = tokens
    self.maxLength = maxLength
    self.loss = loss
    self.dtype = dtype
    self.seed = seed
    self.other = other
  }

  /// Reads a file's metadata, without what the file's own form adds to it.
  /// - Throws: `PatternError` where a count is no number.
  public init(metadata: [String: String], path: String) throws {
    var rest = metadata
    func integer(_ key: String) throws -> Int? {
      guard let text = rest.removeValue(forKey: key) else { return nil }
      guard let value = Int(text) else {
        throw PatternError(path, problem: "its metadata \"\(key)\" is \(text.debugDescription), not a number", remedy: "write it again")
      }
      return value
    }
    samples = try integer("samples")
    skipped = try integer("skipped")
    tokens = try integer("tokens")
    maxLength = try integer("max_length")
    model = rest.removeValue(forKey: "model")
    modelFingerprint = rest.removeValue(forKey: "model_fingerprint")
    architecture = rest.removeValue(forKey: "architecture")
    task = rest.removeValue(forKey: "task")
    format = rest.removeValue(forKey: "format")
    template = rest.removeValue(forKey: "template")
    dataFingerprint = rest.removeValue(forKey: "data_fingerprint")
    samplesFingerprint = rest.removeValue(forKey: "samples_fingerprint")
    loss = rest.removeValue(forKey: "loss")
    dtype = rest.removeValue(forKey: "dtype")
    seed = rest.removeValue(forKey: "seed")
    other = rest
  }

  /// What a run that measures this must find again to go on, as far as it is known before anything is measured.
  public var identity: RunIdentity {
    var identity = RunIdentity()
    identity["model"] = model
    identity["model_fingerprint"] = modelFingerprint
    identity["data_fingerprint"] = dataFingerprint
    identity["format"] = format
    identity["template"] = template
    identity["max_length"] = maxLength.map(String.init)
    identity["loss"] = loss
    identity["dtype"] = dtype
    return identity
  }

  /// The metadata to write.
  public var metadata: [String: String] {
    let known: [String: String?] = [
      "model": model, "model_fingerprint": modelFingerprint, "architecture": architecture, "task": task, "format": format,
      "template": template, "data_fingerprint": dataFingerprint, "samples_fingerprint": samplesFingerprint,
      "samples": samples.map(String.init), "skipped": skipped.map(String.init), "tokens": tokens.map(String.init),
      "max_length": maxLength.map(String.init), "loss": loss, "dtype": dtype, "seed": seed,
    ]
    return other.merging(known.compactMapValues(\.self)) { _, known in known }
  }
}
