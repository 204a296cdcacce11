/// What is in a dataset, gathered while it is read.
public struct DatasetSummary: Sendable {
  /// Lengths, each with how often it occurs.
  public struct Lengths: Sendable {
    private var counts: [Int: Int] = [:]
    /// How many were added.
    public private(set) var count = 0
    private var sum = 0

    /// An empty histogram.
    public init() {}

    /// Counts one length.
    public mutating func add(_ length: Int) {
      counts[length, default: 0] += 1
      count += 1
      sum += length
    }

    /// The mean; nil where there is nothing.
    public var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }
    /// The least length; nil where nothing was counted.
    public var minimum: Int? { counts.keys.min() }
    /// The greatest length; nil where nothing was counted.
    public var maximum: Int? { counts.keys.max() }
    /// The sum of all lengths.
    public var total: Int { sum }

    /// The smallest length that at least the share `q` of all do not exceed.
    public func quantile(_ q: Double) -> Int? {
      var below = 0
      for (length, number) in counts.sorted(by: { $0.key < $1.key }) {
        below += number
        if Double(below) >= q * Double(count) { return length }
      }
      return maximum
    }

    /// How many are longer than a length.
    public func count(above length: Int) -> Int { counts.reduce(0) { $1.key > length ? $0 + $1.value : $0 } }

    /// One bar of a histogram: the lengths `from..<upTo`.
    public struct Bar: Sendable, Hashable {
      /// The least length of the bin.
      public var from: Int
      /// The greatest length of the bin.
      public var upTo: Int
      /// How many samples have such a length.
      public var count: Int
    }

    /// A histogram whose bars double in width, from the one with the least length to that with the greatest: 0..<16, 16..<32, 32..<64…
    public var histogram: [Bar] {
      guard let minimum, let maximum else { return [] }
      var bars: [Bar] = []
      var from = 0
      var upTo = 16
      while from <= maximum {
        let number = counts.reduce(0) { $1.key >= from && $1.key < upTo ? $0 + $1.value : $0 }
        if upTo > minimum { bars.append(Bar(from: from, upTo: upTo, count: number)) }
        from = upTo
        upTo = upTo.multipliedReportingOverflow(by: 2).overflow ? .max : upTo * 2
        if from == .max { break }
      }
      return bars
    }
  }

  /// Characters (Unicode scalars) of the prompts.
  public private(set) var promptCharacters = Lengths()
  /// Characters of what carries loss.
  public private(set) var responseCharacters = Lengths()
  /// Tokens of whole samples, where a tokenizer counts them.
  public private(set) var tokens = Lengths()
  /// How often each tag occurs.
  public private(set) var tags = NameCounts()
  /// How often each category occurs.
  public private(set) var categories = NameCounts()
  /// How often each task occurs.
  public private(set) var tasks = NameCounts()
  /// How often each language that the dataset names occurs.
  public private(set) var languages = NameCounts()
  /// Samples without a published answer.
  public private(set) var unanswered = 0
  /// Samples in all.
  public private(set) var count = 0

  /// A summary of nothing yet.
  public init() {}

  /// Adds an instruction.
  /// - Parameters:
  ///   - instruction: the sample.
  ///   - tokens: how many tokens it has, where that is known.
  public mutating func add(_ instruction: Instruction, tokens: Int? = nil) {
    count += 1
    if !instruction.isAnswered { unanswered += 1 }
    promptCharacters.add(instruction.prompt.unicodeScalars.count)
    responseCharacters.add(instruction.pieces.reduce(0) { $1.carriesLoss ? $0 + $1.text.unicodeScalars.count : $0 })
    if let tokens { self.tokens.add(tokens) }
    instruction.tags.forEach { tags.add($0) }
    instruction.categories.forEach { categories.add($0) }
    if let task = instruction.task { tasks.add(task) }
    if let language = instruction.language { languages.add(language) }
  }

  /// Names and how often each occurs. Of very many different ones the later are only counted together.
  public struct NameCounts: Sendable {
    private var counts: [String: Int] = [:]
    /// How often names occurred that are not kept apart.
    public private(set) var others = 0
    private static let most = 100_000

    mutating func add(_ name: String) {
      if counts[name] == nil, counts.count >= Self.most { others += 1 } else { counts[name, default: 0] += 1 }
    }

    /// The names, the most frequent first, equal ones in alphabetical order.
    public var sorted: [(name: String, count: Int)] {
      counts.map { (name: $0.key, count: $0.value) }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    }
  }
}
