import ArgumentParser
import Foundation
import Ground
import Ranks
import Runs

/// Leave to replace what is there: every command that writes has it.
struct OverwriteOption: ParsableArguments {
  @Flag(help: "Replace what is there although Headway did not write it, and delete what an interrupted or earlier run left.")
  var overwrite = false
}

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

  /// Does a run with progress on standard error. The first signal asks it to stop at its next safe point, the second ends the program at once.
  /// - Parameter wrote: takes text as the run writes it.
  /// - Throws: `ExitCode` 128 + the signal's number where it stopped.
  func perform<Work: Run>(_ run: Work, wrote: @escaping @Sendable (String) throws -> Void = { _ in }) throws -> Work.Result {
    let received = StopSignal()
    let sources = Interruption.install { received.set($0) }
    defer { sources.forEach { $0.cancel() } }
    let ranks = try RankedProgram.join(for: Work.self, self, received)
    // Rank 0 speaks for all.
    let isSilent = !ranks.writes
    let line = SharedProgressLine(quiet: quiet || isSilent)
    defer { line.finish() }
    var monitor = RunMonitor(
      note: { text in
        line.finish()
        if !isSilent { note(text.onCommandLine) }
      },
      warn: { text in
        line.finish()
        if !isSilent { warn(text.onCommandLine) }
      },
      progress: { now in line.show(now) }, wrote: wrote, shouldStop: { received.number != 0 })
    monitor.ranks = ranks
    do {
      let result = try (ranks?.restarts ?? 0 > 0 ? run.goingOn : run).runRecording(monitor)
      ranks?.leave()
      return result
    } catch is RunServed {
      ranks?.leave()
      Main.leave(0)
    } catch let stopped as RunStopped {
      // Another rank had the signal, or has failed: then the watch ends this one, too, with its sentence.
      if received.number == 0 { ranks?.waitForReason() }
      ranks?.leave()
      line.finish()
      let place = stopped.step.map { " after step \($0)" } ?? ""
      if !isSilent { note("stopped\(place)" + (stopped.canResume ? "; the same command with --resume continues from here" : "")) }
      // Where another rank had the signal, all stop as if they had it.
      throw ExitCode(128 + (received.number == 0 ? SIGTERM : received.number))
    }
  }

  /// Does a run and shows what it found: as JSON or a table of values where asked, else as text for a person.
  func show(_ work: some Run, asTable: Bool = false) throws {
    let result = try perform(work)
    if json { return try printJSON(result) }
    if asTable, let table = (result as? any TabularResult)?.table { return try Terminal.write(Data(table.text.utf8)) }
    guard let readable = result as? any ReadableResult else { return }
    if !readable.text.isEmpty { try Terminal.writeLine(readable.text) }
    for text in readable.notes { note(text) }
  }

  /// Passes notes and warnings on, for work that is not a run of its own.
  var monitor: RunMonitor { RunMonitor(note: { note($0.onCommandLine) }, warn: { warn($0.onCommandLine) }) }

  /// The value as one JSON document, with sorted keys so that two runs can be compared.
  func json(_ value: some Encodable) throws -> Data { try HeadwayJSON.document(value) }

  /// Prints the value as one JSON document.
  func printJSON(_ value: some Encodable) throws { try Terminal.write(json(value)) }
}
