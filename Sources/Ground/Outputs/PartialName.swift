public import Foundation

/// The name that a file or folder has while it is being written: `.NAME.HOST.PROCESS-RANDOM.part`, beside its destination.
struct PartialName {
  let host: String
  let process: Int32

  /// A new name for what will be called `name`.
  static func make(for name: String) -> String {
    // A name can be at most 255 bytes long; host, process and random part need some of them.
    let stem = String(decoding: name.utf8.prefix(140), as: UTF8.self)
    return ".\(stem).\(ThisProcess.host).\(getpid())-\(UUID().uuidString.prefix(8)).part"
  }

  /// Reads a name; nil for one that Headway would not give. The host may contain dots, so that it cannot be told from the stem by itself.
  init?(_ name: String, host: String = ThisProcess.host) {
    guard let match = name.wholeMatch(of: /\..+\.([0-9]{1,10})-[0-9A-F]{8}\.part/), let process = Int32(match.1) else { return nil }
    let stem = name[..<match.1.startIndex].dropLast()
    self.host = stem.hasSuffix(".\(host)") ? host : ""
    self.process = process
  }

  /// Whether it was left by a process of this machine that no longer runs.
  var isLeftover: Bool { host == ThisProcess.host && !ThisProcess.isRunning(process) }
}

/// What killed processes left.
public enum Leftovers {
  /// Deletes what a run leaves beside its output, or in its output folder, where it is killed once that is written: its lock and its journals. Where
  /// another run writes there all stays.
  public static func remove(of output: URL) {
    guard (try? OutputLock.removeLeftover(of: output)) != nil else { return }
    let folder = output.deletingLastPathComponent()
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? [] {
      let journal = folder.appending(path: name)
      if RunJournal.isJournal(journal, besideOneOf: [output.lastPathComponent]) { unlink(journal.path(percentEncoded: false)) }
    }
  }

  /// Deletes the half-written files and folders directly inside a folder: Headway's own by their name, of processes of this machine that no
  /// longer run, and only where nobody holds them open as their writer does.
  public static func remove(from folder: URL) {
    let path = folder.path(percentEncoded: false)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where PartialName(name)?.isLeftover == true {
      let leftover = (path as NSString).appendingPathComponent(name)
      let kind = FileKind(of: leftover)
      guard kind == .file || kind == .folder else { continue }
      let descriptor = open(leftover, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      // A writer in another container can have the same host and a process that cannot be seen from here, but its lock can.
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { continue }
      try? FileManager.default.removeItem(atPath: leftover)
    }
  }
}
