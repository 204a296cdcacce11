import FineTuning
import Foundation
import Runs

// Two models and a task in, and out what fine-tuning did to the heads; then a short training. What the command line does, as a program.
let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path(percentEncoded: false)
let folder = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)", directoryHint: .isDirectory)
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
func place(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

// headway pattern MODEL --data problems.jsonl --per-sample --limit 12 --out …, for each of the two
for (model, out) in [("model", "before.safetensors"), ("model-tuned", "after.safetensors")] {
  var pattern = PatternRun(model: "\(examples)\(model)", data: ["\(examples)problems.jsonl"], out: place(out))
  pattern.keepsSamples = true
  pattern.data.limit = 12
  let result = try pattern.run()
  print("\(model): loss \(result.loss) over \(result.samples) samples")
}

// headway change before.safetensors after.safetensors --out change.safetensors, with progress, notes and a record beside the result
let change = ChangeRun(before: place("before.safetensors"), after: place("after.safetensors"), out: place("change.safetensors"))
let found = try change.runRecording(RunMonitor(note: { print($0) }, progress: { print($0.completed) }))
print("\(found.pairedSamples ?? 0) samples paired, mean change \(found.scores["magnitude"]?.mean ?? .nan)")

// headway run change.run.yaml --set relative=true --set out=relative.npz
let again = try RunRecord.run(from: URL(filePath: place("change.run.yaml")), changing: ["relative=true", "out=\(place("relative.npz"))"])
_ = try again.run()

// headway stats change.safetensors --strongest 3
var statistics = StatisticsRun([PatternSource(place("change.safetensors"), name: "change")])
statistics.strongest = 3
for result in try statistics.run() {
  print("\(result.name): " + result.strongest.map { "\($0.layer):\($0.head) \($0.value)" }.joined(separator: ", "))
}

// headway sft MODEL --data problems.jsonl --limit 12 --epochs 1 --batch-size 2 --accumulate 2 --lr 1e-4 --out tuned
var training = TrainingRun(model: "\(examples)model", data: ["\(examples)problems.jsonl"], out: place("tuned"))
training.data.limit = 12
training.training.epochs = 1
training.training.batchSize = 2
training.training.gradientAccumulation = 2
training.training.learningRate = 1e-4
print("losses: \(try training.run().losses)")
