import Foundation
public import Ground
import Synchronization
public import Torch

/// Processes that do one run together: this one's number, and what they tell each other. Rank 0 alone speaks to the user and writes what the run writes.
///
/// All ranks call the same functions in the same order. A function that waits for other ranks ends with an error where one of them is lost.
public final class RankGroup: Sendable {
  /// This process's number, counted from 0.
  public let rank: Int
  /// How many there are.
  public let count: Int
  /// This process's number among those of its machine.
  public let localRank: Int
  /// How many ranks are on its machine.
  public let localCount: Int
  /// How often the launcher has started all ranks anew.
  public let restarts: Int
  /// The processors that this process should use: those that its machine gives it, shared with ranks that have the same.
  public let processors: Int
  /// Each rank as messages have it: `rank 1 (host)`.
  let names: [String]
  let store: SharedStore
  let watch: RankWatch
  private let address: String
  private let isStopping: @Sendable () -> Bool
  private let messages = Mutex<ProcessGroup?>(nil)
  private let serial = Mutex(0)

  /// Whether this is rank 0.
  public var isFirst: Bool { rank == 0 }

  /// How long ranks are waited for that have not come yet.
  private static let patience = Duration.seconds(300)
  /// For what is waited for without end while its rank lives: the watch knows better.
  private static let never = Duration.seconds(30 * 86400)

  /// Meets the others. Returns when all are there.
  ///
  /// - Parameters:
  ///   - environment: which rank this is, and where they meet.
  ///   - note: takes a sentence where others keep it waiting.
  ///   - isStopping: whether this process was told to stop, and so need not find out which rank keeps it waiting.
  ///   - lost: called from another thread with a sentence where a rank is lost; this process cannot go on. What waits for other ranks may wait for ever, so a
  ///     program leaves here.
  /// - Throws: `RankError` where rank 0 cannot be reached or ranks do not come.
  public init(
    _ environment: RankEnvironment, note: (Message) -> Void = { _ in }, isStopping: @escaping @Sendable () -> Bool = { false },
    lost: @escaping @Sendable (Message) -> Void
  ) throws {
    self.isStopping = isStopping
    (rank, count) = (environment.rank, environment.count)
    (localRank, restarts) = (environment.localRank, environment.restarts)
    let meeting = "\(environment.host):\(environment.port)"
    func connect(serves: Bool) throws -> SharedStore {
      do {
        return try SharedStore(
          host: environment.host, port: environment.port, serves: serves, prefix: "headway/\(environment.restarts)", timeout: Self.patience)
      } catch {
        let remedy =
          serves
          ? "set MASTER_ADDR to an address of this machine and MASTER_PORT to a free port"
          : "check that rank 0 was started and that MASTER_ADDR and MASTER_PORT are right"
        throw RankError(
          "rank \(environment.rank) cannot \(serves ? "serve" : "reach") the store of all ranks at \(meeting) (\(error)); \(remedy)")
      }
    }
    store = try connect(serves: environment.rank == 0 && !environment.launcherServes)
    address = LocalAddress.towards(environment.host, port: environment.port) ?? environment.host
    let own = Presence(host: ProcessInfo.processInfo.hostName, processors: Engine.availableProcessors(), mask: Self.processorMask())
    let presences = try Self.meet(own, rank: rank, count: count, store, note)
    names = presences.enumerated().map { "rank \($0.offset) (\($0.element.host))" }
    let sharing = presences.count { $0.host == own.host && $0.mask == own.mask }
    localCount = presences.count { $0.host == own.host }
    processors = max(1, own.processors / max(1, sharing))
    watch = RankWatch(store: try connect(serves: false), rank: rank, names: names, lost: lost)
  }

  /// What a rank tells of itself first.
  private struct Presence: Codable {
    var host: String
    var processors: Int
    var mask: String
  }

  /// Rank 0 waits for all others and tells them who has come.
  private static func meet(_ own: Presence, rank: Int, count: Int, _ store: SharedStore, _ note: (Message) -> Void) throws -> [Presence] {
    if rank > 0 {
      try store.set("rank/\(rank)", to: Array(JSONEncoder().encode(own)))
      // As long as rank 0 may wait, and some more, so that it is the one that says who is missing.
      guard let all = try store.value(of: "ranks", waiting: patience + .seconds(30)) else {
        throw RankError("rank 0 of \(count) did not come within \(patience.components.seconds) seconds; start all of them")
      }
      return try JSONDecoder().decode([Presence].self, from: Data(all))
    }
    let began = ContinuousClock.now
    var all = [own]
    var told = ""
    while all.count < count {
      if let bytes = try store.value(of: "rank/\(all.count)", waiting: .seconds(5)) {
        all.append(try JSONDecoder().decode(Presence.self, from: Data(bytes)))
        continue
      }
      let missing = try (all.count..<count).filter { try !store.has("rank/\($0)") }
      let names = missing.map(String.init).joined(separator: ", ")
      if missing.isEmpty { continue }
      guard ContinuousClock.now - began < patience else {
        throw RankError(
          "of \(count) ranks \(names) did not come within \(patience.components.seconds) seconds; start all of them, or fewer")
      }
      if names != told { note("waiting for ranks \(names) of \(count)") }
      told = names
    }
    try store.set("ranks", to: Array(JSONEncoder().encode(all)))
    return all
  }

  private static func processorMask() -> String {
    #if os(Linux)
      let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      return status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") }.map(String.init) ?? ""
    #else
      return ""
    #endif
  }

  /// Holds against each other what makes the run the one it is: all ranks must have read the same model, data and settings.
  /// - Throws: `RankError`, which names a rank and what it has otherwise.
  public func agree(on identity: RunIdentity) throws {
    let key = nextKey()
    if !isFirst { try put(JSONEncoder().encode(identity), at: "\(key)/\(rank)") }
    // The first reads all, and the others what it found.
    var difference: Message?
    if isFirst {
      for other in 1..<count where difference == nil {
        let theirs = try JSONDecoder().decode(RunIdentity.self, from: take("\(key)/\(other)"))
        difference = theirs.difference(from: identity).map { "\(names[other]) has another run than \(names[0]) (" + $0 + ")" }
      }
    }
    let told = try told(difference?.description)
    guard let found = difference ?? told.map({ Message($0) }) else { return }
    throw RankError(found + "; give all ranks the same files and the same version of Headway")
  }

  /// What rank 0 has, on all ranks.
  public func told<Value: Codable>(_ value: @autoclosure () throws -> Value) throws -> Value {
    try watch.meeting {
      let key = nextKey()
      if isFirst {
        let value = try value()
        try put(JSONEncoder().encode([value]), at: key)
        return value
      }
      guard let found = try JSONDecoder().decode([Value].self, from: take(key)).first else {
        throw RankError("\(names[0]) told nothing; start all ranks with the same version of Headway")
      }
      return found
    }
  }

  /// Numbers of every rank, in the order of the ranks; all have as many.
  public func gathered(_ numbers: [Double]) throws -> [[Double]] {
    let all = try exchanging { try $0.gathered(Tensor(numbers, shape: [numbers.count])).doubles() }
    return (0..<count).map { Array(all[$0 * numbers.count..<($0 + 1) * numbers.count]) }
  }

  /// Runs what sends tensors to other ranks or waits for theirs.
  /// - Throws: what it throws; `RankError` where a rank is lost.
  public func exchanging<Result>(_ body: (ProcessGroup) throws -> Result) throws -> Result {
    try watch.meeting { try watch.waiting { try explaining { try body(group()) } } }
  }

  /// Runs what takes long without computing, such as writing large files, which the others must not take for a process that hangs.
  public func busyElsewhere<Result>(_ body: () throws -> Result) rethrows -> Result { try watch.busy(body) }

  /// The group that sends tensors, which is joined when it is first needed.
  private func group() throws -> ProcessGroup {
    try messages.withLock { joined in
      if let joined { return joined }
      let group = try ProcessGroup(
        store: store, rank: rank, count: count, address: address,
        interface: ProcessInfo.processInfo.environment["GLOO_SOCKET_IFNAME"].flatMap { $0.isEmpty ? nil : $0 }, timeout: Self.never)
      joined = group
      return group
    }
  }

  /// The bytes of tensors that this rank has sent to others.
  public var bytesSent: Int { messages.withLock { $0?.bytesSent ?? 0 } }

  /// Gives a rank that failed, and so made all others stop, the time to say why.
  public func waitForReason() {
    let end = ContinuousClock.now + .seconds(3)
    while loss == nil, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.1) }
  }

  /// Leaves when this rank's part is done; rank 0, by which all others speak, when theirs is.
  public func leave() {
    if isFirst { for other in 1..<count { _ = try? take("done/\(other)") } }
    watch.leave()
    if !isFirst { try? put([1], at: "done/\(rank)") }
  }

  /// Tells all others why this rank ends.
  /// - Returns: whether it is the first to end: the others need not say more.
  public func fail(_ message: Message) -> Bool { watch.fail(message) }

  /// The sentence on the rank that is lost, where one is.
  public var loss: Message? { watch.loss }

  func nextKey() -> String {
    serial.withLock {
      $0 += 1
      return "\($0)"
    }
  }

  /// Writes a value of any size for other ranks.
  func put(_ bytes: some Collection<UInt8>, at key: String) throws {
    let bytes = Array(bytes)
    let parts = stride(from: 0, to: max(1, bytes.count), by: Self.partSize).map { bytes[$0..<min(bytes.count, $0 + Self.partSize)] }
    // The first part, which is waited for and tells how many there are, comes last.
    for (number, part) in parts.enumerated().reversed() {
      let head = number == 0 ? withUnsafeBytes(of: UInt32(parts.count).littleEndian, Array.init) : []
      try storing { try store.set("\(key)/\(number)", to: head + part) }
    }
  }

  /// The most bytes of a value in the store, which takes 8 MiB.
  private static let partSize = 4 << 20

  /// Whether a value is there.
  func has(_ key: String) throws -> Bool { try storing { try store.has("\(key)/0") } }

  /// Waits for a value for as long as its rank lives.
  /// - Parameters:
  ///   - isLast: whether no other rank wants it, and it is forgotten.
  ///   - goesOn: asked again and again; waiting ends with what it throws.
  func take(_ key: String, isLast: Bool = false, asking goesOn: () throws -> Void = {}) throws -> Data {
    var whole = try wait(for: "\(key)/0", asking: goesOn)
    var count: UInt32 = 0
    for (place, byte) in whole.prefix(4).enumerated() { count |= UInt32(byte) << (8 * place) }
    whole.removeFirst(min(4, whole.count))
    for number in 1..<max(1, Int(count)) { whole += try wait(for: "\(key)/\(number)") }
    if isLast { for number in 0..<max(1, Int(count)) { try storing { try store.delete("\(key)/\(number)") } } }
    return Data(whole)
  }

  private func wait(for key: String, asking goesOn: () throws -> Void = {}) throws -> [UInt8] {
    try watch.waiting {
      while true {
        if let bytes = try storing({ try store.value(of: key, waiting: .seconds(1)) }) { return bytes }
        if let loss { throw RankError(loss) }
        try goesOn()
      }
    }
  }

  func storing<Result>(_ body: () throws -> Result) throws -> Result { try explaining(body) }

  /// An error of the network as one about the rank that is behind it, which the watch finds.
  private func explaining<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as TorchError {
      let end = ContinuousClock.now + RankWatch.silence + .seconds(10)
      while ContinuousClock.now < end {
        if let loss { throw RankError(loss) }
        if isStopping() { throw RankError("\(names[rank]) was told to stop, and another rank has ended: \(error.description)") }
        Thread.sleep(forTimeInterval: 0.1)
      }
      throw RankError("\(names[rank]) cannot talk to the other ranks: \(error.description)")
    }
  }
}

extension RankGroup? {
  /// Whether this process writes what the run writes: the only one, or rank 0.
  public var writes: Bool { self?.isFirst ?? true }
}
