import CTorch
public import Foundation

/// A libtorch operation that failed: its name, the shapes and element types of its tensors, and libtorch's reason.
public struct TorchError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// What went wrong, beginning with `operation(shapes)`.
  public let description: String
  /// The same text, for Foundation.
  public var errorDescription: String? { description }

  /// An error with a text of the caller's.
  public init(_ description: String) { self.description = description }

  /// The text of this thread's last failure at the C boundary.
  static func last() -> TorchError { TorchError(String(cString: ct_error())) }
}

/// Throws the boundary's last error where `status` is not 0.
func check(_ status: Int32) throws {
  if status != 0 { throw TorchError.last() }
}

/// Calls an operation that leaves one tensor behind.
func made(_ body: (UnsafeMutablePointer<ct_tensor?>) -> Int32) throws -> Tensor {
  var handle: ct_tensor?
  try check(body(&handle))
  guard let handle else { throw TorchError("an operation left no tensor behind") }
  return Tensor(handle)
}
