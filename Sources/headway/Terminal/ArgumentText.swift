import ArgumentParser
import Foundation
import Ground

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
    let (path, command) = chosen(arguments)
    let names = names(under: command)
    guard !names.isEmpty, let name = arguments.dropFirst(path.count).first, !name.hasPrefix("-"), name != "help" else { return }
    let remedy = nearest(to: name, among: names).map { "did you mean '\($0)'?" } ?? "the commands are \(names.joined(separator: ", "))"
    throw ValidationError("there is no command '\((path + [name]).joined(separator: " "))'; \(remedy)")
  }

  /// What is wrong, and where the help is.
  static func explain(_ error: any Error, _ arguments: [String]) -> String {
    let message = unknownOption(arguments) ?? sentence(Headway.message(for: error))
    let command = (["headway"] + chosen(arguments).path).joined(separator: " ")
    return "error: \(message)\nsee '\(command) --help'\n"
  }

  /// The parser's message in the manner of all others: a list of values on the same line, no capital and no full stop.
  private static func sentence(_ message: String) -> String {
    let parts = message.split(separator: "\n").map { $0.trimmingPrefix(#/ *- /#) }
    var text = (parts.first.map(String.init) ?? "") + (parts.count > 1 ? " " + parts.dropFirst().joined(separator: ", ") : "")
    if text.hasSuffix("."), !text.hasSuffix("…") { text.removeLast() }
    text = text.replacing(". Please provide one of", with: "; it is one of").replacing("one of the following:", with: "one of")
      .replacing("' and '", with: "' or '")
    text = guessed(text)
    guard let first = text.first, text.dropFirst().first?.isLowercase == true || text.hasPrefix("A ") else { return text }
    return first.lowercased() + text.dropFirst()
  }

  /// The sentence with a list of values replaced by the one that was meant, where one is near; where there is no list, with what such a value looks like.
  private static func guessed(_ text: String) -> String {
    if let match = text.wholeMatch(of: #/.*value '(.*)' is invalid for '[^<']*<([^>]*)>[^']*'/#) {
      return ValueText.remedy(for: String(match.1), of: String(match.2)).map { "\(text); \($0)" } ?? text
    }
    guard let match = text.wholeMatch(of: #/(.*value '(.*)' is invalid for .*); it is one of (.*)/#) else { return text }
    let names = match.3.split(separator: #/, | or /#).map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "'")) }
    return nearest(to: String(match.2), among: names).map { "\(match.1); did you mean '\($0)'?" } ?? text
  }

  /// An option that the command does not have; the parser complains of required ones first, which a mistyped name leaves missing.
  private static func unknownOption(_ arguments: [String]) -> String? {
    let (path, command) = chosen(arguments)
    guard !path.isEmpty else { return nil }
    let options = Set(
      Headway.helpMessage(for: command, columns: 200).split(separator: "\n").flatMap { line in
        line.firstMatch(of: #/^ +(?:-[a-z], )?(--[a-z0-9-]+)/#).map { [String($0.1)] } ?? []
      })
    let given = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.compactMap { $0.split(separator: "=").first.map(String.init) }
    guard !options.isEmpty, let unknown = given.first(where: { !options.contains($0) }) else { return nil }
    return "unknown option '\(unknown)'" + (nearest(to: unknown, among: options.sorted()).map { "; did you mean '\($0)'?" } ?? "")
  }

  /// The commands by name; where one is a family of commands, its own (`study run`).
  static var commands: [(name: String, type: any ParsableCommand.Type)] { leaves(of: Headway.self, []) }

  private static func leaves(of command: any ParsableCommand.Type, _ path: [String]) -> [(name: String, type: any ParsableCommand.Type)] {
    let own = command.configuration.subcommands
    guard !own.isEmpty else { return [(path.joined(separator: " "), command)] }
    return own.flatMap { next in next.configuration.commandName.map { leaves(of: next, path + [$0]) } ?? [] }
  }

  /// The command that arguments begin with, and the words that name it: none for the program itself, two for a command of a command.
  private static func chosen(_ arguments: [String]) -> (path: [String], type: any ParsableCommand.Type) {
    var path: [String] = []
    var type: any ParsableCommand.Type = Headway.self
    for word in arguments {
      guard let next = type.configuration.subcommands.first(where: { $0.configuration.commandName == word }) else { break }
      path.append(word)
      type = next
    }
    return (path, type)
  }

  private static func names(under command: any ParsableCommand.Type) -> [String] {
    command.configuration.subcommands.compactMap { next in next.configuration.commandName }
  }
}
