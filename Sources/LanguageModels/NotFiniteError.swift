import CheckpointFiles
import Foundation
public import Ground
import Torch

/// A loss or a level that is infinite or not a number, why, and what to do about it.
public struct NotFiniteError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message
}

extension CausalDecoder {
  /// Fails where the losses of samples are not finite.
  /// - Parameters:
  ///   - losses: one a sample.
  ///   - samples: what they are of.
  public func requireFinite(_ losses: [Double], of samples: [TokenizedSample]) throws {
    for (loss, sample) in zip(losses, samples) where !loss.isFinite {
      throw try notFinite("the loss of the sample at index \(sample.index) is \(loss)")
    }
  }

  /// Why a figure that was computed with the weights as they are is not finite: weights that are not, which all of them are then searched for, or
  /// numbers beyond what the element type holds.
  /// - Parameter figure: what is not finite, as in "the loss of the sample at index 3 is nan".
  public func notFinite(_ figure: String) throws -> NotFiniteError {
    let weights = parameters + parameters.compactMap(\.adapter).flatMap { [$0.down, $0.up] }
    for weight in weights where try !weight.tensor.isFinite() {
      return NotFiniteError(
        message:
          "\(figure), because the weight '\(weight.storedName)' holds numbers that are not finite (NaN or infinite); download the model again, or take an earlier checkpoint"
      )
    }
    switch elementType {
    case .float64:
      return NotFiniteError(message: "\(figure) although all weights are finite, even in float64; leave the sample out")
    case .float32:
      return NotFiniteError(
        message:
          "\(figure) although all weights are finite: numbers on the way are too large for float32; compute with \(setting: .elementType.set(to: ElementType.float64)), or leave the sample out"
      )
    default:
      return NotFiniteError(
        message:
          "\(figure) although all weights are finite: numbers on the way are too large for \(elementType); compute with \(setting: .elementType.set(to: ElementType.float32))"
      )
    }
  }
}
