import Foundation
import Testing

/// `headway study` as a user meets it: new, dry run, run, report.
@Suite struct StudyCommandTests: ProgramTests {
  @Test func aTaskFromTemplateToReport() throws {
    let folder = try folder()
    let made = try headway("study", "new", "task", "--model", Self.model, "--data", Self.problems, in: folder)
    #expect(made.status == 0 && made.output.contains("role: basic"))
    try made.output.write(to: folder.appending(path: "study.yaml"), atomically: true, encoding: .utf8)
    let changes = ["training.lr=1e-3", "training.epochs=1", "budgets.train=16", "budgets.probe=4", "budgets.questions=4"].flatMap {
      ["--set", $0]
    }

    let plan = try headway(arguments: ["study", "run", "study.yaml", "--dry-run"] + changes, in: folder)
    #expect(plan.status == 0 && plan.output.contains("model/seed-0/problems/train") && plan.output.contains("Hardware: "))
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "study").path(percentEncoded: false)))
    let steps = try json(headway(arguments: ["study", "run", "study.yaml", "--dry-run", "--json"] + changes, in: folder).output)
    #expect((steps["steps"] as? [Any])?.count == 7 && (steps["missing"] as? [Any])?.isEmpty == true)

    let run = try headway(arguments: ["study", "run", "study.yaml", "--json"] + changes, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try json(run.output)["report"] as? String == "study/report/report.html")
    for file in ["report/report.html", "tables/table-1.csv", "figures/figure-1-model.svg", "study.json"] {
      #expect(FileManager.default.fileExists(atPath: folder.appending(path: "study/\(file)").path(percentEncoded: false)), "\(file)")
    }
    let again = try headway(arguments: ["study", "run", "study.yaml"] + changes, in: folder)
    #expect(again.status == 0 && again.output == "study/report/report.html\n" && !again.errors.contains("[1/"))
  }

  @Test func whatIsWrongWithAFileIsTold() throws {
    let folder = try folder()
    try "models: []\nsedes: 1\n".write(to: folder.appending(path: "study.yaml"), atomically: true, encoding: .utf8)
    let outcome = try headway("study", "run", "study.yaml", in: folder)
    #expect(outcome.status == 1 && outcome.errors.contains("did you mean 'seeds'?"), "\(outcome.errors)")
    #expect(try headway("study", "run", "none.yaml", in: folder).status == 1)
    #expect(try headway("study", "run", "study.yaml", "--set", "seeds", in: folder).status == 64)
  }
}
