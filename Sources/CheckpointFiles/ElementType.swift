/// The type of one number in a tensor, with the names that safetensors files give it.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8, uint8
  case bool

  /// The name in a safetensors header, such as `BF16`.
  public var safetensorsName: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint8: "U8"
    case .bool: "BOOL"
    }
  }

  /// The type of a safetensors header's `dtype`; nil for a name that Headway does not read.
  public init?(safetensorsName: String) {
    guard let match = Self.allCases.first(where: { $0.safetensorsName == safetensorsName }) else { return nil }
    self = match
  }

  /// Bytes of one element.
  public var byteWidth: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether the type holds real numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    case .int64, .int32, .int16, .int8, .uint8, .bool: false
    }
  }

  /// Its name on the command line.
  public var description: String { rawValue }
}
