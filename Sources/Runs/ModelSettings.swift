public import CheckpointFiles
public import Ground
public import LanguageModels
import Ranks
public import Torch

/// Which model is computed with, and how.
public struct ModelSettings: RecordedSettings, Hashable {
  /// A Hugging Face folder, or `owner/name` of a downloaded one.
  public var model: String
  /// What to compute in; nil is the checkpoint's own type.
  public var elementType: ElementType?
  /// Where to compute.
  public var device = DeviceName.automatic
  /// Threads of the processor; as many as the machine gives where nil.
  public var threads: Int?
  /// The most tokens of a packed batch; a longer sample is a batch of its own.
  public var batchTokens = 2048

  /// A model with the defaults.
  public init(_ model: String) { self.model = model }

  /// The keys of a model in records.
  public static let form: SettingsForm<ModelSettings> = SettingsForm(
    ModelSettings(""),
    [
      .source("model", \.model), .setting("device", \.device), .setting("threads", \.threads), .setting("dtype", \.elementType),
      .setting("batch_tokens", \.batchTokens),
    ])

  /// Says which settings make no sense.
  public func validate() throws {
    if let threads, !(1...4096).contains(threads) {
      throw SettingsError("\(setting: .threads) takes a number from 1 to 4096, not \(threads)")
    }
    if batchTokens < 1 { throw SettingsError("\(setting: .batchTokens) takes a number of tokens from 1 on, not \(batchTokens)") }
  }

  /// Finds the device, and says why where it was chosen for the user.
  public func chosenDevice(_ monitor: RunMonitor) throws -> Device {
    let (chosen, reason) = try Device.choose(device.description)
    // Ranks of one machine take a GPU each.
    if let ranks = monitor.ranks, device == .automatic, case .cuda = chosen { return try Device(named: "cuda:\(ranks.localRank)") }
    if let reason { monitor.note("note: \(reason)") }
    return chosen
  }

  /// Sets the threads, finds the device and loads the folder.
  public func load(_ monitor: RunMonitor) throws -> LanguageModel {
    try Engine.setThreads(threads ?? monitor.ranks?.processors ?? Engine.availableProcessors())
    let model = try LanguageModel(ModelFolder(named: model), elementType: elementType, device: chosenDevice(monitor))
    for note in model.notes { monitor.note("note: \(note)") }
    return model
  }
}
