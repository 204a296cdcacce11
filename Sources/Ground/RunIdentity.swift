/// What makes a run the one it is: facts by name, in a fixed order. Two runs with equal identities find the same.
///
/// One identity serves the journal of a run, the check of a resume, a result's provenance and a run's record. A fact has the name of the setting
/// that it comes from; what no setting says but only the contents of files has a name that ends in `fingerprint`.
public struct RunIdentity: Sendable, Hashable, Codable {
  /// One fact.
  public struct Fact: Sendable, Hashable, Codable {
    /// Its name in snake case.
    public var name: String
    /// Its value as text.
    public var value: String
  }

  /// The facts in their order.
  public private(set) var facts: [Fact] = []

  /// An identity without facts.
  public init() {}

  /// The value of a fact; setting one that is there already changes it in its place, setting nil takes it out.
  public subscript(name: String) -> String? {
    get { facts.first { $0.name == name }?.value }
    set {
      let place = facts.firstIndex { $0.name == name }
      switch (place, newValue) {
      case (let place?, let value?): facts[place].value = value
      case (let place?, nil): facts.remove(at: place)
      case (nil, let value?): facts.append(Fact(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Which facts differ from an earlier run's, each as `name: old → new` with settings typed; nil where none does.
  public func difference(from earlier: RunIdentity) -> Message? {
    let changed = facts.filter { earlier[$0.name] != $0.value }.map { ($0.name, earlier[$0.name] ?? "none", $0.value) }
    let gone = earlier.facts.filter { self[$0.name] == nil }.map { ($0.name, $0.value, "none") }
    return (changed + gone).reduce(nil as Message?) { all, fact in
      let (name, old, new) = fact
      let text: Message =
        name.hasSuffix("fingerprint")
        ? "\(name.replacing("_", with: " ")): \(old) → \(new)" : "\(setting: Setting(name)): \(old) → \(new)"
      return all.map { $0 + "; " + text } ?? text
    }
  }
}
