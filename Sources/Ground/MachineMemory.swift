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

  /// What can be taken without pushing others out, of the machine and within the control group's limit.
  public static var available: Int? {
    guard let free = meminfo("MemAvailable:") else { return nil }
    guard let limit = controlGroupLimit, let taken = number(in: controlGroup + "memory.current") else { return free }
    // Cached files are let go before anything is refused.
    let files = (try? String(contentsOfFile: controlGroup + "memory.stat", encoding: .utf8))?
      .split(separator: "\n").first { $0.hasPrefix("inactive_file ") }.flatMap { Int($0.dropFirst(14)) }
    return min(free, max(0, limit - taken + (files ?? 0)))
  }

  /// The most that this process has held in memory at once, mapped files included.
  public static var peakResident: Int? { status("VmHWM:") }
  /// What this process holds now that is not backed by a file: activations and copies, not mapped weights.
  public static var anonymousResident: Int? { status("RssAnon:") }

  private static let controlGroup = "/sys/fs/cgroup/"
  private static var controlGroupLimit: Int? { number(in: controlGroup + "memory.max") }
  private static func number(in path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
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
