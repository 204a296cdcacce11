import ActivationPatterns
public import Reports

/// Samples token by token as pictures, for readers and programs without a script.
struct TokenSection {
  private struct Shown {
    var name: String
    var file: TokenFile
  }

  /// The most pictures of one pattern, and of a page: the explorer and the files of numbers have all.
  private static let heads = 3
  private static let pictures = 12
  private let files: [Shown]

  /// The samples of these patterns; nil where none was kept token by token.
  init?(_ order: PatternOrder) {
    files = order.entries.compactMap { entry in
      entry.tokens.flatMap { $0.samples.isEmpty ? nil : Shown(name: entry.name, file: $0) }
    }
    if files.isEmpty { return nil }
  }

  func section(_ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let perFile = max(1, min(Self.heads, Self.pictures / files.count))
    var pictures: [ReportPage.Picture] = []
    for (number, shown) in files.enumerated() {
      let name = "tokens-\(number + 1).csv"
      numbers.append((name, Self.table(shown.file)))
      guard pictures.count < Self.pictures else { continue }
      // Of each of the strongest heads the sample in which it is strongest.
      let passages = shown.file.heading.heads.prefix(perFile).compactMap { head in
        shown.file.samples.lazy.flatMap { sample in sample.heads.map { (sample, $0) } }
          .first { "\($1.layer):\($1.head)" == head && $1.rank == 1 }.map { $0.shaded($1) }
      }
      guard !passages.isEmpty else { continue }
      pictures.append(
        .init(
          ShadedText(passages, title: shown.name, valueName: SampleTokens.valueName),
          caption: "The strongest sample of each of the strongest heads.", numbers: "report/\(name)"))
    }
    return ReportPage.Section(
      title: "Where in the text",
      paragraphs: [
        "Each token is shaded by the gradient of the sample's loss by the head's gate there, which over the sample sums up to the head's signed level. Blue, below 0: the head lowers the loss there, so that it would rise without it. Orange, above 0: it raises the loss."
      ], pictures: pictures)
  }

  private static func table(_ file: TokenFile) -> String {
    CSVText.table(
      columns: ["index", "id", "layer", "head", "rank", "place", "token", "text", "signed"],
      rows: file.samples.flatMap { sample in
        sample.heads.flatMap { head in
          head.signed.enumerated().map { place, value in
            [
              "\(sample.index)", sample.id, "\(head.layer)", "\(head.head)", head.rank.map(String.init) ?? "", "\(place)",
              "\(sample.tokens[place])", sample.texts[place], CSVText.number(Double(value)),
            ]
          }
        }
      })
  }
}

extension SampleTokens {
  /// What the shades are.
  static let valueName = "gradient by the gate"

  /// The sample shaded by what a head does.
  func shaded(_ head: Head) -> ShadedText.Passage {
    .init(
      title:
        "head \(head.layer):\(head.head), sample \(id): signed level \(NumberText.short(head.level, digits: 3)), loss \(NumberText.fixed(loss, decimals: 3))",
      tokens: zip(texts, head.signed).map { ($0, Double($1)) })
  }
}

extension ExplainResult {
  /// Every sample under each of its heads.
  public func picture() -> ShadedText {
    ShadedText(
      samples.flatMap { sample in sample.heads.map(sample.shaded) },
      title: [model, task].compactMap(\.self).joined(separator: ", "), valueName: SampleTokens.valueName)
  }

  /// A page of its own.
  public func page() -> ReportPage {
    let columns: [(title: String, isNumber: Bool)] = [
      ("place", true), ("token", true), ("text", false), (SampleTokens.valueName, true), ("carries loss", false),
    ]
    let names = heads.joined(separator: ", ")
    return ReportPage(
      title: "Where head\(heads.count == 1 ? "" : "s") \(names) work\(heads.count == 1 ? "s" : "")",
      summary: [
        "\(model) was measured in \(dtype) on \(samples.count) sample\(samples.count == 1 ? "" : "s")\(task.map { " of \($0)" } ?? ""). Each token is shaded by the gradient of the sample's loss by the head's gate there: blue where the head lowers the loss, orange where it raises it."
      ],
      sections: [.init(title: "The texts", pictures: samples.flatMap(\.pictures))]
        + samples.flatMap { sample in
          sample.heads.map { head in
            ReportPage.Section(
              title: "Head \(head.layer):\(head.head), sample \(sample.id)",
              tables: [
                ReportPage.Table(
                  columns: columns,
                  rows: sample.tokens.indices.sorted { (abs(head.signed[$1]), $0) < (abs(head.signed[$0]), $1) }.map { place in
                    [
                      "\(place)", "\(sample.tokens[place])", sample.texts[place], NumberText.short(Double(head.signed[place]), digits: 3),
                      sample.labels.contains(place) ? "yes" : "",
                    ]
                  })
              ])
          }
        })
  }
}

extension SampleTokens {
  /// A picture for each head.
  fileprivate var pictures: [ReportPage.Picture] { heads.map { .init(ShadedText([shaded($0)], valueName: Self.valueName)) } }
}
