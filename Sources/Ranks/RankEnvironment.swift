import Ground

/// Which of several processes this one is, and where all of them meet, as the launcher says in the environment: torchrun or any other that sets PyTorch's
/// variables, Slurm's `srun`, or Open MPI's `mpirun`.
public struct RankEnvironment: Sendable, Hashable {
  /// This process's number, counted from 0.
  public var rank: Int
  /// How many processes there are.
  public var count: Int
  /// Its number among those of its machine.
  public var localRank: Int
  /// Where rank 0 is.
  public var host: String
  /// A port there that nobody else uses.
  public var port: Int
  /// Whether the launcher itself serves the store at that port, as torchrun does.
  public var launcherServes = false
  /// How often the launcher has started all ranks anew: after a restart a run goes on with what it left.
  public var restarts = 0

  /// What the environment says; nil where it says nothing of several processes.
  ///
  /// `RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR` and `MASTER_PORT` go before a launcher's own variables; the last two may be added to these.
  /// - Throws: `RankError` where it is incomplete or contradicts itself.
  public init?(_ environment: [String: String]) throws {
    guard let launched = try Self.launched(environment), launched.count > 1 else { return nil }
    guard (0..<launched.count).contains(launched.rank) else {
      throw RankError(
        "the environment has rank \(launched.rank) of \(launched.count): ranks count from 0; start all processes by one launcher")
    }
    (rank, count) = (launched.rank, launched.count)
    localRank = try Self.number("LOCAL_RANK", in: environment) ?? launched.localRank
    guard let host = environment["MASTER_ADDR"].flatMap({ $0.isEmpty ? nil : $0 }) ?? launched.host else {
      throw RankError("several processes were started, but nothing says where rank 0 is; set MASTER_ADDR to its host for all of them")
    }
    self.host = host
    guard let port = try Self.number("MASTER_PORT", in: environment) ?? launched.port else {
      throw RankError(
        "several processes were started, but nothing says how they meet; set MASTER_PORT to a free port of \(host) for all of them")
    }
    guard (1...65535).contains(port) else { throw RankError("MASTER_PORT is \(port), which is no port; use one from 1024 to 65535") }
    self.port = port
    launcherServes = environment["TORCHELASTIC_USE_AGENT_STORE"] == "True"
    restarts = try Self.number("TORCHELASTIC_RESTART_COUNT", in: environment) ?? 0
  }

  /// What a launcher's own variables say.
  private struct Launched {
    var rank: Int
    var count: Int
    var localRank = 0
    var host: String?
    var port: Int?
  }

  private static func launched(_ environment: [String: String]) throws -> Launched? {
    func number(_ name: String) throws -> Int? { try Self.number(name, in: environment) }
    if let count = try number("WORLD_SIZE"), count > 1 {
      guard let rank = try number("RANK") else {
        throw RankError("WORLD_SIZE is \(count), but RANK is not set; set it to each process's number, or unset WORLD_SIZE")
      }
      return Launched(rank: rank, count: count)
    }
    // Of a job step: a batch script itself has the number of tasks, too, and is one process.
    if let count = try number("SLURM_STEP_NUM_TASKS"), count > 1, let rank = try number("SLURM_PROCID") {
      let nodes = environment["SLURM_STEP_NODELIST"] ?? environment["SLURM_JOB_NODELIST"]
      return Launched(
        rank: rank, count: count, localRank: try number("SLURM_LOCALID") ?? 0, host: nodes.flatMap(firstNode),
        port: port(of: "\(environment["SLURM_JOB_ID"] ?? "")/\(environment["SLURM_STEP_ID"] ?? "")"))
    }
    if let count = try number("OMPI_COMM_WORLD_SIZE"), count > 1, let rank = try number("OMPI_COMM_WORLD_RANK") {
      let isOneMachine = try number("OMPI_COMM_WORLD_LOCAL_SIZE") == count
      return Launched(
        rank: rank, count: count, localRank: try number("OMPI_COMM_WORLD_LOCAL_RANK") ?? 0, host: isOneMachine ? "127.0.0.1" : nil,
        port: port(of: environment["PMIX_NAMESPACE"] ?? environment["OMPI_MCA_ess_base_jobid"] ?? ""))
    }
    return nil
  }

  /// The first node of a list as Slurm writes it: `node[007-012,20],login` begins with `node007`.
  static func firstNode(_ list: String) -> String? {
    let prefix = list.prefix { $0 != "[" && $0 != "," }
    guard list.dropFirst(prefix.count).first == "[" else { return prefix.isEmpty ? nil : String(prefix) }
    let number = list.dropFirst(prefix.count + 1).prefix { $0.isNumber }
    let rest = list.dropFirst(prefix.count).drop { $0 != "]" }.dropFirst().prefix { $0 != "," }
    return number.isEmpty ? nil : "\(prefix)\(number)\(rest)"
  }

  /// A port for a job, so that two jobs on one machine do not meet: below those that the system gives to connections.
  private static func port(of job: String) -> Int { 20000 + Int(Fingerprint(of: job.utf8).value % 10000) }

  private static func number(_ name: String, in environment: [String: String]) throws -> Int? {
    guard let text = environment[name], !text.isEmpty else { return nil }
    guard let number = Int(text) else {
      throw RankError("\(name) is '\(text)' in the environment, which is no number; set it to one, or unset it")
    }
    return number
  }
}
