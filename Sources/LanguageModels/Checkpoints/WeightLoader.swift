public import Torch

/// One parameter of a decoder: its name in published checkpoints and its present value.
///
/// A class, so that fine-tuning can put other values in its place while the decoder's layers keep pointing here.
public final class Parameter {
  /// Its name in published checkpoints.
  public let name: String
  /// Its value; frozen unless `requiresGradient`.
  public var tensor: Tensor

  init(name: String, tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// Hands the tensors of a checkpoint to a decoder under construction, and proves afterwards that every tensor was used, none is missing and
/// every shape fits.
///
/// A scope is a prefix of names: `weights["self_attn"].parameter("q_proj.weight", [out, in])`. Problems are gathered, so that one error
/// lists all of them.
public struct WeightLoader {
  private let state: State
  private let prefix: String

  /// - Parameters:
  ///   - files: where the tensors lie.
  ///   - elementType: what floating-point tensors are converted to; a tensor that has it already stays in the mapped file.
  ///   - device: where they are put.
  ///   - rename: from the decoder's name to the checkpoint's.
  public init(
    _ files: WeightFiles, elementType: ElementType, device: Device, rename: @escaping (String) -> String = { $0 }
  ) {
    state = State(files: files, elementType: elementType, device: device, rename: rename)
    prefix = ""
  }

  private init(state: State, prefix: String) {
    self.state = state
    self.prefix = prefix
  }

  /// The scope of a child.
  public subscript(_ name: String) -> WeightLoader { WeightLoader(state: state, prefix: "\(prefix)\(name).") }

  /// Whether the checkpoint has this tensor.
  public func contains(_ name: String) -> Bool { state.files.locations[state.rename(prefix + name)] != nil }

  /// The parameter of this name and shape. A missing one or a wrong shape is told by `finish`, and a stand-in is returned until then.
  public func parameter(_ name: String, _ shape: [Int]) throws -> Parameter {
    let full = prefix + name
    let stored = state.rename(full)
    state.used.insert(stored)
    guard let location = state.files.locations[stored] else {
      state.missing.append(stored)
      return Parameter(name: full, tensor: try Tensor.zeros([0]))
    }
    guard location.entry.shape == shape else {
      state.misshapen.append("'\(stored)' is \(location.entry.shape) instead of \(shape)")
      return Parameter(name: full, tensor: try Tensor.zeros([0]))
    }
    guard location.entry.elementType.isFloatingPoint else {
      state.misshapen.append("'\(stored)' holds \(location.entry.elementType) instead of floating-point numbers")
      return Parameter(name: full, tensor: try Tensor.zeros([0]))
    }
    var tensor = try Tensor(mapping: location.entry, of: location.file)
    if tensor.elementType != state.elementType { tensor = try tensor.converted(to: state.elementType) }
    if state.device != .cpu { tensor = try tensor.moved(to: state.device) }
    let parameter = Parameter(name: full, tensor: tensor)
    state.parameters.append(parameter)
    return parameter
  }

  /// Like `parameter`, or nil where `present` is false: a bias that the configuration leaves out.
  public func parameter(_ name: String, _ shape: [Int], if present: Bool) throws -> Parameter? {
    present ? try parameter(name, shape) : nil
  }

  /// Marks a tensor of the checkpoint as known and not needed.
  public func ignore(where isKnown: (String) -> Bool) {
    for name in state.files.locations.keys where isKnown(name) { state.used.insert(name) }
  }

  /// All parameters handed out, or one error that lists what is missing, misshapen or left over.
  public func finish(model: String) throws -> [Parameter] {
    var problems: [String] = []
    func list(_ names: [String]) -> String {
      names.count <= 6 ? names.joined(separator: ", ") : names.prefix(6).joined(separator: ", ") + " and \(names.count - 6) more"
    }
    if !state.missing.isEmpty { problems.append("missing: \(list(state.missing.map { "'\($0)'" }))") }
    if !state.misshapen.isEmpty { problems.append("of another shape: \(list(state.misshapen))") }
    let left = state.files.locations.keys.filter { !state.used.contains($0) }.sorted()
    if !left.isEmpty { problems.append("not part of this architecture: \(list(left.map { "'\($0)'" }))") }
    guard problems.isEmpty else {
      throw ModelError(
        "the weights of \(model) do not fit its config.json (\(problems.joined(separator: "; "))); check that both are of the same model")
    }
    return state.parameters
  }

  /// What all scopes share while a decoder is built, on one thread.
  private final class State {
    let files: WeightFiles
    let elementType: ElementType
    let device: Device
    let rename: (String) -> String
    var used: Set<String> = []
    var missing: [String] = []
    var misshapen: [String] = []
    var parameters: [Parameter] = []

    init(files: WeightFiles, elementType: ElementType, device: Device, rename: @escaping (String) -> String) {
      self.files = files
      self.elementType = elementType
      self.device = device
      self.rename = rename
    }
  }
}
