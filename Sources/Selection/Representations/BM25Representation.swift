import Foundation
public import Instructions

/// Words in common: BM25 (Robertson and Zaragoza 2009) with each target sample as a query, as the Python package `rank-bm25` computes its `BM25Okapi`
/// (k₁ = 1.5, b = 0.75, and a quarter of the mean in place of a word's weight that would be negative).
///
/// Prompt, response and further turns are taken apart into words: stretches of letters and digits in lower case, ideographs one by one. Of several target
/// samples, a group's or all, the mean of their scores is taken.
public struct BM25Representation: TextRepresentation {
  /// `bm25` in settings.
  public let name = "bm25"
  /// The target's samples are the queries.
  public let hasTarget = true

  /// The representation.
  public init() {}

  /// BM25 scores, from 0 on.
  public func likeness(
    target: [Instruction], pool: ((Instruction) throws -> Void) throws -> Void, view: TargetView, _ options: RepresentationOptions
  ) throws -> any Likeness {
    let groups = view.groups(of: target.count) { "sample \(target[$0].index)" }
    var index = WordIndex(queries: groups.map { group in group.members.map { Words.of(target[$0]) } })
    try pool { index.add(Words.of($0)) }
    return BM25Likeness(index, targetNames: groups.map(\.name))
  }
}

/// Texts taken apart into words.
enum Words {
  static func of(_ instruction: Instruction) -> [String] { instruction.pieces.flatMap { of($0.text) } }

  static func of(_ text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func end() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in text.lowercased().unicodeScalars {
      if scalar.properties.isIdeographic {
        end()
        words.append(String(scalar))
      } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
        word.append(scalar)
      } else {
        end()
      }
    }
    end()
    return words
  }
}

/// How often each sample of a pool has each word of some queries, and how many samples have any word at all.
struct WordIndex {
  /// For each word of the queries, what a use of it counts in each target: how often a query has it, divided by the target's queries.
  private(set) var uses: [[(target: Int, weight: Double)]] = []
  let targetCount: Int
  /// The words of each sample.
  private(set) var lengths: [Int32] = []
  /// The samples that have a word, for every word of the pool.
  private(set) var frequencies: [String: Int] = [:]
  /// The queries' words, in order.
  private(set) var words: [String] = []
  /// Where each sample's entries begin, and where the last one's end.
  private(set) var starts = [0]
  private(set) var entries: [(word: Int32, count: Int32)] = []
  private var numbers: [String: Int32] = [:]

  /// - Parameter queries: for each target its queries' words.
  init(queries: [[[String]]]) {
    targetCount = queries.count
    for (target, queries) in queries.enumerated() {
      for query in queries {
        for word in query {
          let number = numbers[word] ?? Int32(words.count)
          if numbers.updateValue(number, forKey: word) == nil {
            words.append(word)
            uses.append([])
          }
          let weight = 1 / Double(queries.count)
          let place = Int(number)
          if let last = uses[place].last, last.target == target {
            uses[place][uses[place].count - 1].weight += weight
          } else {
            uses[place].append((target, weight))
          }
        }
      }
    }
  }

  /// Adds a sample of the pool.
  mutating func add(_ sample: [String]) {
    lengths.append(Int32(clamping: sample.count))
    var counts: [String: Int32] = [:]
    for word in sample { counts[word, default: 0] += 1 }
    for (word, count) in counts {
      frequencies[word, default: 0] += 1
      if let number = numbers[word] { entries.append((number, count)) }
    }
    // Dictionaries have no order of their own, and sums depend on the order.
    entries[starts[starts.count - 1]...].sort { $0.word < $1.word }
    starts.append(entries.count)
  }
}

private struct BM25Likeness: Likeness {
  private let index: WordIndex
  /// Each query word's weight: how rare it is in the pool.
  private let rarity: [Double]
  private let meanLength: Double
  let targetNames: [String]

  var sampleCount: Int { index.lengths.count }

  init(_ index: WordIndex, targetNames: [String]) {
    self.index = index
    self.targetNames = targetNames
    let samples = Double(index.lengths.count)
    func weight(_ frequency: Int) -> Double { log(samples - Double(frequency) + 0.5) - log(Double(frequency) + 0.5) }
    // Summed by how often, in order: a dictionary's order differs from run to run.
    var words: [Int: Int] = [:]
    for frequency in index.frequencies.values { words[frequency, default: 0] += 1 }
    let sum = words.sorted { $0.key < $1.key }.reduce(0) { $0 + weight($1.key) * Double($1.value) }
    let floor = 0.25 * sum / Double(max(1, index.frequencies.count))
    rarity = index.words.map { word in
      guard let frequency = index.frequencies[word] else { return 0 }
      let own = weight(frequency)
      return own < 0 ? floor : own
    }
    meanLength = Double(index.lengths.reduce(0) { $0 + Int($1) }) / max(1, samples)
  }

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    let targets = targetNames.count
    let most = max(1, (16 << 20) / (8 * targets))
    for first in stride(from: 0, to: sampleCount, by: most) {
      let end = min(sampleCount, first + most)
      var values = [Double](repeating: 0, count: (end - first) * targets)
      for sample in first..<end {
        let norm = 1.5 * (0.25 + 0.75 * Double(index.lengths[sample]) / max(meanLength, .leastNonzeroMagnitude))
        for entry in index.entries[index.starts[sample]..<index.starts[sample + 1]] {
          let count = Double(entry.count)
          let part = rarity[Int(entry.word)] * count * 2.5 / (count + norm)
          for use in index.uses[Int(entry.word)] { values[(sample - first) * targets + use.target] += use.weight * part }
        }
      }
      try values.withUnsafeBufferPointer { try body(first, $0) }
    }
  }
}
