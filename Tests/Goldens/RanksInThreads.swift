import Foundation
import Ground
public import Ranks
import Synchronization

/// Ranks as threads of this process, which meet over the loopback as processes do.
public enum RanksInThreads {
  /// Runs `body` on every rank.
  /// - Returns: what each rank gave or threw, in their order.
  public static func run<Outcome: Sendable>(_ count: Int, _ body: @escaping @Sendable (RankGroup) throws -> Outcome) throws
    -> [Result<Outcome, any Error>]
  {
    let port = try freePort()
    let outcomes = Mutex([Int: Result<Outcome, any Error>]())
    let group = DispatchGroup()
    for rank in 0..<count {
      group.enter()
      let thread = Thread {
        let outcome = Result {
          let variables = ["RANK": "\(rank)", "WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)"]
          guard let environment = try RankEnvironment(variables) else { throw RankError("no ranks") }
          let ranks = try RankGroup(environment, lost: { _ in })
          let outcome = Result { try body(ranks) }
          // As a program does that ends with an error.
          if case .failure(let error) = outcome { _ = ranks.fail("\(String(describing: error))") }
          ranks.leave()
          return try outcome.get()
        }
        outcomes.withLock { $0[rank] = outcome }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
    return outcomes.withLock { found in (0..<count).compactMap { found[$0] } }
  }

  /// A port of this machine that nobody uses at present.
  public static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard status else { throw RankError("no port is free") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
