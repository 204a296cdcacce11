import Foundation
import Ground
import Testing

@Suite struct TerminalTextTests {
  @Test(arguments: [
    ("plain text, 中文 🙂 é e\u{301}", "plain text, 中文 🙂 é e\u{301}"), ("\u{1B}[2J\u{1B}]0;title\u{7}", #"\u{1B}[2J\u{1B}]0;title\u{7}"#),
    ("a\u{9B}31m", #"a\u{9B}31m"#), ("\u{202E}gpj.exe", #"\u{202E}gpj.exe"#), ("a\u{2066}b\u{2069}", #"a\u{2066}b\u{2069}"#),
    ("a\rb", #"a\rb"#), ("\u{0}\u{7F}", #"\u{0}\u{7F}"#), ("zero\u{200B}width", #"zero\u{200B}width"#), ("\u{E0041}", #"\u{E0041}"#),
    ("line\u{2028}separator", #"line\u{2028}separator"#), ("👩\u{200D}👩\u{200D}👧", "👩\u{200D}👩\u{200D}👧"),
    ("می\u{200C}خواهم", "می\u{200C}خواهم"),
  ])
  func foreignTextIsShownEscaped(text: String, shown: String) {
    #expect(text.terminalText.unicodeScalars.elementsEqual(shown.unicodeScalars))
    #expect(text.terminalLine.unicodeScalars.elementsEqual(shown.unicodeScalars))
  }

  @Test func linesStayOrNot() {
    #expect("a\n\tb".terminalText == "a\n\tb")
    #expect("a\n\tb".terminalLine == #"a\n\tb"#)
    #expect("a\r\nb".terminalText == "a\\r\nb")
  }

  @Test func noByteOfATextIsObeyed() {
    for value in 0...0xFFFF {
      guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
      let shown = String(scalar).terminalLine.unicodeScalars
      let isControl = scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .lineSeparator
      let isDirection = scalar.properties.isBidiControl
      if isControl || isDirection { #expect(!shown.contains(scalar), "\(String(value, radix: 16))") }
    }
  }

  /// The shell itself reads the words back.
  @Test(arguments: [
    "owner/name", "-rf", "", "a b", "$(touch x)", "`x`", "a'b", "a'\u{301}b", "'; rm -rf ~; '", "a\nb", "\"", "\\", "~", "*", "#x", "!x",
    "中文", "a=b",
    "$HOME",
  ])
  func wordsOfCommands(text: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "printf '%s|' \(text.shellWord) end"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(output == (text.hasPrefix("-") ? "./" : "") + text + "|end|")
  }

  @Test func excerptsAreCutByScalars() {
    #expect("abc".excerpt(3) == "abc")
    #expect("abcd".excerpt(3) == "abc…")
    #expect(String(repeating: "👩\u{200D}", count: 1000).excerpt(40).unicodeScalars.count == 41)
  }
}

@Suite struct InputFileTests {
  @Test func regularFilesAreRead() throws {
    let folder = FileManager.default.temporaryDirectory.appending(component: "input-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(component: "x")
    try Data("hello".utf8).write(to: url)
    let file = try InputFile(at: url)
    #expect(file.size == 5)
    #expect(try file.read(upTo: 3) == Array("hel".utf8))
    #expect(try file.read(upTo: 3) == Array("lo".utf8))
    #expect(try file.read(upTo: 3).isEmpty)
    #expect(try InputFile.contents(of: url, limit: 5) == Data("hello".utf8))
    #expect(throws: FileError.self) { try InputFile.contents(of: url, limit: 4) }
    #expect(throws: FileError.self) { try InputFile(at: folder) }
    #expect(throws: FileError.self) { try InputFile(at: folder.appending(component: "none")) }
  }

  @Test func nobodyWaitsForAPipe() throws {
    let pipe = FileManager.default.temporaryDirectory.appending(component: "pipe-\(UUID().uuidString)")
    #expect(mkfifo(pipe.path(percentEncoded: false), 0o600) == 0)
    defer { try? FileManager.default.removeItem(at: pipe) }
    let error = #expect(throws: FileError.self) { try InputFile(at: pipe) }
    #expect(error?.reason == "it is a pipe or a device, not a file")
    #expect(throws: FileError.self) { try MappedFile(at: pipe) }
    #expect(OutputKind.beginning(of: pipe, 4).isEmpty && !OutputKind.text("a picture", beginningWith: "<svg").isOwn(pipe))
    #expect(throws: FileError.self) { try InputFile.contents(of: URL(filePath: "/dev/zero"), limit: 1 << 40) }
  }
}
