public import Ground

/// Which of a task's samples are drawn.
public enum SampleDraw {
  /// Draws by chance, without replacement; every subset of the size is equally likely.
  /// - Parameters:
  ///   - count: how many are drawn.
  ///   - available: how many there are.
  ///   - repeats: whether a task with too few samples gives all of them as often as they fit, and draws only the rest.
  ///   - name: the task's, for the error.
  ///   - generator: draws.
  /// - Returns: how often each sample is taken, [available].
  /// - Throws: `SelectionError` where there are too few and they may not repeat, or none at all.
  public static func times(
    drawing count: Int, outOf available: Int, repeats: Bool, of name: String, using generator: inout SeededGenerator
  ) throws(SelectionError) -> [Int] {
    try times(taking: count, outOf: available, repeats: repeats, of: name) { generator.positions($0, outOf: available) }
  }

  /// Takes the samples that stand first in an order.
  /// - Parameters:
  ///   - count: how many are taken.
  ///   - order: the samples' positions, the one to take first in front.
  ///   - available: how many there are.
  ///   - repeats: whether samples are taken again where there are too few.
  ///   - name: the task, for the message.
  /// - Returns: how often each sample is taken, [available].
  /// - Throws: as ``times(drawing:outOf:repeats:of:using:)``.
  public static func times(
    taking count: Int, inOrder order: [Int], outOf available: Int, repeats: Bool, of name: String
  ) throws(SelectionError) -> [Int] {
    let isPart = order.count < available
    return try times(taking: count, outOf: order.count, repeats: repeats, of: name, all: isPart ? order : nil, size: available) {
      Array(order.prefix($0))
    }
  }

  private static func times(
    taking count: Int, outOf available: Int, repeats: Bool, of name: String, all: [Int]? = nil, size: Int? = nil, _ draw: (Int) -> [Int]
  ) throws(SelectionError) -> [Int] {
    guard count <= available || (repeats && available > 0) else {
      throw SelectionError(
        available == 0
          ? "\(name) has no sample to learn from, and its share is \(count); give it data with responses"
          : "\(name) has \(available) samples and its share is \(count); lower \(setting: .total), give it more data, or let samples repeat by \(setting: .repeats)"
      )
    }
    var times = [Int](repeating: 0, count: size ?? available)
    guard available > 0 else { return times }
    for position in all ?? Array(0..<available) { times[position] = count / available }
    for position in draw(count % available) { times[position] += 1 }
    return times
  }
}
