import CTorch
import Foundation

/// Where tensors lie and are computed.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  /// The processor.
  case cpu
  /// A CUDA device, counted from 0.
  case cuda(Int)
  /// Apple's Metal Performance Shaders.
  case mps

  /// The device that a name of the command line means: `auto`, `cpu`, `cuda`, `cuda:N`, `mps`. `auto` is the processor unless this
  /// libtorch was built with CUDA or MPS and a device answers.
  ///
  /// Throws `TorchError` where the name is unknown or the device is not there, with the remedy.
  public init(named name: String) throws {
    switch name {
    case "cpu": self = .cpu
    case "mps":
      guard ct_mps_available() else { throw TorchError("no MPS device: it exists on Apple silicon only; use --device cpu") }
      self = .mps
    case "auto":
      var count: Int32 = 0
      if ct_mps_available() {
        self = .mps
      } else if ct_cuda_device_count(&count) == 0, count > 0 {
        self = .cuda(0)
      } else {
        self = .cpu
      }
    default:
      let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.first == "cuda", let index = parts.count == 1 ? 0 : Int(parts[1]), index >= 0 else {
        throw TorchError("unknown device '\(name)'; use auto, cpu, cuda, cuda:N or mps")
      }
      let count = try Device.cudaDeviceCount()
      guard index < count else {
        throw TorchError(
          "no CUDA device \(index): \(count == 0 ? "none answers" : "there are \(count), counted from 0"); use --device cpu, or check nvidia-smi"
        )
      }
      self = .cuda(index)
    }
  }

  /// How many CUDA devices answer; loads libtorch's CUDA part on first use and throws a sentence that names the remedy where there is none.
  public static func cudaDeviceCount() throws -> Int {
    var count: Int32 = 0
    try check(ct_cuda_device_count(&count))
    return Int(count)
  }

  /// Its name on the command line.
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    case .mps: "mps"
    }
  }

  /// Waits until everything that was asked of the device is done.
  public func synchronize() throws { try check(ct_synchronize(ctorchType, ctorchIndex)) }

  var ctorchType: Int32 {
    switch self {
    case .cpu: Int32(CT_CPU.rawValue)
    case .cuda: Int32(CT_CUDA.rawValue)
    case .mps: Int32(CT_MPS.rawValue)
    }
  }
  var ctorchIndex: Int32 {
    if case .cuda(let index) = self { Int32(clamping: index) } else { 0 }
  }
  init(ctorch type: Int32, index: Int32) {
    switch UInt32(type) {
    case CT_CUDA.rawValue: self = .cuda(Int(index))
    case CT_MPS.rawValue: self = .mps
    default: self = .cpu
    }
  }
}

/// The engine below: its version, its threads, its vector code.
public enum Engine {
  /// The version of libtorch that the program was built against.
  public static var libtorchVersion: String { String(cString: ct_libtorch_version()) }

  /// What vector code the fused kernels use on this processor: `avx512`, `avx2` or `portable`.
  public static var vectorCode: String { String(cString: ct_vector_code()) }

  /// The number of threads that operations use.
  public static var threads: Int { Int(ct_get_threads()) }

  /// Sets the number of threads that operations use, at least 1. Results are the same bit for bit at the same number.
  public static func setThreads(_ count: Int) throws { try check(ct_set_threads(Int32(clamping: count))) }

  /// From now on freed memory stays with the process, on huge pages where it is large: for work that asks for the same sizes again and again.
  /// To be called before the first tensor is made.
  public static func keepFreedMemory() { ct_keep_freed_memory() }

  /// The processors that the machine really gives this process: the affinity mask, cut by the control group's quota (rounded up).
  public static func availableProcessors() -> Int {
    var count = ProcessInfo.processInfo.activeProcessorCount
    #if os(Linux)
      let allowed = Int(ct_affinity_processors())
      if allowed > 0 { count = min(count, allowed) }
      // cgroup v2: "quota period" or "max period"; v1 keeps the two numbers in two files.
      func numbers(_ path: String) -> [Double] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
      }
      var quota = numbers("/sys/fs/cgroup/cpu.max")
      if quota.count != 2 {
        quota = numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
      }
      if quota.count == 2, quota[0] > 0, quota[1] > 0 { count = min(count, Int((quota[0] / quota[1]).rounded(.up))) }
    #endif
    return max(1, count)
  }
}
