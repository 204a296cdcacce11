import Foundation
import Testing

/// What a run of the program left.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String
}

/// Tests that run the program.
protocol ProgramTests {}

extension ProgramTests {
  static var package: URL { URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent() }
  static var model: String { package.appending(path: "Examples/model").path(percentEncoded: false) }
  static var problems: String { package.appending(path: "Examples/problems.jsonl").path(percentEncoded: false) }

  /// The program beside this test bundle.
  static var program: URL {
    var folder = Bundle.module.bundleURL.deletingLastPathComponent()
    if !FileManager.default.fileExists(atPath: folder.appending(path: "headway").path(percentEncoded: false)) {
      folder = folder.deletingLastPathComponent()
    }
    return folder.appending(path: "headway")
  }

  /// A folder of its own for each test.
  func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  func headway(_ arguments: String..., in folder: URL? = nil, input: String = "") throws -> Outcome {
    try headway(arguments: arguments, in: folder, input: input)
  }

  /// - Parameters:
  ///   - program: another than the one beside this test bundle.
  ///   - environment: variables beside those of this process.
  func headway(arguments: [String], in folder: URL? = nil, input: String = "", program: URL? = nil, environment: [String: String] = [:])
    throws
    -> Outcome
  {
    let process = Process()
    process.executableURL = program ?? Self.program
    process.arguments = arguments
    if !environment.isEmpty { process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 } }
    if let folder { process.currentDirectoryURL = folder }
    // Files, not pipes: a pipe that nobody empties would stop the program.
    let place = try self.folder()
    for name in ["in", "out", "err"] { try Data((name == "in" ? input : "").utf8).write(to: place.appending(path: name)) }
    process.standardInput = try FileHandle(forReadingFrom: place.appending(path: "in"))
    process.standardOutput = try FileHandle(forWritingTo: place.appending(path: "out"))
    process.standardError = try FileHandle(forWritingTo: place.appending(path: "err"))
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: place.appending(path: name)), as: UTF8.self) }
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -1, output: try text("out"), errors: try text("err"))
  }

  func json(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}
