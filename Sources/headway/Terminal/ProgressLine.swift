import Foundation
import Reports
import Runs
import Synchronization

/// One line of progress on standard error: a bar that is drawn in place where a person watches, a line every few seconds in a log.
struct ProgressLine {
  private let quiet: Bool
  private let isTerminal: Bool
  private var last = ContinuousClock.now - .seconds(60)
  private var shown = false

  init(quiet: Bool) {
    self.quiet = quiet
    isTerminal = Terminal.errorIsTerminal
  }

  /// Shows how far the run is, unless something was shown only just now.
  mutating func show(_ progress: RunProgress) {
    guard !quiet else { return }
    let now = ContinuousClock.now
    guard now - last >= (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
    last = now
    shown = true
    if isTerminal {
      // A terminal that is resized on the way is asked anew; the last column stays free, where some would wrap.
      Terminal.rewriteErrorLine(progress.line(columns: Terminal.errorColumns - 1, bar: Terminal.takesUTF8 ? .blocks : .ascii))
    } else {
      Terminal.writeError("\(progress.text)\n")
    }
  }

  /// Leaves the line, so that what follows starts on one of its own.
  mutating func finish() {
    if shown, isTerminal { Terminal.rewriteErrorLine("") }
    shown = false
  }

  /// Seconds as `41 s`, `3:07 min` or `2:05 h`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60):\(String(format: "%02d", whole % 60)) min" }
    return "\(whole / 3600):\(String(format: "%02d", whole / 60 % 60)) h"
  }
}

/// A line of progress that several threads may write.
final class SharedProgressLine: Sendable {
  private let line: Mutex<ProgressLine>

  init(quiet: Bool) { line = Mutex(ProgressLine(quiet: quiet)) }

  /// Shows how far the run is, unless something was shown only just now.
  func show(_ progress: RunProgress) { line.withLock { $0.show(progress) } }
  /// Leaves the line, so that what follows starts on one of its own.
  func finish() { line.withLock { $0.finish() } }
}

/// What a bar is drawn with.
enum ProgressBar {
  case blocks, ascii

  /// A bar of so many columns, the share of it filled: in eighths of a column where the terminal has the characters.
  func text(_ share: Double, columns: Int) -> String {
    let share = share.isFinite ? min(max(share, 0), 1) : 0
    switch self {
    case .ascii:
      let filled = Int(share * Double(columns))
      return String(repeating: "#", count: filled) + String(repeating: "-", count: columns - filled)
    case .blocks:
      let eighths = Int(share * Double(8 * columns))
      let part = eighths % 8 == 0 ? "" : String(["▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8 - 1])
      let filled = String(repeating: "█", count: eighths / 8) + part
      return filled + String(repeating: "░", count: columns - filled.count)
    }
  }
}

extension RunProgress {
  private var label: String { stage.map { "\($0): " } ?? "" }

  private var figuresText: String {
    var parts = ["\(completed)\(total.map { "/\($0)" } ?? "") \(unit)"] + figures
    if let tokensPerSecond { parts.append("\(Int(tokensPerSecond)) tokens/s") }
    if let secondsLeft { parts.append("\(ProgressLine.duration(secondsLeft)) left") }
    return parts.joined(separator: ", ")
  }

  /// One line: `levels: 12/30 samples, loss 2.3410, 915 tokens/s, 41 s left`.
  var text: String { label + figuresText }

  /// The line with a bar, in so many columns of a terminal: the bar gives way first, then the end of the line.
  func line(columns: Int, bar: ProgressBar) -> String {
    let room = columns - TerminalColumns.count(text) - 1
    guard let total, total > 0, room >= 8 else { return TerminalColumns.cut(text, to: columns) }
    return "\(label)\(bar.text(Double(completed) / Double(total), columns: min(room, 30))) \(figuresText)"
  }
}
