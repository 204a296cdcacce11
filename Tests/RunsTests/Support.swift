import Foundation
import Ground
import Runs
import Synchronization

/// The model and the data of `Examples/`, read in place.
enum Examples {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Examples")
  static let model = folder.appending(path: "model").path(percentEncoded: false)
  static let problems = folder.appending(path: "problems.jsonl").path(percentEncoded: false)
}

/// A folder that goes when the test ends.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "runs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }
  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }
  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: url.path(percentEncoded: false))) ?? []).sorted() }
}

/// Keeps what a run tells, and asks it to stop after a number of reports of a stage.
final class Listener: Sendable {
  private let state = Mutex((notes: [String](), stages: [String?](), reports: 0))
  private let limit: Int?
  private let stage: String?

  init(stopAfter limit: Int? = nil, of stage: String? = nil) {
    self.limit = limit
    self.stage = stage
  }

  var notes: [String] { state.withLock { $0.notes } }
  var stages: [String?] { state.withLock { $0.stages } }

  var monitor: RunMonitor {
    RunMonitor(
      note: { text in self.state.withLock { $0.notes.append(text.description) } },
      warn: { text in self.state.withLock { $0.notes.append("warning: \(text)") } },
      progress: { now in
        self.state.withLock {
          $0.stages.append(now.stage)
          if now.stage == self.stage { $0.reports += 1 }
        }
      },
      shouldStop: { self.limit.map { limit in self.state.withLock { $0.reports >= limit } } ?? false })
  }
}
