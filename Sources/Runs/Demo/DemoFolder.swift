import FineTuning
import Foundation
import Ground
import SmallWorld

/// Where everything of a demo lies.
struct DemoFolder: Sendable {
  let url: URL

  init(_ url: URL) { self.url = url }

  var output: OutputFolder { OutputFolder(url) }
  var record: URL { output.records.appending(path: "run.yaml") }
  var world: WorldFolder { WorldFolder(folder("world")) }
  /// The pretrained model.
  var base: URL { folder("base") }
  /// The model that was tracked while it learned the second complex skill.
  func tuned(_ skill: Skill) -> URL { folder("tuned-\(skill.name)") }
  /// Models of the arms of a comparison, and what was measured of them.
  var arms: URL { folder("arms") }
  var result: URL { url.appending(path: "demo.json") }
  var page: URL { url.appending(path: "report.html") }

  func before(_ skill: Skill) -> URL { url.appending(path: "\(skill.name)-base.safetensors") }
  func after(_ skill: Skill) -> URL { url.appending(path: "\(skill.name)-tuned.safetensors") }
  func change(_ skill: Skill) -> URL { url.appending(path: "\(skill.name)-change.safetensors") }
  func fit(_ skill: Skill) -> URL { url.appending(path: "\(skill.name)-fit.json") }
  func asked(_ skill: Skill, _ when: String) -> URL { url.appending(path: "\(skill.name)-\(when).json") }
  var ablation: URL { url.appending(path: "ablation.json") }

  /// A folder in it, or in a folder of it.
  func folder(_ name: String) -> URL { url.appending(path: name, directoryHint: .isDirectory) }

  /// Everything on top that a demo writes, and what it is, for the list at its end.
  var contents: [(name: String, about: String)] {
    [
      ("report.html", "the page that tells what came of it; its numbers are in report/"),
      ("demo.json", "the figures that the page opens with"),
      ("world/", "the small world: text to pretrain on, samples of every skill to train on, choose from and ask, the untrained model"),
      ("base/", "the model after pretraining, a Hugging Face folder"),
      ("tuned-SKILL/", "the base model after fine-tuning on a skill"),
      ("SKILL-base.safetensors, SKILL-tuned.safetensors", "the skill's activation pattern under base and tuned model"),
      ("SKILL-base.tokens.jsonl, SKILL-tuned.tokens.jsonl", "the strongest samples of its strongest heads, token by token"),
      ("SKILL-change.safetensors", "what fine-tuning changed: tuned − base"),
      ("SKILL-base.json, SKILL-tuned.json", "how many of the skill's questions each of them answered"),
      ("SKILL-fit.json", "the change of a complex skill as a sum of the changes of basic ones"),
      ("ablation.json", "what switching every head off really did, beside what its level predicts"),
      ("arms/", "the models that were trained on mixed and chosen data, and what they scored"),
    ]
  }

  /// The names of everything on top that a demo writes.
  var names: [String] {
    let skills = Skill.basic + Skill.complex
    let files = skills.flatMap { skill in
      [before(skill), after(skill), change(skill)].flatMap { file in
        [file] + ["ids.jsonl", "tokens.jsonl"].map { file.deletingPathExtension().appendingPathExtension($0) }
      } + [asked(skill, "base"), asked(skill, "tuned"), fit(skill), tuned(skill)]
    }
    return (files + [world.url, base, arms, ablation, result, page, folder("report")])
      .map(\.lastPathComponent)
  }

  /// Deletes what an earlier demo left.
  func clear() throws {
    for name in output.own {
      Leftovers.remove(of: url.appending(path: name))
      AtomicFolder.remove(folder(name))
    }
    try output.removeOwn()
    unlink(record.path(percentEncoded: false))
  }
}
