import ArgumentParser

/// What is wrong with a command line, said in a line; the parser's own texts go on for several.
enum ArgumentText {
  /// The arguments with every negative number tied to its option: the parser would take `-1` for an option of that name, and say of
  /// `--limit -1` that the value is missing.
  static func tied(_ arguments: [String]) -> [String] {
    var tied: [String] = []
    for (place, argument) in arguments.enumerated() {
      if argument == "--" { return tied + arguments[place...] }
      if let option = tied.last, option.hasPrefix("--"), !option.contains("="), argument.firstMatch(of: /^-\.?[0-9]/) != nil {
        tied[tied.count - 1] = "\(option)=\(argument)"
      } else {
        tied.append(argument)
      }
    }
    return tied
  }

  /// Refuses a command that does not exist, which the parser takes for a stray argument.
  static func checkCommand(_ arguments: [String]) throws {
    let names = commands.map(\.name)
    guard let name = arguments.first, !name.hasPrefix("-"), name != "help", !names.contains(name) else { return }
    let remedy = nearest(to: name, among: names).map { "did you mean '\($0)'?" } ?? "the commands are \(names.joined(separator: ", "))"
    throw ValidationError("there is no command '\(name)'; \(remedy)")
  }

  /// What is wrong, and where the help is.
  static func explain(_ error: any Error, _ arguments: [String]) -> String {
    let message = unknownOption(arguments) ?? sentence(Headway.message(for: error))
    let command = commands.contains { $0.name == arguments.first } ? " \(arguments[0])" : ""
    return "error: \(message)\nsee 'headway\(command) --help'\n"
  }

  /// The parser's message in the manner of all others: a list of values on the same line, no capital and no full stop.
  private static func sentence(_ message: String) -> String {
    let parts = message.split(separator: "\n").map { $0.trimmingPrefix(#/ *- /#) }
    var text = (parts.first.map(String.init) ?? "") + (parts.count > 1 ? " " + parts.dropFirst().joined(separator: ", ") : "")
    if text.hasSuffix("."), !text.hasSuffix("…") { text.removeLast() }
    text = text.replacing(". Please provide one of", with: "; it is one of").replacing("one of the following:", with: "one of")
      .replacing("' and '", with: "' or '")
    guard let first = text.first, text.dropFirst().first?.isLowercase == true || text.hasPrefix("A ") else { return text }
    return first.lowercased() + text.dropFirst()
  }

  /// An option that the command does not have; the parser complains of required ones first, which a mistyped name leaves missing.
  private static func unknownOption(_ arguments: [String]) -> String? {
    guard let command = commands.first(where: { $0.name == arguments.first })?.type else { return nil }
    let options = Set(
      Headway.helpMessage(for: command, columns: 200).split(separator: "\n").flatMap { line in
        line.firstMatch(of: #/^ +(?:-[a-z], )?(--[a-z0-9-]+)/#).map { [String($0.1)] } ?? []
      })
    let given = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.compactMap { $0.split(separator: "=").first.map(String.init) }
    guard !options.isEmpty, let unknown = given.first(where: { !options.contains($0) }) else { return nil }
    return "unknown option '\(unknown)'" + (nearest(to: unknown, among: options.sorted()).map { "; did you mean '\($0)'?" } ?? "")
  }

  /// The commands by name.
  static var commands: [(name: String, type: any ParsableCommand.Type)] {
    Headway.configuration.subcommands.compactMap { type in type.configuration.commandName.map { ($0, type) } }
  }

  /// The word that takes the fewest letters put in or taken out; nil where that is too many for a slip of the hand.
  static func nearest(to word: String, among words: [String]) -> String? {
    let distances = words.map { ($0, word.difference(from: $0).count) }
    guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(2, word.count / 3) else { return nil }
    return best.0
  }
}
