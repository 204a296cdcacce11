public import CheckpointFiles
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

  /// The device that a name means; see `choose`.
  public init(named name: String) throws { self = try Device.choose(name).device }

  /// The device that a name means: `auto`, `cpu`, `cuda`, `cuda:N`, `mps`. `auto` is a device of MPS or CUDA where one answers, else the processor.
  ///
  /// To be asked before anything is computed: libtorch looks for its CUDA part once.
  ///
  /// - Returns: the device; and, of `auto`, why it is this one, where that is not plain (a processor without any rival).
  /// - Throws: `TorchError` where the name is unknown or the device is not there, with the remedy.
  public static func choose(_ name: String) throws -> (device: Device, reason: String?) {
    switch name {
    case "cpu": return (.cpu, nil)
    case "mps":
      guard ct_mps_available() else { throw TorchError("no MPS device: it exists on Apple silicon only; compute on the processor (cpu)") }
      return (.mps, nil)
    case "auto":
      if ct_mps_available() { return (.mps, "computing on mps") }
      switch cuda() {
      case .answering(let count): return (.cuda(0), "computing on cuda:0" + (count > 1 ? ", the first of \(count) CUDA devices" : ""))
      case .silent(let reason): return (.cpu, "computing on the processor, as \(reason)")
      case .missing where hasNvidiaDriver:
        return (.cpu, "computing on the processor: this machine has an NVIDIA driver, but libtorch has no CUDA part; \(cudaBuildRemedy)")
      case .missing: return (.cpu, nil)
      }
    default:
      let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.first == "cuda", let index = parts.count == 1 ? 0 : Int(parts[1]), index >= 0 else {
        throw TorchError("unknown device '\(name)'; use auto, cpu, cuda, cuda:N or mps")
      }
      switch cuda() {
      case .answering(let count) where index < count: return (.cuda(index), nil)
      case .answering(let count): throw TorchError("no CUDA device \(index): there are \(count), counted from 0")
      case .silent(let reason): throw TorchError("no CUDA device \(index): \(reason)")
      case .missing(let reason): throw TorchError("\(reason); \(cudaBuildRemedy)")
      }
    }
  }

  /// What libtorch's CUDA part says.
  public enum CUDAState: Sendable, Hashable {
    /// This many devices, at least one.
    case answering(Int)
    /// libtorch has the part, but no device can be used: why, and what to do.
    case silent(String)
    /// libtorch has no such part, and why.
    case missing(String)
  }

  /// Loads libtorch's CUDA part where that has not been done, and asks it for devices.
  public static func cuda() -> CUDAState {
    var count: Int32 = 0
    var isLoaded = false
    do {
      try check(ct_cuda_device_count(&count, &isLoaded))
    } catch {
      return isLoaded ? .silent("\(error)") : .missing("\(error)")
    }
    guard count > 0 else {
      return .silent("libtorch's CUDA part is there, but no CUDA device answers; check the driver with nvidia-smi")
    }
    return .answering(Int(count))
  }

  /// The bytes of a CUDA device's memory that nobody has taken; nil for devices that share the machine's.
  public func freeMemory() throws -> Int? {
    guard case .cuda(let index) = self else { return nil }
    var bytes: Int64 = 0
    try check(ct_cuda_free_memory(Int32(index), &bytes))
    return Int(bytes)
  }

  #if HEADWAY_WHEEL
    private static let cudaBuildRemedy = "install a CUDA build of PyTorch beside Headway: pip install --force-reinstall 'torch==2.15.*'"
  #else
    private static let cudaBuildRemedy = "name a CUDA build of PyTorch with LIBTORCH=…/site-packages/torch and build again"
  #endif

  private static var hasNvidiaDriver: Bool { FileManager.default.fileExists(atPath: "/proc/driver/nvidia/version") }

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
///
/// libtorch takes 0.2 s to start, so it is loaded when something first needs it: a tensor, a device, or what is below.
public enum Engine {
  /// Loads libtorch where that has not been done.
  /// - Throws: `TorchError` where it cannot be loaded: the file, the reason and the remedy. Everything that needs it then throws the same.
  public static func load() throws { try check(ct_load()) }

  /// Whether libtorch has been loaded.
  public static var isLoaded: Bool { ct_is_loaded() }

  /// The version of libtorch that the program was built against.
  public static var libtorchVersion: String { String(cString: ct_libtorch_version()) }

  /// What vector code the fused kernels use on this processor: `avx512`, `avx2` or `portable`.
  public static var vectorCode: String { String(cString: ct_vector_code()) }

  /// Whether `Tensor.layOutForGradients` does anything for weights of a type on this processor.
  public static func laysOut(_ type: ElementType) throws -> Bool {
    try load()
    return ct_lays_out(type.ctorch)
  }

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
