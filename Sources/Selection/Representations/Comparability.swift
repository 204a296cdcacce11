import ActivationPatterns
import Ground

extension SampleFile {
  /// Refuses files whose numbers do not belong side by side.
  /// - Parameter files: the target's, where there is one, and the pool's.
  /// - Throws: `SelectionError` naming two of them and everything in which they differ.
  static func requireAlike(_ files: [SampleFile]) throws(SelectionError) {
    guard let first = files.first else { return }
    for file in files.dropFirst() {
      let differences = first.differences(from: file)
      guard !differences.isEmpty else { continue }
      throw SelectionError("\(first.path) and \(file.path) differ in \(differences.joined(separator: " and in ")); measure both alike")
    }
  }

  /// In what two were measured unlike. What one of them does not know is no difference; neither is the template, since a target and a pool may be of
  /// different formats.
  private func differences(from other: SampleFile) -> [String] {
    let settings = PatternDifference.settings(provenance, other.provenance).filter { difference in
      if case .template = difference { false } else { true }
    }
    return [model(unlike: other)].compactMap(\.self) + settings.compactMap(\.settingText)
  }

  private func model(unlike other: SampleFile) -> String? {
    let (one, two) = (provenance, other.provenance)
    if let first = one.modelFingerprint, let second = two.modelFingerprint {
      guard first != second else { return nil }
      let names = (one.model ?? first, two.model ?? second)
      return names.0 == names.1 ? "model (\(names.0), whose weights have changed)" : "model (\(names.0); \(names.1))"
    }
    guard let first = one.model, let second = two.model, first != second else { return nil }
    return "model (\(first); \(second))"
  }
}
