/// The samples with the greatest likenesses that went by, without the others: a heap whose root is the one that goes next.
struct TopSamples {
  /// A sample that is kept.
  struct Entry: Sendable {
    var score: Double
    var sample: Int
    var target: Int

    /// Whether it is taken before the other: of equal ones the sample that comes first.
    func isBefore(_ other: Entry) -> Bool {
      score != other.score ? score > other.score : (sample, target) < (other.sample, other.target)
    }
  }

  /// The most that are kept.
  let capacity: Int
  private var heap: [Entry] = []

  init(_ capacity: Int) { self.capacity = capacity }

  /// Whether something of this likeness, behind all that went by, would be kept.
  func takes(_ score: Double) -> Bool { heap.count < capacity || (heap.first.map { score > $0.score } ?? false) }

  mutating func offer(_ entry: Entry) {
    if heap.count < capacity {
      heap.append(entry)
      var place = heap.count - 1
      while place > 0, heap[(place - 1) / 2].isBefore(heap[place]) {
        heap.swapAt(place, (place - 1) / 2)
        place = (place - 1) / 2
      }
    } else if let last = heap.first, entry.isBefore(last) {
      heap[0] = entry
      sink()
    }
  }

  private mutating func sink() {
    var place = 0
    while true {
      var last = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[last].isBefore(heap[child]) { last = child }
      guard last != place else { return }
      heap.swapAt(place, last)
      place = last
    }
  }

  /// What is kept, the greatest likeness first.
  var sorted: [Entry] { heap.sorted { $0.isBefore($1) } }
}
