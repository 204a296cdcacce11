import ActivationPatterns

/// Pattern and change files in the order in which a reader wants them: those of the same samples together, before, after, change.
struct PatternOrder {
  /// A file and what is known of its place.
  struct Entry {
    /// What it goes by.
    var name: String
    /// The file itself.
    var file: PatternFile
    /// Its strongest samples token by token, where they were kept.
    var tokens: TokenFile?
    /// What it is beside others of the same samples.
    var side = Side.alone
  }

  /// What a file is beside others of the same samples, in their order.
  enum Side: Int, Comparable {
    case before, alone, after, change

    static func < (one: Side, other: Side) -> Bool { one.rawValue < other.rawValue }

    /// What a reader is told; empty where nothing is known.
    var name: String { self == .alone ? "" : "\(self)" }
  }

  /// Files of the same samples under models of one shape, each in order.
  let rows: [[Entry]]
  /// All of them.
  var entries: [Entry] { rows.flatMap(\.self) }

  init(_ files: [Entry]) {
    var rows: [[Entry]] = []
    var places: [String: Int] = [:]
    for file in files {
      let key = Self.key(of: file)
      if let place = places[key] {
        rows[place].append(file)
      } else {
        places[key] = rows.count
        rows.append([file])
      }
    }
    self.rows = rows.map(Self.ordered)
  }

  private static func key(of entry: Entry) -> String {
    let from = entry.file.provenance
    let samples = from.samplesFingerprint ?? from.dataFingerprint ?? "the file \(entry.name)"
    return "\(entry.file.layers) \(entry.file.heads) \(from.architecture ?? "") \(from.template ?? "") \(samples)"
  }

  private static func ordered(_ row: [Entry]) -> [Entry] {
    let changes = row.filter { if case .change = $0.file { true } else { false } }.map(\.file.provenance.other)
    let (before, after) = (Set(changes.compactMap { $0["before_fingerprint"] }), Set(changes.compactMap { $0["after_fingerprint"] }))
    let placed = row.map { entry in
      var entry = entry
      switch entry.file {
      case .change: entry.side = .change
      case .pattern(let pattern):
        let model = pattern.provenance.modelFingerprint ?? ""
        entry.side = after.contains(model) ? .after : before.contains(model) ? .before : row.count > 1 ? side(named: entry.name) : .alone
      }
      return entry
    }
    // Each change behind its own before and after, since one base model may have become several; then what no change speaks of.
    var left = placed
    var ordered: [Entry] = []
    func take(_ isMeant: (Entry) -> Bool) {
      ordered += left.filter(isMeant)
      left.removeAll(where: isMeant)
    }
    for change in placed where change.side == .change {
      let from = change.file.provenance.other
      for side in ["before_fingerprint", "after_fingerprint"] {
        take { $0.side != .change && $0.file.provenance.modelFingerprint != nil && $0.file.provenance.modelFingerprint == from[side] }
      }
      take { $0.name == change.name }
    }
    return ordered + left.enumerated().sorted { ($0.element.side, $0.offset) < ($1.element.side, $1.offset) }.map(\.element)
  }

  /// What a name says, where no change tells: `gsm8k-base`, `after`.
  private static func side(named name: String) -> Side {
    let words = Set(name.lowercased().split { !$0.isLetter })
    if !words.isDisjoint(with: ["before", "base", "untuned"]) { return .before }
    return words.isDisjoint(with: ["after", "tuned", "finetuned", "sft"]) ? .alone : .after
  }
}
