/// Where a checkpoint's names differ from the decoder's: prefixes, replaced in one direction to read a checkpoint and in the other to write
/// one with the same names.
public struct NameTable: Sendable, Hashable {
  private struct Prefix: Hashable {
    var name: String
    var stored: String
  }
  private let prefixes: [Prefix]

  /// A table; without entries names are the same on both sides. No prefix may begin with another of its side.
  ///
  /// - Parameter prefixes: the decoder's prefix and the checkpoint's, such as `model.decoder.` and `decoder.`.
  public init(_ prefixes: KeyValuePairs<String, String> = [:]) {
    self.prefixes = prefixes.map { Prefix(name: $0.key, stored: $0.value) }
  }

  /// The checkpoint's name of a parameter.
  public func storedName(of name: String) -> String {
    guard let prefix = prefixes.first(where: { name.hasPrefix($0.name) }) else { return name }
    return prefix.stored + name.dropFirst(prefix.name.count)
  }

  /// The decoder's name of what a checkpoint holds.
  public func name(ofStored stored: String) -> String {
    guard let prefix = prefixes.first(where: { stored.hasPrefix($0.stored) }) else { return stored }
    return prefix.name + stored.dropFirst(prefix.stored.count)
  }
}
