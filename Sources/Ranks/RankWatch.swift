import Foundation
import Ground
import Synchronization
import Torch

/// Knows whether the other ranks are alive. Each writes into the store every second that it is; rank 0 looks at all of them, and all look at rank 0.
///
/// A rank is lost where it has not been heard of for ``silence``, where it said that it failed, or where it hangs: it does nothing for ``hang`` although
/// another waits for it, or all wait and it is behind the others. The watch runs beside everything else, so that neither a long computation nor a message
/// that never comes keeps it from its work.
final class RankWatch: @unchecked Sendable {
  /// How long a rank may say nothing.
  static let silence = Duration.seconds(20)
  /// How long a rank may do nothing while another waits for it: longer, as a file system that many machines share may keep one waiting.
  static let hang = Duration.seconds(40)
  /// More processor time, in seconds, than a rank takes in that time if it only tells that it lives.
  private static let idleSeconds = 0.2

  /// What a rank writes.
  struct Beat: Codable, Equatable {
    /// Counts up.
    var number: Int
    /// The processor time that it has taken, in seconds.
    var processorSeconds: Double
    /// For how long it has waited for others, in seconds; nil while it works.
    var waitingSeconds: Double?
    /// What all ranks do together that it has behind it.
    var meetings = 0
    /// Whether it does what takes long without computing.
    var isBusy = false
    /// Whether it is done and goes.
    var hasLeft = false
  }

  private struct State {
    var waiters = 0
    var waitingSince: ContinuousClock.Instant?
    var meetings = 0
    var busy = 0
    var contact = ContinuousClock.now
    var isOver = false
    var loss: Message?
  }

  /// What is known of another rank.
  private struct Seen {
    var beat: Beat?
    var at = ContinuousClock.now
    /// When it last took processor time, or waited.
    var activeAt = ContinuousClock.now
    var activeSeconds = 0.0
  }

  private let store: SharedStore
  private let names: [String]
  private let rank: Int
  private let lost: @Sendable (Message) -> Void
  private let state = Mutex(State())
  private let leaving = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)

  /// Begins to watch.
  /// - Parameters:
  ///   - store: a connection of its own.
  ///   - rank: this process's.
  ///   - names: of all ranks, as messages have them.
  ///   - lost: called once, from another thread, with a sentence on the rank that is lost.
  init(store: SharedStore, rank: Int, names: [String], lost: @escaping @Sendable (Message) -> Void) {
    self.store = store
    self.rank = rank
    self.names = names
    self.lost = lost
    for body in [watch, watchTheStore] {
      let thread = Thread(block: body)
      thread.name = "rank watch"
      thread.start()
    }
  }

  /// The sentence on the rank that is lost, where one is.
  var loss: Message? { state.withLock { $0.loss } }

  /// Runs what takes long without computing.
  func busy<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { $0.busy += 1 }
    defer { state.withLock { $0.busy -= 1 } }
    return try body()
  }

  /// Runs what all ranks do together, in one order.
  func meeting<Result>(_ body: () throws -> Result) rethrows -> Result {
    let result = try body()
    state.withLock { $0.meetings += 1 }
    return result
  }

  /// Runs what waits for other ranks.
  func waiting<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock {
      $0.waiters += 1
      if $0.waiters == 1 { $0.waitingSince = .now }
    }
    defer {
      state.withLock {
        $0.waiters -= 1
        if $0.waiters == 0 { $0.waitingSince = nil }
      }
    }
    return try body()
  }

  /// Says that this rank is done, and ends.
  func leave() {
    state.withLock { $0.isOver = true }
    leaving.signal()
    _ = done.wait(timeout: .now() + 5)
  }

  /// Tells all others why this rank ends.
  /// - Returns: whether it is the first that does.
  func fail(_ message: Message) -> Bool {
    guard (try? store.add(1, to: "failures")) == 1 else { return false }
    try? store.set("failure", to: Array("\(names[rank]) ended: \(message)".utf8))
    return true
  }

  private func lose(_ message: Message) {
    let isNews = state.withLock { state in
      guard !state.isOver, state.loss == nil else { return false }
      state.loss = message
      return true
    }
    guard isNews else { return }
    lost(message)
  }

  private func watch() {
    var seen = [Int: Seen]()
    var number = 0
    while true {
      number += 1
      let beat = state.withLock { state in
        Beat(
          number: number, processorSeconds: Self.processorSeconds(),
          waitingSeconds: state.waitingSince.map { (ContinuousClock.now - $0).inSeconds }, meetings: state.meetings,
          isBusy: state.busy > 0 && state.waiters == 0, hasLeft: state.isOver)
      }
      do {
        try store.set("beat/\(rank)", to: Array(JSONEncoder().encode(beat)))
        if beat.hasLeft {
          done.signal()
          return
        }
        if try store.has("failure"), let text = try store.value(of: "failure", waiting: .seconds(1)) {
          lose("\(String(decoding: text, as: UTF8.self))")
        }
        if let message = try look(&seen, beat) {
          lose(message)
          _ = try? store.add(1, to: "failures")
          try? store.set("failure", to: Array("\(message)".utf8))
        }
        state.withLock { $0.contact = .now }
      } catch {
        lose(
          "\(names[0]) serves the store of all ranks and has ended or cannot be reached; the run goes on from what it left when all are started again"
        )
        return
      }
      _ = leaving.wait(timeout: .now() + 1)
    }
  }

  /// Reads what others wrote.
  /// - Returns: a sentence where one of them is lost.
  private func look(_ all: inout [Int: Seen], _ own: Beat) throws -> Message? {
    let now = ContinuousClock.now
    let watched = rank == 0 ? Array(1..<names.count) : [0]
    for other in watched {
      var seen = all[other] ?? Seen()
      if let bytes = try store.value(of: "beat/\(other)", waiting: .milliseconds(1)),
        let beat = try? JSONDecoder().decode(Beat.self, from: Data(bytes)), beat != seen.beat
      {
        (seen.beat, seen.at) = (beat, now)
        if beat.waitingSeconds != nil || beat.isBusy || beat.processorSeconds > seen.activeSeconds + Self.idleSeconds {
          (seen.activeAt, seen.activeSeconds) = (now, beat.processorSeconds)
        }
      }
      all[other] = seen
      if seen.beat?.hasLeft == true { continue }
      if now - seen.at > Self.silence {
        return
          "\(names[other]) has not been heard of for \(Self.silence.components.seconds) seconds: it, its machine or the network is down; the run goes on from what it left when all are started again"
      }
    }
    // Only rank 0 sees all of them.
    guard rank == 0, let hanging = hanging(all, own, now) else { return nil }
    return
      "\(names[hanging]) does nothing, and others have waited for it for \(Self.hang.components.seconds) seconds: it hangs; the run goes on from what it left when all are started again"
  }

  /// The rank that the others wait for in vain, where there is one.
  private func hanging(_ all: [Int: Seen], _ own: Beat, _ now: ContinuousClock.Instant) -> Int? {
    let present = all.filter { $0.value.beat?.hasLeft == false }
    let beats = present.compactMapValues(\.beat).merging([rank: own]) { $1 }
    func waitsLong(_ beat: Beat) -> Bool { (beat.waitingSeconds ?? 0) > Self.hang.inSeconds }
    guard beats.values.contains(where: waitsLong) else { return nil }
    let idle = present.first { _, seen in
      seen.beat?.waitingSeconds == nil && seen.beat?.isBusy == false && now - seen.activeAt > Self.hang
    }
    if let idle { return idle.key }
    // Where all wait, the one that has not come out of what the others have behind them.
    guard beats.values.allSatisfy(waitsLong), let most = beats.values.map(\.meetings).max() else { return nil }
    return beats.sorted { $0.key < $1.key }.first { $0.value.meetings < most }?.key
  }

  /// Notices where the store itself does not answer any more.
  private func watchTheStore() {
    var before = ContinuousClock.now
    while true {
      Thread.sleep(forTimeInterval: 1)
      let now = ContinuousClock.now
      // Where this process itself was stopped for a while nobody else is to blame.
      let slept = now - before > .seconds(5)
      before = now
      let (isOver, contact) = state.withLock { state in
        if slept { state.contact = now }
        return (state.isOver, state.contact)
      }
      if isOver { return }
      guard now - contact > Self.silence else { continue }
      lose(
        "\(names[0]) serves the store of all ranks and has not answered for \(Self.silence.components.seconds) seconds: it, its machine or the network is down; the run goes on from what it left when all are started again"
      )
      return
    }
  }

  private static func processorSeconds() -> Double {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
