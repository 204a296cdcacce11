import Foundation
import FuzzedReaders
import FuzzingRuntime

/// libFuzzer over one reader, which is named by the program's own name: scripts/fuzz makes a link for each. All other arguments are libFuzzer's.
///
/// An input that a reader takes badly, by a trap, by memory out of proportion or by a broken promise, ends the program, and libFuzzer keeps it.
@main struct Fuzzer {
  static func main() {
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    guard Session.current != nil else { Session.end("the program's name names no reader; run scripts/fuzz") }
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        Session.current?.read(UnsafeRawBufferPointer(start: data, count: size))
        return 0
      })
  }
}

/// The reader, and the folder in memory where its inputs are written.
struct Session {
  let reader: FuzzedReader
  let folder: URL
  /// Whether each input is told of (scripts/fuzz --repeat).
  private let tells = ProcessInfo.processInfo.environment["HEADWAY_FUZZER_TELLS"] != nil

  static let current = Session()

  private init?() {
    let name = CommandLine.arguments.first.map { URL(filePath: $0).lastPathComponent } ?? ""
    guard let reader = FuzzedReader(rawValue: name) else { return nil }
    self.reader = reader
    let memory = URL(filePath: "/dev/shm", directoryHint: .isDirectory)
    let root = FileManager.default.fileExists(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
    // Under its number, not a random name: what ends with the process is left behind, and scripts/fuzz removes it.
    folder = root.appending(path: "headway-fuzz-\(getpid())", directoryHint: .isDirectory)
    do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch { Session.end("\(error)") }
    // What is made once and kept, such as tables of characters and Arrow itself, is no input's.
    _ = try? reader.read(UnsafeRawBufferPointer(start: nil, count: 0), in: folder)
  }

  func read(_ bytes: UnsafeRawBufferPointer) {
    allocation_meter_start()
    var isTaken = false
    do { isTaken = try reader.read(bytes, in: folder) } catch { Session.end("\(error)") }
    let (taken, most) = (Int(allocation_meter_most()), reader.mostMemory(for: bytes))
    if tells {
      Session.say("\(bytes.count) bytes, \(isTaken ? "read" : "refused"); \(taken) bytes of memory, of \(most) that they may take")
    }
    if taken > most { Session.end("\(bytes.count) bytes made the reader allocate \(taken), more than \(most)") }
  }

  private static func say(_ text: String) { FileHandle.standardError.write(Data("fuzzer: \(text)\n".utf8)) }

  /// Ends the program as a trap does.
  static func end(_ reason: String) -> Never {
    say(reason)
    abort()
  }
}
