import Foundation

/// The machine's memory and this process's share of it, in bytes; nil where the system does not tell.
public enum MachineMemory {
  /// All there is, cut by the control group's limit.
  public static var total: Int? {
    let physical = meminfo("MemTotal:") ?? Int(exactly: ProcessInfo.processInfo.physicalMemory)
    guard let physical else { return nil }
    guard let limit = controlGroupLimit else { return physical }
    return min(physical, limit)
  }

  /// What can be taken without pushing others out.
  public static var available: Int? { meminfo("MemAvailable:") }

  /// The most that this process has held in memory at once, mapped files included.
  public static var peakResident: Int? { status("VmHWM:") }
  /// What this process holds now that is not backed by a file: activations and copies, not mapped weights.
  public static var anonymousResident: Int? { status("RssAnon:") }

  private static var controlGroupLimit: Int? {
    guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8) else { return nil }
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }
  private static func meminfo(_ key: String) -> Int? { kilobytes(key, in: "/proc/meminfo") }
  private static func status(_ key: String) -> Int? { kilobytes(key, in: "/proc/self/status") }
  private static func kilobytes(_ key: String, in path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
    return nil
  }
}
