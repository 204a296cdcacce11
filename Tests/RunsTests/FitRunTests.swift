import ActivationPatterns
import Foundation
import Ground
import Runs
import Testing

/// A whole fit, from files to its result and back from JSON, without the program.
struct FitRunTests {
  private static func files() throws -> PatternFiles {
    let files = try PatternFiles()
    let profiles = (0..<3).map { _ in (0..<12).map { _ in 0.2 + files.uniform() } }
    for (index, profile) in profiles.enumerated() { try files.writeChange("basic\(index)", profile) }
    try files.writeChange("target", zip(profiles[0], profiles[2]).map { 0.75 * $0 + 0.25 * $1 })
    return files
  }

  private static func run(_ files: PatternFiles) -> FitRun {
    FitRun(
      target: PatternSource(files.path("target.safetensors")),
      basics: [
        PatternSource(files.path("basic0.safetensors"), name: "math"), PatternSource(files.path("basic1.safetensors")),
        PatternSource(files.path("basic2.safetensors"), name: "code"),
      ], out: files.path("fit.json"))
  }

  @Test func aFitFindsWhatWasPlantedAndIsReadBack() throws {
    let files = try Self.files()
    var run = Self.run(files)
    run.subsets = 2
    run.bootstrap = 60
    run.permutations = 99
    run.heldOut = 10
    let result = try run.run()
    #expect(result.names == ["math", "basic1", "code"] && result.target == "target" && result.score == .magnitude)
    for (name, truth) in [("math", 0.75), ("basic1", 0), ("code", 0.25)] {
      #expect(abs(try #require(result.coefficients[name]) - truth) < 0.05, "\(name)")
    }
    #expect(try #require(result.r2) > 0.99 && result.subsets.count == 6)
    #expect(result.coefficientSets?.unconstrained == result.coefficients)
    #expect(result.coefficientSets?.nonnegative.values.allSatisfy { $0 >= 0 } == true)
    #expect(result.subsets[3].names == ["math", "code"])
    let interval = try #require(result.bootstrap?.r2)
    #expect(interval.low <= interval.estimate && interval.estimate <= interval.high)
    #expect(try #require(result.permutation?.withinLayers) < 0.05 && result.heldOut?.samples?.splits == 10)
    #expect(result.warnings.allSatisfy { !$0.contains("levels, not of changes") })

    // One type: what is returned, printed, written and read.
    let written = try Data(contentsOf: files.folder.appending(path: "fit.json"))
    #expect(written == (try HeadwayJSON.document(result)))
    #expect(try JSONDecoder().decode(FitResult.self, from: written) == result)
    #expect(try HeadwayJSON.document(run.run()) == written)
  }

  @Test func settingsComeBackFromARecord() throws {
    let files = try Self.files()
    var run = Self.run(files)
    (run.subsets, run.isNonnegative, run.ridge, run.seed, run.score, run.mixed) = (1, true, 0.5, 9, .magnitude, true)
    let read = try again(run)
    #expect(read.basics == run.basics && read.target == run.target && read.out == run.out)
    #expect(read.subsets == 1 && read.isNonnegative && read.ridge == 0.5 && read.seed == 9 && read.score == .magnitude && read.mixed)
    let moved = run.mappingPaths { "/x/" + ($0 as NSString).lastPathComponent }
    #expect(moved.basics.map(\.path) == ["/x/basic0.safetensors", "/x/basic1.safetensors", "/x/basic2.safetensors"])
    #expect(moved.basics.map(\.name) == ["math", "basic1", "code"] && moved.out == "/x/fit.json")
    // What a record leaves out is at its default.
    let short = try JSONDecoder().decode(FitRun.self, from: Data(#"{"target": "t.safetensors", "basic": ["a=b.safetensors"]}"#.utf8))
    #expect(short.basics == [PatternSource("b.safetensors", name: "a")] && short.out == nil && !short.mixed)
    run.basics = []
    #expect(throws: SettingsError.self) { try run.validate() }
    for wrong in [(\FitRun.subsets, 0), (\.permutations, 0), (\.heldOut, -1), (\.bootstrap, 39)] {
      var run = Self.run(files)
      run[keyPath: wrong.0] = wrong.1
      #expect(throws: SettingsError.self) { try run.run() }
    }
  }

  @Test func fitsThatMeanNothingAreRefusedOrSaySo() throws {
    let files = try Self.files()
    var run = Self.run(files)
    run.basics.append(PatternSource(files.path("target.safetensors"), name: "hidden"))
    #expect(throws: PatternError.self) { try run.run() }
    run = Self.run(files)
    run.basics[1] = PatternSource(files.path("basic1.safetensors"), name: "math")
    #expect(throws: RunError.self) { try run.run() }

    // Without ids a fit goes on, and nothing that draws samples does.
    run = Self.run(files)
    let whole = try run.run()
    try FileManager.default.removeItem(at: files.folder.appending(path: "basic1.ids.jsonl"))
    #expect(try run.run().coefficients == whole.coefficients)
    run.heldOut = 4
    let telling = Telling()
    let heldOut = try run.run(telling.monitor).heldOut
    #expect(heldOut?.heads != nil && heldOut?.samples == nil && telling.notes.contains { $0.contains("ids are missing") })
    run.bootstrap = 50
    let error = #expect(throws: PatternError.self) { try run.run() }
    #expect(error?.description.hasPrefix("basic1: its samples' ids are missing") == true)

    let levels = FitRun(
      target: PatternSource(files.path("target-after.safetensors")), basics: [PatternSource(files.path("basic0-before.safetensors"))])
    let heard = Telling()
    #expect(try levels.run(heard.monitor).warnings.contains { $0.hasPrefix("this is a fit of levels, not of changes") })
    #expect(heard.warnings.contains { $0.hasPrefix("this is a fit of levels, not of changes") })
  }

  @Test func aFitOfAnotherProgramIsRead() throws {
    let text = #"{"target": "t", "coefficients": {"b": 1, "a": 0.5}, "r2": 0.9, "adjusted_r2": null, "subsets": [], "bootstrap": null}"#
    let fit = try JSONDecoder().decode(FitResult.self, from: Data(text.utf8))
    #expect(fit.names == ["a", "b"] && fit.r2 == 0.9 && fit.adjustedR2 == nil && fit.permutation == nil && fit.warnings.isEmpty)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(FitResult.self, from: Data(#"{"target": "t"}"#.utf8)) }
  }
}
