import StrictJSON

/// Numbers of a checkpoint that tensors are views of.
struct PickledStorage {
  var elementType: ElementType
  /// The entry `data/KEY` that holds them.
  var key: String
  /// How many there are.
  var count: Int
}

/// A tensor as a checkpoint describes it: a view of a storage. Nothing is proven yet but that the numbers are not negative.
struct PickledTensor {
  var storage: PickledStorage
  /// The first element's place in the storage.
  var offset: Int
  var shape: [Int]
  var strides: [Int]
}

/// Reads the pickle of a PyTorch checkpoint: a dictionary from names to tensors.
///
/// A pickle is a program for a small stack machine, and Python's own machine lets it import and call anything. This one has
/// just enough to describe tensors: data, seven kinds of names, three calls, each of which only makes an entry in a table here. All else
/// is refused by name. Nothing of a file is ever executed.
///
/// Values refer to containers by number, so that no file makes the machine recurse, and limits bound its steps and its memory.
struct PickleReader {
  static let mostBytes = 64 << 20
  static let mostSteps = 2_000_000
  static let mostValues = 500_000
  static let mostObjects = 500_000
  static let mostDimensions = 64

  private enum Value {
    case none
    case boolean(Bool)
    case integer(Int)
    case number
    case text(String)
    case global(Global)
    case object(Int)
    case storage(Int)
    case tensor(Int)
  }

  /// The names that a pickle may ask for.
  private enum Global {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)
    case elementType
  }

  private struct Object {
    enum Kind { case tuple, list, dictionary, orderedDictionary }
    var kind: Kind
    /// Elements; keys and values by turns in a dictionary.
    var items: [Value] = []
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var steps = 0
  private var stack: [Value] = []
  /// Heights of the stack where a mark was set.
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]
  private var objects: [Object] = []
  private var storages: [PickledStorage] = []
  private var tensors: [PickledTensor] = []

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The tensors in the order of the dictionary.
  mutating func read() throws(CheckpointProblem) -> [(name: String, tensor: PickledTensor)] {
    guard bytes.count <= PickleReader.mostBytes else {
      throw CheckpointProblem(problem: "its pickle has \(bytes.count) bytes, more than the \(PickleReader.mostBytes) that Headway reads")
    }
    guard bytes.count >= 2, bytes[0] == PickleOpcode.proto.rawValue else {
      throw CheckpointProblem(problem: "its pickle does not begin with a protocol of 2 or later", remedy: .convert)
    }
    while true {
      let code: UInt8 = try number()
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw CheckpointProblem(
          problem:
            "its pickle has the instruction \(PickleOpcode.refusedName(code)) at byte \(position - 1), which no tensor needs and Headway never executes",
          remedy: .trust)
      }
      steps += 1
      guard steps <= PickleReader.mostSteps else { throw tooMuch("steps", PickleReader.mostSteps) }
      if opcode == .stop { break }
      try execute(opcode)
    }
    guard position == bytes.count else { throw damaged("goes on after its end") }
    guard marks.isEmpty, stack.count == 1, let result = stack.first else { throw damaged("does not end with one value") }
    return try dictionary(of: result)
  }

  /// The names and tensors of the outermost dictionary.
  private func dictionary(of result: Value) throws(CheckpointProblem) -> [(name: String, tensor: PickledTensor)] {
    let remedy = "save the model's state_dict() alone, or its tensors as safetensors"
    guard case .object(let number) = result, objects[number].kind == .dictionary || objects[number].kind == .orderedDictionary else {
      throw CheckpointProblem(problem: "it holds \(kind(of: result)) instead of a dictionary of tensors", remedy: remedy)
    }
    let items = objects[number].items
    var names: Set<String> = []
    var found: [(name: String, tensor: PickledTensor)] = []
    for index in stride(from: 0, to: items.count - 1, by: 2) {
      guard case .text(let name) = items[index] else {
        throw CheckpointProblem(problem: "its dictionary has \(kind(of: items[index])) for a name", remedy: remedy)
      }
      guard case .tensor(let tensor) = items[index + 1] else {
        throw CheckpointProblem(problem: "its \(name.shortened) is \(kind(of: items[index + 1])) instead of a tensor", remedy: remedy)
      }
      guard names.insert(name).inserted else { throw CheckpointProblem(problem: "it holds \(name.shortened) twice") }
      found.append((name, tensors[tensor]))
    }
    return found
  }

  // MARK: The machine

  private mutating func execute(_ opcode: PickleOpcode) throws(CheckpointProblem) {
    switch opcode {
    case .proto:
      let version: UInt8 = try number()
      guard (2...5).contains(version) else {
        throw CheckpointProblem(problem: "its pickle has protocol \(version), but Headway reads 2 to 5", remedy: .convert)
      }
    case .frame:
      let length: UInt64 = try number()
      guard length <= UInt64(bytes.count - position) else { throw damaged("has a frame of \(length) bytes") }
    case .stop: break
    case .mark:
      guard marks.count < PickleReader.mostValues else { throw tooMuch("marks", PickleReader.mostValues) }
      marks.append(stack.count)
    case .none: try push(.none)
    case .newTrue: try push(.boolean(true))
    case .newFalse: try push(.boolean(false))
    case .binInt: try push(.integer(Int(try number() as Int32)))
    case .binInt1: try push(.integer(Int(try number() as UInt8)))
    case .binInt2: try push(.integer(Int(try number() as UInt16)))
    case .long1: try push(.integer(try longInteger()))
    case .binFloat:
      let _: UInt64 = try number()
      try push(.number)
    case .binUnicode: try push(.text(try text(UInt64(try number() as UInt32))))
    case .shortBinUnicode: try push(.text(try text(UInt64(try number() as UInt8))))
    case .binUnicode8: try push(.text(try text(try number())))
    case .emptyTuple: try push(try make(.tuple, []))
    case .tuple: try push(try make(.tuple, try popToMark()))
    case .tuple1: try push(try make(.tuple, try pop(1)))
    case .tuple2: try push(try make(.tuple, try pop(2)))
    case .tuple3: try push(try make(.tuple, try pop(3)))
    case .emptyList: try push(try make(.list, []))
    case .append: try extend(.list, with: try pop(1))
    case .appends: try extend(.list, with: try popToMark())
    case .emptyDict: try push(try make(.dictionary, []))
    case .setItem: try extend(.dictionary, with: try pop(2))
    case .setItems: try extend(.dictionary, with: try popToMark())
    case .binPut: try remember(Int(try number() as UInt8))
    case .longBinPut: try remember(Int(try number() as UInt32))
    case .memoize: try remember(memo.count)
    case .binGet: try recall(Int(try number() as UInt8))
    case .longBinGet: try recall(Int(try number() as UInt32))
    case .global:
      let module = try line()
      try push(.global(try global(module, try line())))
    case .stackGlobal:
      let parts = try pop(2)
      guard case .text(let module) = parts[0], case .text(let name) = parts[1] else {
        throw damaged("names a global by something else than texts")
      }
      try push(.global(try global(module, name)))
    case .reduce: try call()
    case .build: try build()
    case .binPersId: try persistent()
    }
  }

  private mutating func push(_ value: Value) throws(CheckpointProblem) {
    guard stack.count < PickleReader.mostValues else { throw tooMuch("values at a time", PickleReader.mostValues) }
    stack.append(value)
  }

  /// The uppermost values, the lowest of them first; a mark is a floor.
  private mutating func pop(_ count: Int) throws(CheckpointProblem) -> [Value] {
    guard stack.count - (marks.last ?? 0) >= count else { throw damaged("takes a value where there is none") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(CheckpointProblem) -> [Value] {
    guard let mark = marks.popLast() else { throw damaged("goes back to a mark where there is none") }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  private mutating func make(_ kind: Object.Kind, _ items: [Value]) throws(CheckpointProblem) -> Value {
    guard objects.count < PickleReader.mostObjects else { throw tooMuch("containers", PickleReader.mostObjects) }
    objects.append(Object(kind: kind, items: items))
    return .object(objects.count - 1)
  }

  /// Adds values to the list or dictionary on top of the stack.
  private mutating func extend(_ kind: Object.Kind, with values: [Value]) throws(CheckpointProblem) {
    guard stack.count > (marks.last ?? 0), case .object(let number)? = stack.last,
      objects[number].kind == kind || kind == .dictionary && objects[number].kind == .orderedDictionary
    else { throw damaged("adds to something that is no \(kind)") }
    guard kind != .dictionary || values.count.isMultiple(of: 2) else { throw damaged("has a key without a value") }
    objects[number].items.append(contentsOf: values)
  }

  private mutating func remember(_ index: Int) throws(CheckpointProblem) {
    guard stack.count > (marks.last ?? 0), let value = stack.last else { throw damaged("remembers a value where there is none") }
    memo[index] = value
    guard memo.count <= PickleReader.mostValues else { throw tooMuch("remembered values", PickleReader.mostValues) }
  }

  private mutating func recall(_ index: Int) throws(CheckpointProblem) {
    guard let value = memo[index] else { throw damaged("recalls the value \(index), which it never remembered") }
    try push(value)
  }

  // MARK: What tensors are made of

  private func global(_ module: String, _ name: String) throws(CheckpointProblem) -> Global {
    switch (module, name) {
    case ("collections", "OrderedDict"): return .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): return .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): return .rebuildParameter
    case ("torch", _):
      if let type = PickleReader.storageTypes[name] { return .storage(type) }
      if PickleReader.elementTypeNames.contains(name) { return .elementType }
    default: break
    }
    let full = "\(module).\(name)".shortened
    throw CheckpointProblem(
      problem: "it asks for the global \(full), which Headway never executes (it knows only those that dictionaries of tensors need)",
      remedy: .trust)
  }

  private static let storageTypes: [String: ElementType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "LongStorage": .int64,
    "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
  ]

  private static let elementTypeNames: Set<String> = Set(ElementType.allCases.map(\.rawValue))

  /// Calls one of the known functions with a tuple of arguments.
  private mutating func call() throws(CheckpointProblem) {
    let parts = try pop(2)
    guard case .object(let number) = parts[1], objects[number].kind == .tuple else { throw damaged("calls without a tuple of arguments") }
    let arguments = objects[number].items
    guard case .global(let function) = parts[0] else {
      throw CheckpointProblem(problem: "it calls \(kind(of: parts[0])), which Headway never executes", remedy: .trust)
    }
    switch function {
    case .orderedDictionary:
      guard arguments.isEmpty else { throw damaged("makes an OrderedDict of something") }
      try push(try make(.orderedDictionary, []))
    case .rebuildTensor: try push(try tensor(arguments))
    case .rebuildParameter:
      guard arguments.count == 3, case .tensor = arguments[0], case .boolean = arguments[1], isEmptyDictionary(arguments[2]) else {
        throw damaged("makes a parameter of something else than a tensor without hooks")
      }
      try push(arguments[0])
    case .storage, .elementType:
      throw CheckpointProblem(problem: "it calls a type of number, which Headway never executes", remedy: .trust)
    }
  }

  /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`.
  private mutating func tensor(_ arguments: [Value]) throws(CheckpointProblem) -> Value {
    guard arguments.count == 6 || arguments.count == 7, case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
      offset >= 0, case .boolean = arguments[4], isEmptyDictionary(arguments[5])
    else { throw damaged("makes a tensor of something else than a storage, a place in it, a shape and strides") }
    // The seventh tells of conjugated or negated views, whose bytes are not their values.
    if arguments.count == 7, !isEmptyDictionary(arguments[6]) {
      guard case .none = arguments[6] else {
        throw CheckpointProblem(problem: "it holds a tensor with metadata (a conjugated or negated view)", remedy: .convert)
      }
    }
    let shape = try sizes(arguments[2])
    let strides = try sizes(arguments[3])
    guard shape.count == strides.count else { throw damaged("makes a tensor of \(shape.count) dimensions with \(strides.count) strides") }
    guard tensors.count < PickleReader.mostObjects else { throw tooMuch("tensors", PickleReader.mostObjects) }
    tensors.append(PickledTensor(storage: storages[storage], offset: offset, shape: shape, strides: strides))
    return .tensor(tensors.count - 1)
  }

  private func sizes(_ value: Value) throws(CheckpointProblem) -> [Int] {
    guard case .object(let number) = value, objects[number].kind == .tuple else {
      throw damaged("gives a tensor a shape that is not a tuple")
    }
    let items = objects[number].items
    guard items.count <= PickleReader.mostDimensions else { throw damaged("makes a tensor of \(items.count) dimensions") }
    var sizes: [Int] = []
    for item in items {
      guard case .integer(let size) = item, size >= 0 else { throw damaged("gives a tensor a size that is not a whole number from 0") }
      sizes.append(size)
    }
    return sizes
  }

  private func isEmptyDictionary(_ value: Value) -> Bool {
    guard case .object(let number) = value else { return false }
    return objects[number].kind != .tuple && objects[number].kind != .list && objects[number].items.isEmpty
  }

  /// `('storage', type, key, device, number of elements)`.
  private mutating func persistent() throws(CheckpointProblem) {
    guard case .object(let number) = try pop(1)[0], objects[number].kind == .tuple else {
      throw damaged("refers to something that is not a storage")
    }
    let parts = objects[number].items
    guard parts.count == 5, case .text("storage") = parts[0], case .global(.storage(let type)) = parts[1], case .text(let key) = parts[2],
      case .text = parts[3], case .integer(let count) = parts[4], count >= 0
    else { throw damaged("refers to something that is not a storage of numbers") }
    guard storages.count < PickleReader.mostObjects else { throw tooMuch("storages", PickleReader.mostObjects) }
    storages.append(PickledStorage(elementType: type, key: key, count: count))
    try push(.storage(storages.count - 1))
  }

  /// Attributes of an object: only the versions that a state_dict carries, which say nothing of its tensors.
  private mutating func build() throws(CheckpointProblem) {
    let state = try pop(1)[0]
    guard stack.count > (marks.last ?? 0), case .object(let target)? = stack.last, objects[target].kind == .orderedDictionary,
      case .object(let number) = state, objects[number].kind == .dictionary
    else { throw damaged("sets attributes of something that is not an OrderedDict") }
    for index in stride(from: 0, to: objects[number].items.count, by: 2) {
      guard case .text("_metadata") = objects[number].items[index] else {
        throw CheckpointProblem(problem: "its dictionary has an attribute other than _metadata", remedy: .trust)
      }
    }
  }

  // MARK: Reading bytes

  private mutating func number<Number: FixedWidthInteger>() throws(CheckpointProblem) -> Number {
    let size = MemoryLayout<Number>.size
    guard size <= bytes.count - position else { throw damaged("is cut short") }
    defer { position += size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  private mutating func longInteger() throws(CheckpointProblem) -> Int {
    let length = Int(try number() as UInt8)
    guard length <= 8 else { throw damaged("has a number of \(length) bytes, which is not a size or a place") }
    var value: UInt64 = 0
    for index in 0..<length { value |= UInt64(try number() as UInt8) << (8 * UInt64(index)) }
    // Two's complement: the last byte's upper bit is the sign.
    let unused = UInt64(64 - 8 * length)
    return length == 0 ? 0 : Int(Int64(bitPattern: value << unused) >> Int64(unused))
  }

  private mutating func text(_ length: UInt64) throws(CheckpointProblem) -> String {
    guard length <= UInt64(bytes.count - position) else {
      throw damaged("claims a text of \(length) bytes where \(bytes.count - position) are left")
    }
    let end = position + Int(length)
    let content = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    let text: String
    do throws(ForeignText.Problem) {
      text = try ForeignText.text(content.bindMemory(to: UInt8.self))
    } catch {
      throw damaged("has a text that \(error == .invalid ? "is not UTF-8" : error.rawValue)")
    }
    position = end
    return text
  }

  /// A line of a `GLOBAL` instruction.
  private mutating func line() throws(CheckpointProblem) -> String {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw damaged("is cut short") }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  // MARK: Messages

  private func damaged(_ what: String) -> CheckpointProblem {
    CheckpointProblem(problem: "its pickle \(what), before byte \(position)")
  }

  private func tooMuch(_ what: String, _ limit: Int) -> CheckpointProblem {
    CheckpointProblem(problem: "its pickle needs more than \(limit) \(what), which no dictionary of tensors does", remedy: .trust)
  }

  private func kind(of value: Value) -> String {
    switch value {
    case .none: "None"
    case .boolean: "a truth value"
    case .integer, .number: "a number"
    case .text: "a text"
    case .global: "a function or class"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .object(let number):
      switch objects[number].kind {
      case .tuple: "a tuple"
      case .list: "a list"
      case .dictionary, .orderedDictionary: "a dictionary"
      }
    }
  }
}

extension String {
  /// The remedy for a pickle that wants more than tensors.
  static let trust = "do not load it elsewhere unless you trust where it comes from, and get the model as safetensors"

  /// The text in quotation marks, cut where a hostile file makes it long. (One character may be any number of scalars.)
  var shortened: String { cut.debugDescription }
  var cut: String { unicodeScalars.count <= 120 ? self : String(unicodeScalars.prefix(120)) + "…" }
}
