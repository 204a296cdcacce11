import Ground

/// Checks of single settings, alike in all runs.
enum SettingsCheck {
  /// Refuses a whole number below a least one.
  static func atLeast(_ least: Int, _ name: String, _ value: Int?) throws {
    guard let value, value < least else { return }
    throw SettingsError("\(setting: Setting(name)) takes a number from \(least) on, not \(value)")
  }

  /// Refuses a number outside a range, which `words` tells: "from 0 to 1".
  static func within(_ words: String, _ name: String, _ value: Double, _ holds: (Double) -> Bool) throws {
    guard !value.isFinite || !holds(value) else { return }
    throw SettingsError("\(setting: Setting(name)) takes a number \(words), not \(value)")
  }

  /// Refuses settings that have no effect without another one.
  static func nothing(of settings: KeyValuePairs<String, Bool>, without needed: String, _ isThere: Bool) throws {
    guard !isThere, let lost = settings.first(where: \.value) else { return }
    throw SettingsError(
      "\(setting: Setting(lost.key)) has no effect without \(setting: Setting(needed)); give that too, or leave it out")
  }
}
