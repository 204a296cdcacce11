import Foundation
public import Ground

/// Two patterns that were measured so differently that one taken from the other says nothing of what lies between the models.
public struct IncomparablePatterns: ExplainedError, Equatable {
  /// The pattern before, as it was named.
  public let before: String
  /// The pattern after, as it was named.
  public let after: String
  /// What keeps them apart; at least one.
  public let differences: [PatternDifference]

  /// What is wrong, without a remedy.
  public var problem: String {
    let settings = differences.compactMap(\.settingText)
    var clauses = differences.compactMap(\.clause)
    if !settings.isEmpty { clauses.insert("differ in \(settings.joined(separator: " and in "))", at: 0) }
    return "\(before) and \(after) \(clauses.joined(separator: ", and "))"
  }
  /// One sentence: what, where, remedy.
  public var message: Message {
    let remedy = differences.contains(.sameModel) ? "name the pattern of its fine-tuned form" : "measure both alike"
    return "\(problem); \(remedy), or give \(setting: .mixed) to compare them anyway"
  }
}

/// One thing in which two measurements differ.
public enum PatternDifference: Sendable, Equatable {
  /// Both are of one model, so that the change would be rounding alone.
  case sameModel
  /// The models' sizes.
  case architecture(String, String)
  /// The element type of the computation: two types of one model differ by as much as fine-tuning changes.
  case elementType(String, String)
  /// The prompt template.
  case template(String, String)
  /// The most tokens of a sample.
  case maximumLength(Int, Int)
  /// How losses were averaged.
  case loss(String, String)
  /// The samples, with what is known of the difference.
  case samples(String)

  /// A setting of the measurement with both its values; nil for what is no setting.
  public var settingText: String? {
    switch self {
    case .architecture(let one, let other): "architecture (\(one); \(other))"
    case .elementType(let one, let other): "dtype (\(one); \(other))"
    case .template(let one, let other): "template (\(one); \(other))"
    case .maximumLength(let one, let other): "maximum length (\(one); \(other))"
    case .loss(let one, let other): "loss (\(one); \(other))"
    case .sameModel, .samples: nil
    }
  }

  /// What is no setting.
  fileprivate var clause: String? {
    switch self {
    case .sameModel: "are of one model, so that there is no change to take"
    case .samples(let text): text
    case .architecture, .elementType, .template, .maximumLength, .loss: nil
    }
  }

  /// The differences between two patterns' settings; what one of them does not know is no difference.
  public static func settings(_ old: Provenance, _ new: Provenance) -> [PatternDifference] {
    func differing<Value: Equatable>(
      _ path: KeyPath<Provenance, Value?>, _ difference: (Value, Value) -> PatternDifference
    ) -> PatternDifference? {
      guard let one = old[keyPath: path], let other = new[keyPath: path], one != other else { return nil }
      return difference(one, other)
    }
    return [
      differing(\.architecture) { .architecture($0, $1) }, differing(\.dtype) { .elementType($0, $1) },
      differing(\.template) { .template($0, $1) }, differing(\.maxLength) { .maximumLength($0, $1) },
      differing(\.loss) { .loss($0, $1) },
    ].compactMap(\.self)
  }
}
