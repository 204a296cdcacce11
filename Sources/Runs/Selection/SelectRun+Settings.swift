import ActivationPatterns
import Ground
import Selection

// What settings of a choice make sense, and how records have them.

extension SelectRun {
  var unknownRepresentation: SettingsError {
    SettingsError(
      "\(setting: Key.representation.setting) takes one of \(Representations.names.joined(separator: ", ")), not '\(representation)'")
  }
  var unknownAlgorithm: SettingsError {
    SettingsError("\(setting: Key.algorithm.setting) takes one of \(SelectionAlgorithms.names.joined(separator: ", ")), not '\(algorithm)'")
  }

  /// Refuses an unknown representation or algorithm, files that it does not need and settings that have no effect on it.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    guard let kind = Representations.named(representation) else { throw unknownRepresentation }
    guard let way = SelectionAlgorithms.named(algorithm) else { throw unknownAlgorithm }
    if top < 1 { throw SettingsError("\(setting: Key.top.setting) takes a number from 1 on, not \(top)") }
    if poolData.isEmpty { throw SettingsError("\(setting: Key.poolData.setting) takes the pool's data files; name at least one") }
    try validateFiles(kind)
    try validateTarget(kind, way)
    let chosen = Key.representation.setting.set(to: representation)
    if standardises, !kind.canBeStandardised {
      let names = Representations.all.filter(\.canBeStandardised).map(\.name).joined(separator: " and ")
      throw SettingsError(
        "\(setting: Key.standardises.setting) is for the representations \(names) and has no effect on \(setting: chosen); leave it out")
    }
    for (key, isGiven) in [(Key.score, score != nil), (.explains, explains)] where isGiven && !kind.isOfHeads {
      throw SettingsError("\(setting: key.setting) is for attention patterns and has no effect on \(setting: chosen); leave it out")
    }
    if seed != nil, representation != RandomRepresentation().name {
      throw SettingsError("\(setting: Key.seed.setting) has no effect on \(setting: chosen), which draws nothing; leave it out")
    }
    try reading.validate()
    try reading.requireNoTokenizer()
    if let targetFormat {
      var target = DataSettings([])
      target.format = targetFormat
      try target.validate()
    }
  }

  /// Files belong to representations that lie in files.
  private func validateFiles(_ kind: any Representation) throws {
    let chosen = Key.representation.setting.set(to: representation)
    if kind is any FileRepresentation {
      if pool.isEmpty { throw SettingsError("\(setting: chosen) compares files; name the pool's by \(setting: Key.pool.setting)") }
      return
    }
    for (key, isGiven) in [(Key.target, target != nil), (.pool, !pool.isEmpty)] where isGiven {
      throw SettingsError("\(setting: chosen) looks at texts alone; leave \(setting: key.setting) out")
    }
  }

  private func validateTarget(_ kind: any Representation, _ way: any SelectionAlgorithm) throws {
    let chosen = Key.representation.setting.set(to: representation)
    guard kind.hasTarget else {
      for (key, isGiven) in [(Key.target, target != nil), (.targetData, !targetData.isEmpty), (.group, group != nil)] where isGiven {
        throw SettingsError("\(setting: chosen) looks at no target; leave \(setting: key.setting) out")
      }
      guard !way.looksAtEach else {
        throw SettingsError(
          "\(setting: chosen) looks at no target, so that there is nothing for \(setting: Key.algorithm.setting.set(to: algorithm)) to tell apart; leave it out"
        )
      }
      return
    }
    let isOfFiles = kind is any FileRepresentation
    if isOfFiles, target == nil {
      throw SettingsError("\(setting: chosen) needs a target; name its file by \(setting: Key.target.setting)")
    }
    if !isOfFiles, targetData.isEmpty {
      throw SettingsError("\(setting: chosen) needs a target's texts; name them by \(setting: Key.targetData.setting)")
    }
    if let group {
      let setting = Key.group.setting.set(to: group.rawValue)
      guard way.looksAtEach else {
        throw SettingsError(
          "\(setting: setting) is for an algorithm that tells samples apart; give \(setting: Key.algorithm.setting.set(to: RoundRobinSelection().name)) or \(setting: Key.algorithm.setting.set(to: BestSelection().name))"
        )
      }
      if targetData.isEmpty {
        throw SettingsError("\(setting: setting) reads the target's texts; name them by \(setting: Key.targetData.setting)")
      }
    }
    if isOfFiles, group == nil, !targetData.isEmpty {
      throw SettingsError(
        "\(setting: Key.targetData.setting) has no effect on \(setting: chosen) without \(setting: Key.group.setting); leave it out")
    }
    if targetFormat != nil, targetData.isEmpty {
      throw SettingsError("\(setting: Key.targetFormat.setting) has no effect without \(setting: Key.targetData.setting); leave it out")
    }
  }

  enum Key: String {
    case target, pool, top, representation, algorithm, group, score, seed, out, overwrite
    case targetData = "target_data"
    case targetFormat = "target_format"
    case poolData = "pool_data"
    case standardises = "standardise"
    case explains = "explain"

    var setting: Setting { Setting(rawValue) }
  }
}
