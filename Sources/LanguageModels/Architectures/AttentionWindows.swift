/// Sliding windows of attention as configurations state them.
enum AttentionWindows {
  /// For each layer how many keys a query sees at most, itself included; nil for all.
  ///
  /// An architecture whose keys have no `sliding_window` has none; one with `use_sliding_window` (Qwen) has it where that is true, in the layers
  /// that `layer_types` names, else from `max_window_layers` on; any other (Mistral) has it in every layer. One with a rule of its own (Gemma 2) has it
  /// in the layers that `layer_types` names, else in those of the rule.
  ///
  /// - Parameter sliding: that rule.
  /// - Throws: `ModelError` where `layer_types` asks for anything else.
  static func published(in configuration: ModelConfiguration, layers: Int, sliding: ((Int) -> Bool)? = nil) throws -> [Int?] {
    let types = try layerTypes(in: configuration, layers: layers)
    let chosen = configuration.value("use_sliding_window") != nil
    var window: Int?
    if try !chosen || configuration.boolean("use_sliding_window") { window = try configuration.optionalInteger("sliding_window") }
    if let window, window < 1 { throw configuration.wrong("sliding_window", "at least 1, or null for none") }
    if chosen || sliding != nil, let types {
      // transformers builds no mask for a sliding layer without a window.
      if window == nil, types.contains(.sliding) {
        throw configuration.wrong("layer_types", "without 'sliding_attention' where no sliding_window is used")
      }
      return types.map { $0 == .sliding ? window : nil }
    }
    if let sliding {
      guard chosen || window != nil else { throw configuration.wrong("sliding_window", "given, for the layers that have one") }
      return (0..<layers).map { sliding($0) ? window : nil }
    }
    let first = chosen ? try configuration.integer("max_window_layers") : 0
    let windows = (0..<layers).map { $0 >= first ? window : nil }
    if let types, types != windows.map({ $0 == nil ? .full : .sliding }) {
      throw configuration.unsupported("other attention in single layers than the architecture has (layer_types)")
    }
    return windows
  }

  /// Refuses `layer_types` that ask for anything but full attention.
  static func requireNone(in configuration: ModelConfiguration, layers: Int) throws {
    if try layerTypes(in: configuration, layers: layers)?.contains(.sliding) == true {
      throw configuration.unsupported("other attention in single layers than the architecture has (layer_types)")
    }
  }

  private enum LayerType { case full, sliding }

  private static func layerTypes(in configuration: ModelConfiguration, layers: Int) throws -> [LayerType]? {
    guard let names = try configuration.optionalStrings("layer_types") else { return nil }
    guard names.count == layers else { throw configuration.wrong("layer_types", "a list of \(layers) entries, one for each layer") }
    return try names.map { name in
      switch name {
      // The second is an older name.
      case "full_attention", "attention": .full
      case "sliding_attention": .sliding
      default: throw configuration.unsupported("layers of type '\(name)'")
      }
    }
  }
}
