import Ground
import StrictJSON

/// The way out where a model's own chat template is none of the forms that Headway writes: a line of Python that writes the data as `pairs`,
/// rendered by transformers.
enum ChatRendering {
  /// Says that a model's template is not known, and what can be done about it.
  /// - Parameters:
  ///   - file: the data that was to be written in the model's form.
  ///   - model: the model as the user named it; nil where that is not known.
  static func refusal(of file: DataFile, model: String?) -> DataError {
    let names = ChatForm.allCases.map(\.rawValue).joined(separator: ", ")
    return .options(
      "the model's own chat template is none of the forms that Headway writes (\(names)); name the one to use with \(setting: .chat), or read pairs.jsonl, which this line of Python writes as the template renders it: \(command(for: file, model: model))"
    )
  }

  /// The command that writes `pairs.jsonl` of a file.
  ///
  /// The text up to each assistant turn with the generation prompt, and up to its end without it: what each adds to the one before is a
  /// stretch without loss or with it. Templates that end turns need no end-of-sequence token behind the last.
  static func command(for file: DataFile, model: String?) -> String {
    let kind = try? file.kind()
    let conversation = conversation(in: file)
    let isPacked = file.name.lowercased().hasSuffix(".gz")
    var source = file.name.shellWord
    let open = isPacked ? "gzip.open(sys.argv[2],\"rt\")" : "open(sys.argv[2])"
    var records: String
    switch kind {
    case .jsonDocument: records = "json.load(\(open))"
    case .parquet: records = "pyarrow.parquet.read_table(sys.argv[2]).to_pylist()"
    default: records = "map(json.loads,\(open))"
    }
    var first = ""
    if conversation == nil {
      // Any other data becomes pairs first.
      first = "headway data \(source) --write plain.jsonl && "
      source = "plain.jsonl"
      records = "map(json.loads,open(sys.argv[2]))"
    }
    let code =
      "import json,sys,transformers\(isPacked && conversation != nil ? ",gzip" : "")\(kind == .parquet && conversation != nil ? ",pyarrow.parquet" : "");"
      + "t=transformers.AutoTokenizer.from_pretrained(sys.argv[1]);"
      + "w=lambda d,m,g:t.apply_chat_template(m,tools=d.get(\"tools\"),tokenize=False,add_generation_prompt=g);"
      + "s=lambda d,m:[x for i,y in enumerate(m) if y[\"role\"]==\"assistant\" for x in (w(d,m[:i],True),w(d,m[:i+1],False))];"
      + "p=lambda c:[b[len(a):] if b.startswith(a) else sys.exit(\"the template changes earlier turns\") for a,b in zip([\"\"]+c,c)];"
      + "[print(json.dumps({\"prompt\":q[0],\"response\":q[1],\"turns\":[{\"text\":x,\"loss\":i%2==1} for i,x in enumerate(q[2:])],\"ends_itself\":True}))"
      + " for d in \(records) for q in [p(s(d,\(conversation ?? exchange)))] if q]"
    return "\(first)python3 -c '\(code)' \(model?.shellWord ?? "MODEL") \(source) > pairs.jsonl"
  }

  /// A record of pairs as a conversation, in Python.
  private static let exchange =
    "[{\"role\":\"user\",\"content\":d[\"prompt\"]},{\"role\":\"assistant\",\"content\":d[\"response\"]}]"

  /// How Python takes the conversation out of a record `d`; nil where the file's records hold none.
  private static func conversation(in file: DataFile) -> String? {
    guard var reader = try? file.records(unit: .file), let record = try? reader.next() else { return nil }
    if record["messages.0.role"] != nil { return "d[\"messages\"]" }
    if record["prompt.0.role"] != nil, record["completion.0.role"] != nil { return "d[\"prompt\"]+d[\"completion\"]" }
    if record["conversations.0.role"] != nil { return "d[\"conversations\"]" }
    if record["conversations.0.from"] != nil {
      return
        "[{\"role\":{\"human\":\"user\",\"gpt\":\"assistant\"}.get(x[\"from\"],x[\"from\"]),\"content\":x[\"value\"]} for x in d[\"conversations\"]]"
    }
    return nil
  }
}
