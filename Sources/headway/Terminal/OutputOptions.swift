import ArgumentParser
import Foundation

/// How a command speaks: every command has these two.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON document on standard output, and nothing else there.")
  var json = false

  @Flag(help: "No progress and no notes on standard error.")
  var quiet = false

  /// A note for the person at the terminal; standard output stays for results.
  func note(_ text: String) {
    guard !quiet else { return }
    Terminal.writeError(text + "\n")
  }

  /// A warning, which `--quiet` does not silence.
  func warn(_ text: String) { Terminal.writeError("warning: \(text)\n") }

  /// The value as one JSON document, with sorted keys so that two runs can be compared.
  func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .throw
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// Prints the value as one JSON document.
  func printJSON(_ value: some Encodable) throws { try Terminal.write(json(value)) }
}
