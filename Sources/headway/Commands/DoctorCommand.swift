import Ground
import ArgumentParser
import Foundation
import Torch

/// `headway doctor`: what is here, what is missing, how to get it.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Versions, devices, threads, memory; what is missing and how to get it.",
    discussion: "Example:\n  headway doctor --json")

  @OptionGroup var output: OutputOptions

  func run() throws {
    let report = Report()
    if output.json { return try output.printJSON(report) }
    var lines = [
      "headway      \(report.headway)",
      "libtorch     \(report.libtorch) (\(report.vectorCode) kernels)",
      "processors   \(report.processors) usable, \(report.threads) threads",
      "memory       \(report.memoryMiB.map { "\($0) MiB" } ?? "unknown"), \(report.availableMemoryMiB.map { "\($0) MiB" } ?? "unknown") available",
    ]
    for device in report.devices {
      lines.append(
        "\(device.name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(device.available ? "ready" : device.remedy ?? "not there")")
    }
    try Terminal.writeLine(lines.joined(separator: "\n"))
  }

  /// What `--json` prints.
  struct Report: Encodable {
    struct DeviceState: Encodable {
      var name: String
      var available: Bool
      var count: Int
      var remedy: String?
    }
    var headway = Headway.configuration.version
    var libtorch = Engine.libtorchVersion
    var vectorCode = Engine.vectorCode
    var processors = Engine.availableProcessors()
    var threads = Engine.availableProcessors()
    var memoryMiB = MachineMemory.total.map { $0 >> 20 }
    var availableMemoryMiB = MachineMemory.available.map { $0 >> 20 }
    var devices: [DeviceState]

    enum CodingKeys: String, CodingKey {
      case headway, libtorch, processors, threads, devices
      case vectorCode = "vector_code"
      case memoryMiB = "memory_mib"
      case availableMemoryMiB = "available_memory_mib"
    }

    init() {
      var cuda = DeviceState(name: "cuda", available: false, count: 0)
      switch Device.cuda() {
      case .answering(let count):
        cuda.count = count
        cuda.available = true
      case .silent(let reason), .missing(let reason): cuda.remedy = reason
      }
      var mps = DeviceState(name: "mps", available: (try? Device(named: "mps")) != nil, count: 0)
      mps.count = mps.available ? 1 : 0
      if !mps.available { mps.remedy = "not there: it exists on Apple silicon only" }
      devices = [DeviceState(name: "cpu", available: true, count: 1), cuda, mps]
    }
  }
}
