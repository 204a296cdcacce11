import Ground
public import CheckpointFiles
import Foundation
public import Torch

/// One parameter of a decoder: its name in published checkpoints and its present value.
///
/// A class, so that fine-tuning can put other values in its place while the decoder's layers keep pointing here.
public final class Parameter {
  /// Its name in checkpoints as transformers writes them.
  public let name: String
  /// Its name in the checkpoint it came from: `name`, but for the architecture's table of older names.
  public let storedName: String
  /// Its value; frozen unless `requiresGradient`.
  public var tensor: Tensor
  /// Whether a linear layer multiplies by it, so that it can carry an adapter.
  public internal(set) var isLinear = false
  /// Whether it is stored `[inputs, outputs]` instead of `[outputs, inputs]`, as GPT-2's linear layers are.
  public internal(set) var isTransposed = false
  /// A low-rank change that the linear layer adds to its output; nil for none.
  public var adapter: LowRankAdapter?
  /// What the decoder computes in while the value lies in a mapped file in another type.
  private let usedAs: ElementType?

  /// - Parameter usedAs: what the decoder computes in, where `tensor` keeps the type of its file and is converted at each use.
  init(name: String, storedName: String, tensor: Tensor, usedAs: ElementType? = nil) {
    self.name = name
    self.storedName = storedName
    self.tensor = tensor
    self.usedAs = usedAs
  }

  /// The widths of the linear layer whose weight this is: what it gives and what it takes.
  public var linearShape: (outputs: Int, inputs: Int) {
    let (first, last) = (tensor.shape.first ?? 0, tensor.shape.last ?? 0)
    return isTransposed ? (last, first) : (first, last)
  }

  /// The type in which the decoder computes with it: `tensor`'s own, unless the value stays in a mapped file and is converted at each use.
  public var elementType: ElementType { tensor.isMapped ? usedAs ?? tensor.elementType : tensor.elementType }
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
  ///   - convertsAtUse: whether matrices of another type stay in the mapped file, too, and are converted by whoever computes with them.
  public init(_ files: WeightFiles, elementType: ElementType, device: Device, convertsAtUse: Bool = false) {
    state = State(
      locations: files.locations, table: NameTable(), elementType: elementType, device: device,
      convertsAtUse: convertsAtUse && device == .cpu)
    prefix = ""
  }

  /// A loader of the same tensors under the names that the table gives them. For the root, before any parameter is asked for.
  /// - Throws: `ModelError` where two tensors get the same name.
  public func renamed(by table: NameTable) throws -> WeightLoader {
    var locations: [String: StoredTensor] = [:]
    for (stored, location) in state.locations {
      if let other = locations.updateValue(location, forKey: table.name(ofStored: stored)) {
        throw ModelError("\(location.path) holds both '\(stored)' and '\(other.name)', which are the same; download the model again")
      }
    }
    return WeightLoader(
      state: State(
        locations: locations, table: table, elementType: state.elementType, device: state.device, convertsAtUse: state.convertsAtUse,
        notes: state.notes),
      prefix: prefix)
  }

  private init(state: State, prefix: String) {
    self.state = state
    self.prefix = prefix
  }

  /// The scope of a child.
  public subscript(_ name: String) -> WeightLoader { WeightLoader(state: state, prefix: "\(prefix)\(name).") }

  /// Whether the checkpoint has this tensor.
  public func contains(_ name: String) -> Bool { state.locations[prefix + name] != nil }

  /// Whether the checkpoint has a tensor of this name that holds other numbers than another one of the same shape.
  func holdsOther(_ name: String, than other: String, of scope: WeightLoader) throws -> Bool {
    guard let first = state.locations[prefix + name], let second = state.locations[scope.prefix + other], first.shape == second.shape
    else { return false }
    // A `.bin` file of a tied model lists both names for the same place.
    if first.mapping === second.mapping, first.byteRange == second.byteRange { return false }
    guard first.elementType == second.elementType else {
      return try Tensor(mapping: first).converted(to: state.elementType).countDifferent(
        from: Tensor(mapping: second).converted(to: state.elementType)) > 0
    }
    return try first.withBytes { bytes in
      try second.withBytes { others in
        guard let start = bytes.baseAddress, let other = others.baseAddress else { return bytes.count != others.count }
        return bytes.count != others.count || memcmp(start, other, bytes.count) != 0
      }
    }
  }

  /// Leaves a sentence that the user should read.
  func note(_ text: String) { state.notes.texts.append(text) }

  /// What was left with `note`.
  var notes: [String] { state.notes.texts }

  /// The parameter of this name and shape. A missing one or a wrong shape is told by `finish`, and a stand-in is returned until then.
  /// - Parameters:
  ///   - name: within this scope.
  ///   - shape: what it must be.
  ///   - other: the whole name under which the checkpoint has it instead, where it is another.
  ///   - isMatrix: whether whoever computes with it converts it where its type is another one (`Linear`, `VocabularyTables`).
  public func parameter(_ name: String, _ shape: [Int], foundUnder other: String? = nil, isMatrix: Bool = false) throws -> Parameter {
    let full = prefix + name
    let stored = state.table.storedName(of: full)
    func standIn() throws -> Parameter { Parameter(name: full, storedName: stored, tensor: try Tensor.zeros([0])) }
    state.used.insert(other ?? full)
    guard let location = state.locations[other ?? full] else {
      state.missing.append(stored)
      return try standIn()
    }
    guard location.shape == shape else {
      state.misshapen.append("'\(stored)' is \(location.shape) instead of \(shape)")
      return try standIn()
    }
    guard location.elementType.isFloatingPoint else {
      state.misshapen.append("'\(stored)' holds \(location.elementType) instead of floating-point numbers")
      return try standIn()
    }
    var tensor = try Tensor(mapping: location)
    let staysStored = isMatrix && state.convertsAtUse && tensor.isMapped
    if tensor.elementType != state.elementType, !staysStored { tensor = try tensor.converted(to: state.elementType) }
    if state.device != .cpu { tensor = try tensor.moved(to: state.device) }
    let parameter = Parameter(name: full, storedName: stored, tensor: tensor, usedAs: staysStored ? state.elementType : nil)
    state.parameters.append(parameter)
    return parameter
  }

  /// Like `parameter`, or nil where `present` is false: a bias that the configuration leaves out.
  public func parameter(_ name: String, _ shape: [Int], if present: Bool) throws -> Parameter? {
    present ? try parameter(name, shape) : nil
  }

  /// Marks a tensor of the checkpoint as known and not needed.
  public func ignore(where isKnown: (String) -> Bool) {
    for name in state.locations.keys where isKnown(name) { state.used.insert(name) }
  }

  /// All parameters handed out, or one error that lists what is missing, misshapen or left over.
  public func finish(model: String) throws -> [Parameter] {
    var problems: [String] = []
    func list(_ names: [String]) -> String {
      names.count <= 6 ? names.joined(separator: ", ") : names.prefix(6).joined(separator: ", ") + " and \(names.count - 6) more"
    }
    if !state.missing.isEmpty { problems.append("missing: \(list(state.missing.map { "'\($0)'" }))") }
    if !state.misshapen.isEmpty { problems.append("of another shape: \(list(state.misshapen))") }
    let left = state.locations.filter { !state.used.contains($0.key) }.map(\.value.name).sorted()
    if !left.isEmpty { problems.append("not part of this architecture: \(list(left.map { "'\($0)'" }))") }
    guard problems.isEmpty else {
      throw ModelError(
        "the weights of \(model) do not fit its config.json (\(problems.joined(separator: "; "))); check that both are of the same model")
    }
    return state.parameters
  }

  /// What all scopes share while a decoder is built, on one thread.
  private final class State {
    /// The tensors by the decoder's names.
    let locations: [String: StoredTensor]
    let table: NameTable
    let elementType: ElementType
    let device: Device
    let convertsAtUse: Bool
    var used: Set<String> = []
    var missing: [String] = []
    var misshapen: [String] = []
    var parameters: [Parameter] = []
    /// Shared with the loader that this one renames.
    let notes: Notes

    init(
      locations: [String: StoredTensor], table: NameTable, elementType: ElementType, device: Device, convertsAtUse: Bool,
      notes: Notes = Notes()
    ) {
      self.locations = locations
      self.table = table
      self.elementType = elementType
      self.device = device
      self.convertsAtUse = convertsAtUse
      self.notes = notes
    }
  }

  private final class Notes {
    var texts: [String] = []
  }
}
