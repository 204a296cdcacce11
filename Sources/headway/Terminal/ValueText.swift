import Ground

/// What the values of options look like, by the name that their help gives them.
enum ValueText {
  /// What to write in place of a value that cannot be read; nil where the name says no more than that it is a name.
  static func remedy(for value: String, of name: String) -> String? {
    switch name {
    case "n", "k", "m", "rank", "index":
      let isTooLarge = !value.isEmpty && value.allSatisfy { $0.isASCII && $0.isNumber }
      return isTooLarge ? "give a smaller number" : "give a whole number from 0 on in digits, such as 100"
    case "share": return "give a share between 0 and 1, such as 0.2"
    case "rate", "number", "norm", "λ": return "give a number, such as 0.5 or 1e-5"
    case "file": return "name a file"
    case "name=file": return "give NAME=FILE"
    case "i/n": return "give I/N, such as 2/4, with I from 1 to N"
    case "fields": return "give NAME=FIELD pairs joined by commas, such as prompt=question,response=answer"
    default: break
    }
    for (mark, joined) in [("|", false), (",", true)] where name.contains(mark) {
      let names = name.split(separator: mark).map(String.init)
      let given = joined ? value.split(separator: mark, omittingEmptySubsequences: false).map(String.init) : [value]
      let wrong = given.first { !names.contains($0) } ?? value
      // What is in capitals stands for something else.
      if let near = nearest(to: wrong, among: names.filter { $0 == $0.lowercased() }) { return "did you mean '\(near)'?" }
      let list = names.map { "'\($0)'" }.joined(separator: ", ")
      return joined ? "give some of \(list), joined by commas" : "it is one of \(list)"
    }
    return nil
  }
}
