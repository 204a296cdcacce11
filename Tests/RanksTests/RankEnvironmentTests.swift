import Ground
import Testing

@testable import Ranks

@Suite struct RankEnvironmentTests {
  private static let torchrun = [
    "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node7", "MASTER_PORT": "29512",
  ]

  @Test func nothingOfSeveralProcesses() throws {
    #expect(try RankEnvironment([:]) == nil)
    #expect(try RankEnvironment(["RANK": "0", "WORLD_SIZE": "1"]) == nil)
    #expect(try RankEnvironment(["RANK": "2"]) == nil)
    // A batch script of a job with four tasks is one process.
    #expect(try RankEnvironment(["SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_ID": "9"]) == nil)
  }

  @Test func torchrunsVariables() throws {
    let plain = try #require(try RankEnvironment(Self.torchrun))
    #expect((plain.rank, plain.count, plain.localRank) == (3, 4, 1))
    #expect((plain.host, plain.port) == ("node7", 29512))
    #expect(!plain.launcherServes && plain.restarts == 0)
    let served = try #require(
      try RankEnvironment(Self.torchrun.merging(["TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2"]) { $1 }))
    #expect(served.launcherServes && served.restarts == 2)
  }

  @Test(arguments: [
    ("RANK", "4", "rank 4 of 4"), ("RANK", "-1", "rank -1"), ("RANK", "x", "RANK is 'x'"), ("MASTER_PORT", "70000", "no port"),
    ("MASTER_PORT", "", "set MASTER_PORT"), ("MASTER_ADDR", "", "set MASTER_ADDR"), ("WORLD_SIZE", "two", "WORLD_SIZE is 'two'"),
    ("RANK", "", "RANK is not set"),
  ])
  func wrongVariablesAreNamed(name: String, value: String, expected: String) {
    let error = #expect(throws: RankError.self) { try RankEnvironment(Self.torchrun.merging([name: value]) { $1 }) }
    #expect(error?.message.description.contains(expected) == true)
  }

  @Test func slurmsJobStep() throws {
    let step = [
      "SLURM_STEP_NUM_TASKS": "16", "SLURM_PROCID": "9", "SLURM_LOCALID": "1", "SLURM_STEP_NODELIST": "gpu[007-008,011],login",
      "SLURM_JOB_ID": "4711",
      "SLURM_STEP_ID": "0",
    ]
    let found = try #require(try RankEnvironment(step))
    #expect((found.rank, found.count, found.localRank, found.host) == (9, 16, 1, "gpu007"))
    #expect((20000..<30000).contains(found.port))
    // Another step of the same job meets elsewhere; so does what the user says.
    let other = try #require(try RankEnvironment(step.merging(["SLURM_STEP_ID": "1"]) { $1 }))
    #expect(other.port != found.port)
    let told = try #require(try RankEnvironment(step.merging(["MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1234"]) { $1 }))
    #expect((told.host, told.port) == ("10.0.0.1", 1234))
  }

  @Test func openMPI() throws {
    var process = [
      "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
      "PMIX_NAMESPACE": "prterun-1@1",
    ]
    let found = try #require(try RankEnvironment(process))
    #expect((found.rank, found.count, found.localRank, found.host) == (1, 2, 1, "127.0.0.1"))
    // On several machines nothing says where rank 0 is.
    process["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1"
    #expect(throws: RankError.self) { try RankEnvironment(process) }
    process["MASTER_ADDR"] = "node1"
    #expect(try RankEnvironment(process)?.host == "node1")
  }

  @Test(arguments: [
    ("node1", "node1"), ("node1,node2", "node1"), ("n[3-5]", "n3"), ("n[03,7]", "n03"), ("n[1-2]-ib,x", "n1-ib"), ("a[12]b,c[1]", "a12b"),
  ])
  func firstNodes(list: String, first: String) { #expect(RankEnvironment.firstNode(list) == first) }

  @Test(arguments: ["", "[", "n[", "n[]", ","]) func noNode(list: String) { #expect(RankEnvironment.firstNode(list) == nil) }
}
