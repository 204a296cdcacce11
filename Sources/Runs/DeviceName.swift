public import Ground

/// Where to compute, as settings name it. Whether the device is there is another question.
public enum DeviceName: Sendable, Hashable, CodedAsText {
  /// A device of MPS or CUDA where one answers, else the processor.
  case automatic
  /// The processor.
  case cpu
  /// A CUDA device, counted from 0.
  case cuda(Int)
  /// Apple's Metal Performance Shaders.
  case mps

  /// Reads `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; nil for anything else.
  public init?(_ description: String) {
    switch description {
    case "auto": self = .automatic
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    case "mps": self = .mps
    default:
      guard description.hasPrefix("cuda:"), let index = UInt16(description.dropFirst(5)) else { return nil }
      self = .cuda(Int(index))
    }
  }

  /// `auto`, `cpu`, `cuda:N` or `mps`.
  public var description: String {
    switch self {
    case .automatic: "auto"
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    case .mps: "mps"
    }
  }

  /// What its text may be.
  public static let textForm = "a device is auto, cpu, cuda, cuda:N or mps"
}
