import Ground
import Reports

/// A plan in numbers: what `study run --dry-run` prints.
public struct StudyPlanSummary: Codable, Sendable {
  /// A step.
  public struct Step: Codable, Sendable {
    /// Its name.
    public var name: String
    /// Its run's name.
    public var kind: String
    /// Its fingerprint.
    public var fingerprint: String
    /// Whether it is done already.
    public var done: Bool
    /// What it takes.
    public var cost: StepCost
  }

  /// The study's name.
  public var name: String
  /// The steps, in order.
  public var steps: [Step]
  /// All of them: operations, tokens and bytes summed, memory the greatest.
  public var total: StepCost
  /// The most bytes of fine-tuned models on the disk at one time.
  public var disk: Int
  /// What is not there: with it missing the plan cannot be run.
  public var missing: [String]

  /// The summary of a plan.
  public init(_ plan: StudyPlan) throws {
    let store = StepStore(plan: plan)
    name = plan.study.name
    steps = plan.steps.map { Step(name: $0.name, kind: $0.kind, fingerprint: $0.fingerprint, done: store.done($0) != nil, cost: $0.cost) }
    total = plan.cost
    disk = plan.mostWeightBytes
    missing = plan.missing
  }

  /// The operations a second that hours are told for: an A100's 312 TFLOP/s in bfloat16, of which a training uses about 40%.
  private static let rate = 0.4 * 312e12

  /// The plan as a table, with what hardware it takes.
  public var text: String {
    var table = TextTable([
      ("step", .left), ("kind", .left), ("operations", .right), ("tokens", .right), ("read", .right), ("written", .right),
      ("memory", .right),
      ("", .left),
    ])
    func row(_ name: String, _ kind: String, _ cost: StepCost, _ mark: String) -> [String] {
      [
        name, kind, cost.operations > 0 ? NumberText.short(cost.operations, digits: 3) : "–", cost.tokens > 0 ? "\(cost.tokens)" : "–",
        Self.bytes(cost.bytesRead), Self.bytes(cost.bytesWritten), Self.bytes(cost.memory), mark,
      ]
    }
    for step in steps { table.add(row(step.name, step.kind, step.cost, step.done ? "done" : "")) }
    table.add(row("\(steps.count) steps", "", total, ""))
    let hours = total.operations / Self.rate / 3600
    var lines = [
      "Operations and bytes are estimated from the models' sizes and the data's.",
      "Hardware: \(Self.bytes(total.memory)) of memory for the largest step, \(Self.bytes(disk)) of disk for fine-tuned models at one time"
        + (hours < 0.01
          ? "."
          : "; \(NumberText.short(hours, digits: 3)) hours of an A100 at 40% of its bfloat16 speed, or \(NumberText.short(hours / 8, digits: 3)) of eight."),
    ]
    if total.memory > 80_000_000_000 {
      lines.append(
        "The largest step does not fit an 80 GB card: it takes \(Int((Double(total.memory) / 76e9).rounded(.up))) of them that share gradients and optimiser state (ZeRO stage 2), or a processor with that much memory."
      )
    }
    if !missing.isEmpty { lines.append("Not there, so that this is a plan only: \(missing.joined(separator: ", ")).") }
    return table.text + "\n\n" + lines.joined(separator: "\n")
  }

  private static func bytes(_ count: Int) -> String {
    switch count {
    case 0: "–"
    case ..<1_000_000: "\((count + 999) / 1000) kB"
    case ..<1_000_000_000: "\(count / 1_000_000) MB"
    default: "\(NumberText.fixed(Double(count) / 1e9, decimals: 1)) GB"
    }
  }
}
