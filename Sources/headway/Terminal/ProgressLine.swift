import Foundation
import Runs
import Synchronization

/// One line of progress on standard error: rewritten in place where a person watches, a line every few seconds in a log.
struct ProgressLine {
  private let quiet: Bool
  private let isTerminal: Bool
  private var last = ContinuousClock.now - .seconds(60)
  private var shown = false

  init(quiet: Bool) {
    self.quiet = quiet
    isTerminal = Terminal.errorIsTerminal
  }

  /// Shows the text, unless something was shown only just now.
  mutating func show(_ text: @autoclosure () -> String) {
    guard !quiet else { return }
    let now = ContinuousClock.now
    guard now - last >= (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
    last = now
    shown = true
    if isTerminal { Terminal.rewriteErrorLine(text()) } else { Terminal.writeError("\(text())\n") }
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

  /// Shows the text, unless something was shown only just now.
  func show(_ text: String) { line.withLock { $0.show(text) } }
  /// Leaves the line, so that what follows starts on one of its own.
  func finish() { line.withLock { $0.finish() } }
}

extension RunProgress {
  /// One line: `levels: 12/30 samples, loss 2.3410, 915 tokens/s, 41 s left`.
  var text: String {
    var parts = ["\(completed)\(total.map { "/\($0)" } ?? "") \(unit)"] + figures
    if let tokensPerSecond { parts.append("\(Int(tokensPerSecond)) tokens/s") }
    if let secondsLeft { parts.append("\(ProgressLine.duration(secondsLeft)) left") }
    return (stage.map { "\($0): " } ?? "") + parts.joined(separator: ", ")
  }
}
