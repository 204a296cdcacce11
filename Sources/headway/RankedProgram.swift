import Foundation
import Ground
import Ranks
import Runs
import Synchronization

/// The program as one of several processes that do a run together, where a launcher started it so.
enum RankedProgram {
  private static let joined = Mutex<RankGroup?>(nil)

  /// Joins the other ranks where the environment tells of some.
  /// - Throws: `RunError` for a run that one process does.
  static func join(for work: any Run.Type, _ output: OutputOptions, _ stop: StopSignal) throws -> RankGroup? {
    guard let environment = try RankEnvironment(ProcessInfo.processInfo.environment) else { return nil }
    guard work.sharesWork else {
      if environment.rank > 0 { Main.leave(1) }
      throw RunError(
        "\(work.name) is done by one process, and this is one of \(environment.count); start it without torchrun, srun or mpirun, or with WORLD_SIZE unset"
      )
    }
    let ranks = try RankGroup(
      environment, note: { text in if environment.rank == 0 { output.note(text.onCommandLine) } },
      isStopping: { stop.number != 0 },
      lost: { text in
        // What was found so far is on disk. Whatever else this process does may wait for ever.
        Terminal.writeError("error: \(text.onCommandLine)\n")
        Main.leave(1)
      })
    joined.withLock { $0 = ranks }
    return ranks
  }

  /// Whether this process is to say why it ends with an error: not where another one that works with it has done so.
  static func speaks(of error: String) -> Bool { joined.withLock { $0 }?.fail(Message(error)) ?? true }

  /// Whether another rank says what is wrong with arguments that all of them have.
  static var isSilentOnArguments: Bool { (try? RankEnvironment(ProcessInfo.processInfo.environment))?.rank ?? 0 > 0 }

  /// How messages on standard error begin: with the rank where that is not the one that speaks.
  static var prefix: String { joined.withLock { ranks in ranks.flatMap { $0.isFirst ? nil : "rank \($0.rank): " } } ?? "" }
}
