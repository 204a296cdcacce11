public import Foundation
public import Ground

/// The part of a pattern that one of several independent runs measures: the I-th of N, both counted from 1. It lies in a file of its own,
/// `NAME.I-of-N.safetensors`, and all N together are the pattern `NAME.safetensors` (``PatternShards``).
public struct PatternShard: Sendable, Hashable, CodedAsText {
  /// Which part it is, from 1 to `count`.
  public let number: Int
  /// How many parts there are.
  public let count: Int

  /// The most parts of a pattern.
  public static let most = 100_000

  /// The I-th of N parts; nil where there is no such part, or more than `most`.
  public init?(_ number: Int, of count: Int) {
    guard (1...Self.most).contains(count), (1...count).contains(number) else { return nil }
    (self.number, self.count) = (number, count)
  }

  /// `I/N`.
  public var description: String { "\(number)/\(count)" }

  /// What its text may be.
  public static let textForm = "a shard is I/N, such as 2/4, with I from 1 to N and N at most \(most)"

  /// Reads `I/N`; nil for anything else.
  public init?(_ text: String) { self.init(text, separator: "/") }

  private init?(_ text: some StringProtocol, separator: String) {
    let parts = text.components(separatedBy: separator)
    guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]), text == "\(number)\(separator)\(count)" else {
      return nil
    }
    self.init(number, of: count)
  }

  // MARK: Names

  /// The file of this part of a pattern.
  public func url(of pattern: URL) -> URL {
    pattern.deletingPathExtension().appendingPathExtension("\(nameText).\(pattern.pathExtension)")
  }

  /// The same for a path as it was written.
  /// - Parameter pattern: ends in an extension.
  public func path(of pattern: String) -> String {
    let ending = URL(filePath: pattern).pathExtension
    return "\(pattern.dropLast(ending.count))\(nameText).\(ending)"
  }

  private var nameText: String { "\(number)-of-\(count)" }

  /// The part that a file's name stands for, and the pattern that it is a part of; nil for a name that no part has.
  public static func named(_ file: URL) -> (shard: PatternShard, pattern: URL)? {
    let bare = file.deletingPathExtension()
    guard file.pathExtension.lowercased() == "safetensors", let shard = PatternShard(bare.pathExtension, separator: "-of-") else {
      return nil
    }
    return (shard, bare.deletingPathExtension().appendingPathExtension(file.pathExtension))
  }

  /// The elements that stand for patterns of their own: of those that name shards of one pattern, as a shell gives them for `NAME.*-of-4.safetensors`,
  /// the first alone.
  /// - Parameter key: the file that an element names, and what else tells it from others that name the same.
  public static func once<Element, Mark: Hashable>(_ elements: [Element], _ key: (Element) -> (file: URL, mark: Mark)) -> [Element] {
    var seen: [(place: Place, mark: Mark)] = []
    return elements.filter { element in
      let (file, mark) = key(element)
      guard let named = named(file), OutputKind.patternShard.isOwn(file) else { return true }
      let place = Place(pattern: named.pattern, count: named.shard.count)
      guard !seen.contains(where: { $0.place == place && $0.mark == mark }) else { return false }
      seen.append((place, mark))
      return true
    }
  }

  private struct Place: Equatable {
    var pattern: URL
    var count: Int
  }

  // MARK: Cutting

  /// Which of the elements are this part's where all of them are cut into `count` parts without gaps whose sums are about equal: each border is the one
  /// nearest to its share of the whole, so that a part is off by at most one element. Parts may be empty.
  /// - Parameter sizes: of each element, none below zero.
  public func part(of sizes: [Int]) -> Range<Int> {
    let ends = [0] + sizes.reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1) }
    let whole = Double(ends.last ?? 0)
    func border(_ number: Int) -> Int {
      guard number < count else { return sizes.count }
      let share = whole * Double(number) / Double(count)
      // The first end at or beyond the share, or the one before it where that is nearer.
      var (low, high) = (0, ends.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if Double(ends[middle]) < share { low = middle + 1 } else { high = middle }
      }
      return low > 0 && share - Double(ends[low - 1]) <= Double(ends[low]) - share ? low - 1 : low
    }
    return border(number - 1)..<border(number)
  }
}
