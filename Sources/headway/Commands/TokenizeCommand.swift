import ArgumentParser
import Foundation
import Ground
import LanguageModels
import StrictJSON
import Tokenizers

/// `headway tokenize`: text in, token ids out, or the other way.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Turns text into a model's token ids, or ids into text.",
    discussion: """
      Every line of standard input is a text (or --text is one); each becomes one line with a JSON array of ids. With --decode every \
      line is such an array and becomes text. A text that holds line breaks is given, and with --decode written, as a JSON string \
      under --quoted.

      Examples:
        headway tokenize ./llama-3-8b --text "Hello world"
        headway tokenize ./llama-3-8b --decode --text "[9906, 1917]"
        headway tokenize ./llama-3-8b --quoted < texts.jsonl
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(help: ArgumentHelp("The text; lines of standard input where left out.", valueName: "text"))
  var text: String?

  @Flag(help: "From ids to text.")
  var decode = false

  @Flag(help: "Without the special tokens that belong around a text; with --decode, without any.")
  var noSpecial = false

  @Flag(help: "Texts are JSON strings, one a line.")
  var quoted = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let tokenizer = try Tokenizer.load(from: LanguageModel.tokenizerFolder(of: ModelFolder(named: model)).url)
    var results: [JSONValue] = []
    var lines = Lines(text: text)
    var pending = Data()
    while let line = try lines.next() {
      let result = try convert(line, lines.number, tokenizer)
      if output.json {
        results.append(result)
      } else {
        if case .string(let text) = result, !quoted {
          // A file or a pipe gets the bytes; a terminal would obey some of them.
          pending.append(contentsOf: (Terminal.outputIsTerminal ? text.terminalText : text).utf8)
        } else {
          pending.append(contentsOf: result.jsonText.utf8)
        }
        pending.append(UInt8(ascii: "\n"))
        // A line that was asked for by hand is answered at once; a file is answered in larger pieces.
        if lines.isWaiting || pending.count > 1 << 16 {
          try Terminal.write(pending)
          pending.removeAll(keepingCapacity: true)
        }
      }
    }
    if output.json {
      try Terminal.write(Data((JSONValue.list(results).jsonText + "\n").utf8))
    } else if !pending.isEmpty {
      try Terminal.write(pending)
    }
  }

  /// The ids of a line, or its text.
  private func convert(_ line: [UInt8], _ number: Int, _ tokenizer: Tokenizer) throws -> JSONValue {
    let place = text == nil ? "line \(number) of standard input" : "--text"
    func parsed() throws -> JSONValue {
      do throws(JSONError) {
        return try JSONParser().parse(line)
      } catch {
        throw CommandError("\(place) is not JSON: \(error); \(decode ? "give ids as [1, 2, 3]" : "leave --quoted out for plain text")")
      }
    }
    if decode {
      guard let elements = try parsed().list, case let ids = elements.compactMap(\.int), ids.count == elements.count else {
        throw CommandError("\(place) is not a list of token ids; give ids as [1, 2, 3]")
      }
      return .string(try tokenizer.decode(ids, skipSpecialTokens: noSpecial))
    }
    let content: String
    if quoted {
      guard let text = try parsed().string else { throw CommandError("\(place) is not a JSON string; leave --quoted out for plain text") }
      content = text
    } else {
      guard let text = String(validating: line, as: UTF8.self) else {
        throw CommandError("\(place) is not UTF-8; convert the text to UTF-8 first")
      }
      content = text
    }
    return .list(tokenizer.encode(content, addSpecialTokens: !noSpecial).map { .int($0) })
  }

  /// The one text, or the lines of standard input as bytes without the line feed.
  private struct Lines {
    private var only: [UInt8]?
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Number of the line that was read last, from 1.
    private(set) var number = 0

    init(text: String?) {
      only = text.map { Array($0.utf8) }
      isAtEnd = text != nil
    }

    /// Whether nothing that was read waits to be converted.
    var isWaiting: Bool { start == buffer.count }

    mutating func next() throws -> [UInt8]? {
      if let text = only {
        only = nil
        return text
      }
      var searched = start
      while true {
        if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
          defer { start = end + 1 }
          number += 1
          return Array(buffer[start..<end])
        }
        if isAtEnd {
          guard start < buffer.count else { return nil }
          defer { start = buffer.count }
          number += 1
          return Array(buffer[start...])
        }
        buffer.removeFirst(start)
        start = 0
        searched = buffer.count
        let more = FileHandle.standardInput.availableData
        if more.isEmpty { isAtEnd = true } else { buffer.append(contentsOf: more) }
      }
    }
  }
}
