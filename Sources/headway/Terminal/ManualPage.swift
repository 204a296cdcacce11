import ArgumentParser
import Foundation
import Runs

/// The manual page of a command and its commands, in the macros of man(7), from what the parser knows of them.
struct ManualPage {
  private let command: Command

  /// A command as the parser describes it.
  private struct Command: Decodable {
    var commandName: String
    var shouldDisplay: Bool?
    var abstract: String?
    var discussion: String?
    var subcommands: [Command]?
    var arguments: [Argument]?
  }

  /// An argument as the parser describes it.
  private struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String

      var text: String { (kind == "long" ? "--" : "-") + name }
    }
    var kind: String
    var shouldDisplay: Bool?
    var isOptional: Bool?
    var isRepeating: Bool?
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var allValues: [String]?
    var abstract: String?

    var isPositional: Bool { kind == "positional" }
    var value: String { valueName ?? "value" }
  }

  private struct Description: Decodable { var command: Command }

  init(of command: any ParsableCommand.Type) throws {
    self.command = try JSONDecoder().decode(Description.self, from: Data(command._dumpHelp().utf8)).command
  }

  /// The page.
  var text: String {
    var lines = [
      ".\\\" Made by headway manual.", ".TH HEADWAY 1 \"\" \"headway \(escaped(RunRecord.version))\" \"User Commands\"", ".SH NAME",
      "headway \\- \(escaped(lowered(command.abstract ?? "")))", ".SH SYNOPSIS", ".B headway", ".I command", "[\\fIarguments\\fR]", ".br",
      ".B headway", "\\fB\\-v\\fR | \\fB\\-\\-help\\fR", ".SH DESCRIPTION",
    ]
    lines += [
      "Measures which attention heads of a language model a task puts to work, fine-tunes, and chooses training data by it.",
      ".PP", "Results go to standard output, with \\fB\\-\\-json\\fR as one JSON document; progress and notes go to standard error.",
      "A command that writes leaves a record of its settings beside its result, from which \\fBheadway run\\fR does it again.",
      ".SH COMMANDS",
    ]
    for command in command.subcommands ?? [] where command.shouldDisplay != false && command.commandName != "help" {
      lines += section(command, ["headway"])
    }
    lines += Self.ending
    return lines.joined(separator: "\n") + "\n"
  }

  private static let ending = [
    ".SH DATA",
    "\\fIFILE\\fR or \\fINAME\\fR=\\fIFILE\\fR: JSON lines, JSON, CSV (also with semicolons), TSV, Parquet or text, plain or packed by gzip; a",
    "folder of such files, \\fIowner/name\\fR of a downloaded dataset, a named pipe, or \\fB\\-\\fR for standard input.", ".SH ENVIRONMENT",
    ".TP", "\\fBHF_HUB_CACHE\\fR, \\fBHF_HOME\\fR", "Where downloaded models and datasets lie.", ".TP", "\\fBTMPDIR\\fR",
    "Where data is kept that comes through a pipe.", ".SH EXIT STATUS", ".TP", "\\fB0\\fR", "Done.", ".TP", "\\fB64\\fR",
    "Wrong from the arguments alone: names, values, combinations.", ".TP", "\\fB130\\fR, \\fB143\\fR",
    "Stopped by an interrupt or a request to terminate.", ".TP", "\\fB1\\fR", "Anything else, such as a file that is missing or broken.",
  ]

  private func section(_ command: Command, _ path: [String]) -> [String] {
    let path = path + [command.commandName]
    let subcommands = (command.subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
    guard subcommands.isEmpty else { return subcommands.flatMap { section($0, path) } }
    let arguments = (command.arguments ?? []).filter { $0.shouldDisplay != false }
    let positional = arguments.filter(\.isPositional)
    let required = arguments.filter { !$0.isPositional && $0.kind == "option" && $0.isOptional == false }
    let synopsis =
      ["\\fB\(escaped(path.joined(separator: " ")))\\fR"]
      + positional.map { "\\fI\(escaped($0.value))\\fR\($0.isRepeating == true ? "..." : "")" }
      + required.map { "\(names(of: $0)) \\fI\(escaped($0.value))\\fR\($0.isRepeating == true ? "..." : "")" } + ["[\\fIoptions\\fR]"]
    var lines = [
      ".SS \"\(escaped(path.joined(separator: " ")))\"", synopsis.joined(separator: " "), ".PP", escaped(command.abstract ?? ""),
    ]
    if let discussion = command.discussion, !discussion.isEmpty { lines += [".PP"] + paragraphs(discussion) }
    for argument in arguments {
      let value = "\\fI\(escaped(argument.value))\\fR"
      lines += [".TP", argument.isPositional ? value : names(of: argument) + (argument.kind == "option" ? " \(value)" : "")]
      lines.append(about(argument))
    }
    return lines
  }

  private func names(of argument: Argument) -> String {
    (argument.names ?? []).map { "\\fB\(escaped($0.text))\\fR" }.joined(separator: ", ")
  }

  private func about(_ argument: Argument) -> String {
    var text = escaped(argument.abstract ?? "")
    if let values = argument.allValues, !values.isEmpty, argument.valueName?.contains("|") != true {
      text += " One of \(escaped(values.joined(separator: ", ")))."
    }
    if let value = argument.defaultValue, !value.isEmpty, argument.kind == "option" { text += " The default is \(escaped(value))." }
    return text.isEmpty ? "\\&" : text
  }

  /// Sentences as paragraphs, and lines that are set in (examples) as they stand.
  private func paragraphs(_ text: String) -> [String] {
    var lines: [String] = []
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isSetIn = line.hasPrefix("  ")
      if isSetIn != isExample {
        lines.append(isSetIn ? ".nf" : ".fi")
        isExample = isSetIn
      }
      lines.append(line.isEmpty ? ".PP" : escaped(String(line)))
    }
    return isExample ? lines + [".fi"] : lines
  }

  private func lowered(_ text: String) -> String {
    let text = text.hasSuffix(".") ? String(text.dropLast()) : text
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  /// Text that roff prints as it stands.
  private func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\n", with: " ")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}
