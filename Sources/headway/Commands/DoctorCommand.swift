import ArgumentParser
import Foundation
import Ground
import Instructions
import Torch

/// `headway doctor`: what is here, what is missing, how to get it.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Versions, devices, threads, memory; what is missing and how to get it.",
    discussion: "Leaves with status 1 where a library is missing that the program was built with.\n\nExample:\n  headway doctor --json")

  @OptionGroup var output: OutputOptions

  func run() throws {
    let report = Report()
    if output.json { try output.printJSON(report) } else { try Terminal.writeLine(report.text) }
    if report.libtorch == nil || report.arrow == nil { throw ExitCode(1) }
  }

  /// What `--json` prints.
  struct Report: Encodable {
    struct DeviceState: Encodable {
      var name: String
      var available = false
      var count = 0
      var remedy: String?
    }
    var headway = Headway.configuration.version
    var libtorch: String?
    var libtorchRemedy: String?
    var vectorCode: String?
    var arrow: String?
    var arrowRemedy: String?
    var processors = Engine.availableProcessors()
    var threads = Engine.availableProcessors()
    var memoryMiB = MachineMemory.total.map { $0 >> 20 }
    var availableMemoryMiB = MachineMemory.available.map { $0 >> 20 }
    var devices: [DeviceState] = []

    enum CodingKeys: String, CodingKey {
      case headway, libtorch, arrow, processors, threads, devices
      case libtorchRemedy = "libtorch_remedy"
      case vectorCode = "vector_code"
      case arrowRemedy = "arrow_remedy"
      case memoryMiB = "memory_mib"
      case availableMemoryMiB = "available_memory_mib"
    }

    init() {
      do { arrow = try ApacheArrow.version() } catch { arrowRemedy = ErrorText.sentence(error) }
      do {
        try Engine.load()
      } catch {
        libtorchRemedy = ErrorText.sentence(error)
        return
      }
      libtorch = Engine.libtorchVersion
      vectorCode = Engine.vectorCode
      var cuda = DeviceState(name: "cuda")
      switch Device.cuda() {
      case .answering(let count):
        cuda.count = count
        cuda.available = true
      case .silent(let reason), .missing(let reason): cuda.remedy = reason
      }
      var mps = DeviceState(name: "mps", available: (try? Device(named: "mps")) != nil)
      mps.count = mps.available ? 1 : 0
      if !mps.available { mps.remedy = "not there: it exists on Apple silicon only" }
      devices = [DeviceState(name: "cpu", available: true, count: 1), cuda, mps]
    }

    /// The same for a person.
    var text: String {
      let memory = [memoryMiB, availableMemoryMiB].map { $0.map { "\($0) MiB" } ?? "unknown" }
      let facts = [
        ("headway", headway), ("libtorch", libtorch.map { "\($0) (\(vectorCode ?? "unknown") kernels)" } ?? libtorchRemedy ?? "not there"),
        ("arrow", arrow ?? arrowRemedy ?? "not there"), ("processors", "\(processors) usable, \(threads) threads"),
        ("memory", "\(memory[0]), \(memory[1]) available"),
      ]
      return (facts + devices.map { ($0.name, $0.available ? "ready" : $0.remedy ?? "not there") })
        .map { $0.padding(toLength: 12, withPad: " ", startingAt: 0) + " " + $1 }.joined(separator: "\n")
    }
  }
}
