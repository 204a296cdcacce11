/// The working memory of byte-pair merging, and the merging itself.
///
/// Symbols are put in with ``append(_:)``; ``merge(with:)`` merges adjacent pairs, lowest rank first and leftmost among equals,
/// until none is left. The symbols stand in memory of fixed places that only grows, so that a word costs no allocation.
struct MergeScratch: ~Copyable {
  /// Up to this many symbols the pair of lowest rank is searched one by one, which beats a heap; beyond it a heap keeps the
  /// effort at n·log n.
  private static let shortest = 32
  /// Marks a symbol that was merged into its left neighbour. Ids are smaller.
  private static let gone = UInt32.max

  private var capacity: Int
  private(set) var symbols: UnsafeMutablePointer<UInt32>
  private var next: UnsafeMutablePointer<UInt32>
  private var previous: UnsafeMutablePointer<UInt32>
  private var merges: UnsafeMutablePointer<UInt64>
  private var heap: [UInt64] = []

  /// Number of symbols.
  private(set) var count = 0

  init() {
    capacity = 256
    symbols = .allocate(capacity: capacity)
    next = .allocate(capacity: capacity)
    previous = .allocate(capacity: capacity)
    merges = .allocate(capacity: Self.shortest)
  }

  deinit {
    symbols.deallocate()
    next.deallocate()
    previous.deallocate()
    merges.deallocate()
  }

  /// Forgets all symbols.
  mutating func removeAll() { count = 0 }

  /// Adds a symbol on the right.
  @inline(__always)
  mutating func append(_ symbol: UInt32) {
    if count == capacity { grow() }
    symbols[count] = symbol
    count += 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
    larger.update(from: symbols, count: count)
    symbols.deallocate()
    next.deallocate()
    previous.deallocate()
    capacity *= 2
    symbols = larger
    next = .allocate(capacity: capacity)
    previous = .allocate(capacity: capacity)
  }

  /// Merges until no pair is left to merge.
  mutating func merge(with table: borrowing MergeTable) {
    guard count > 1 else { return }
    if count <= Self.shortest { mergeShort(table) } else { mergeLong(table) }
  }

  private mutating func mergeShort(_ table: borrowing MergeTable) {
    for place in 0..<count - 1 { merges[place] = table[symbols[place], symbols[place + 1]] }
    while count > 1 {
      var best = MergeTable.none
      var at = 0
      // Ranks alone are compared: several merges may share one, and then the leftmost comes first.
      for place in 0..<count - 1 where merges[place] >> 32 < best >> 32 {
        best = merges[place]
        at = place
      }
      guard best != MergeTable.none else { return }
      symbols[at] = UInt32(truncatingIfNeeded: best)
      count -= 1
      var place = at + 1
      while place < count {
        symbols[place] = symbols[place + 1]
        merges[place - 1] = merges[place]
        place += 1
      }
      if at > 0 { merges[at - 1] = table[symbols[at - 1], symbols[at]] }
      if at + 1 < count { merges[at] = table[symbols[at], symbols[at + 1]] }
    }
  }

  private mutating func mergeLong(_ table: borrowing MergeTable) {
    let end = UInt32(truncatingIfNeeded: count)
    heap.removeAll(keepingCapacity: true)
    for place in 0..<count {
      next[place] = UInt32(truncatingIfNeeded: place) &+ 1
      previous[place] = UInt32(truncatingIfNeeded: place) &- 1
      if place + 1 < count { push(table[symbols[place], symbols[place + 1]], UInt32(truncatingIfNeeded: place)) }
    }
    while let (rank, at) = pop() {
      let place = Int(at)
      let right = next[place]
      guard symbols[place] != Self.gone, right < end else { continue }
      // What was found when this entry was made may have been merged since.
      let merge = table[symbols[place], symbols[Int(right)]]
      guard merge != MergeTable.none, merge >> 32 == rank else { continue }
      symbols[place] = UInt32(truncatingIfNeeded: merge)
      symbols[Int(right)] = Self.gone
      let following = next[Int(right)]
      next[place] = following
      if following < end {
        previous[Int(following)] = at
        push(table[symbols[place], symbols[Int(following)]], at)
      }
      let before = previous[place]
      if before < end { push(table[symbols[Int(before)], symbols[place]], before) }
    }
    var kept = 0
    for place in 0..<count where symbols[place] != Self.gone {
      symbols[kept] = symbols[place]
      kept += 1
    }
    count = kept
  }

  /// Puts a possible merge at symbol `place` on the heap: rank in the upper half, place in the lower.
  @inline(__always)
  private mutating func push(_ merge: UInt64, _ place: UInt32) {
    guard merge != MergeTable.none else { return }
    let entry = merge & 0xFFFF_FFFF_0000_0000 | UInt64(place)
    var hole = heap.count
    heap.append(entry)
    while hole > 0 {
      let parent = (hole - 1) / 2
      guard entry < heap[parent] else { break }
      heap[hole] = heap[parent]
      hole = parent
    }
    heap[hole] = entry
  }

  /// Takes the merge of the lowest rank, leftmost among equals.
  @inline(__always)
  private mutating func pop() -> (rank: UInt64, place: UInt32)? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      var hole = 0
      while true {
        var child = hole * 2 + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < last else { break }
        heap[hole] = heap[child]
        hole = child
      }
      heap[hole] = last
    }
    return (top >> 32, UInt32(truncatingIfNeeded: top))
  }
}
