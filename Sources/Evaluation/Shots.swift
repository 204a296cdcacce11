import Ground

/// The shots that a variant shows before its questions.
public struct ShotPlan: Sendable {
  /// How many, unless told otherwise.
  public var count: Int
  /// Shots written for Headway, which stand in where no file of shots is given.
  public var own: [Item]
}

/// The shots of an evaluation.
public struct Shots: Sendable {
  /// How many are shown before each question that has shots.
  public let count: Int
  /// Whether they are Headway's own rather than the dataset's.
  public let areOwn: Bool
  private let items: [Item]

  /// Settles the shots of a variant.
  /// - Parameters:
  ///   - variant: whose shots they are.
  ///   - given: the items of the file of shots, in its order; nil where none was given.
  ///   - count: how many are shown; nil for the variant's own number.
  public init(for variant: any Variant, given: [Item]? = nil, count: Int? = nil) throws(EvaluationError) {
    guard let plan = variant.shots else {
      guard given == nil, (count ?? 0) == 0 else {
        throw EvaluationError("the variant \(variant.name) has no place for shots; ask it without \(setting: .shots)")
      }
      self.count = 0
      items = []
      areOwn = false
      return
    }
    self.count = count ?? plan.count
    items = given ?? plan.own
    areOwn = given == nil && self.count > 0
    guard self.count >= 0 else { throw EvaluationError("\(setting: .shotCount) is \(self.count); it should be 0 or more") }
  }

  /// The first shots for a question, of those that go with it.
  /// - Parameters:
  ///   - group: what the shots have in common, for the message.
  ///   - belongs: whether a shot goes with the question.
  public func first(of group: String, where belongs: (Item) -> Bool = { _ in true }) throws(EvaluationError) -> [Item] {
    guard count > 0 else { return [] }
    let shots = items.filter(belongs).prefix(count)
    guard shots.count == count else {
      throw areOwn
        ? EvaluationError(
          "\(count) shots are asked for, but Headway has \(shots.count) of its own for \(group); give the dataset's with \(setting: .shots)"
        )
        : EvaluationError(
          "\(count) shots are asked for, but \(setting: .shots) holds \(shots.count) for \(group); name files that hold more")
    }
    return Array(shots)
  }

  /// The first shots of a subject; Headway's own are the same for every subject.
  public func first(ofSubject subject: String?) throws(EvaluationError) -> [Item] {
    try first(of: "the subject '\(subject ?? "")'") { areOwn || $0.subject == subject }
  }
}
