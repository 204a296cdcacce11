import CheckpointFiles
import Foundation
import Ground
import Instructions
import LanguageModels
import Probing
import Runs
import Testing
import Tokenizers

@Suite struct AblationRunTests {
  private func run(_ choice: AblationChoice, _ out: String? = nil) -> AblationRun {
    var run = AblationRun(model: Examples.model, data: [Examples.problems], choice: choice)
    run.model.elementType = .float32
    run.model.threads = 1
    run.model.batchTokens = 200
    run.data.limit = 4
    run.resamples = 40
    run.out = out
    return run
  }

  /// The run's figures against the measurement below it, which is held against zeroed columns in transformers (`AblationTests`).
  @Test func agreesWithTheMeasurementBelow() throws {
    let heads = try HeadList("2:6,0:1,3:3")
    let result = try run(.heads(heads)).run()
    let model = try LanguageModel(ModelFolder(named: Examples.model), elementType: .float32)
    let encoder = try SampleEncoder(Tokenizer.load(from: model.tokenizerFolder.url), for: model, maximumLength: 1024)
    var data = DataSettings([Examples.problems])
    data.limit = 4
    let (_, encoded) = try EncodedData.read(data, data.datasetOptions(), encoder, model.decoder.shape, .silent)
    let sets = heads.heads.map { HeadSet([$0]) } + [HeadSet(heads.heads)]
    let direct = try AblationMeasurement(HeadAblation(model.decoder, sets: sets, batchTokens: 200)).run(encoded.samples)
    #expect(result.samples == 4 && result.items.map(\.name) == ["2:6", "0:1", "3:3"])
    for (place, change) in (result.items + [try #require(result.together)]).enumerated() {
      let expected = direct.samples.reduce(0) { $0 + $1.changes[place] } / 4
      // Batches hold other copies, so sums round differently: to float32's share of a loss of about 1.
      #expect(abs(change.trueChange - expected) < 1e-5, "\(change.name)")
    }
    #expect(result.together?.count == 3 && result.agreement?.replicates == 40)
  }

  /// What is returned, written and read back is one thing.
  @Test func writesWhatItReturns() throws {
    let folder = try TemporaryFolder()
    var run = run(.strongest(3), folder.path("a.json"))
    run.svg = folder.path("a.svg")
    run.cumulative = true
    run.randomOrders = 2
    run.keepsSamples = true
    let listener = Listener()
    let result = try run.run(listener.monitor)
    let text = try HeadwayJSON.document(result)
    #expect(try folder.data("a.json") == text)
    let back = try JSONDecoder().decode(AblationResult.self, from: text)
    #expect(try HeadwayJSON.document(back) == text)
    #expect(result.effort != nil && back.effort == nil)
    #expect(result.cumulative?.changes.count == 3 && result.random.count == 2 && result.perSample?.trueChange.count == 4)
    #expect(folder.names == ["a.json", "a.svg"])
    #expect(Set(listener.stages) == ["levels", "ablation"])
  }

  /// Stopped among the levels or in the ablation, a run goes on and ends with the same bytes.
  @Test(arguments: ["levels", "ablation"]) func goesOnWhereItStopped(stage: String) throws {
    let folder = try TemporaryFolder()
    _ = try run(.all, folder.path("whole.json")).run()
    var stopped = run(.all, folder.path("stopped.json"))
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1, of: stage).monitor) }
    stopped.resume = true
    _ = try stopped.run()
    #expect(try folder.data("stopped.json") == folder.data("whole.json"))
    #expect(folder.names == ["stopped.json", "whole.json"])
  }

  @Test func settingsAreCodable() throws {
    for choice in [
      .all, .strongest(3), .random(2), .heads(try HeadList("1:2,0:3")), .layers(try LayerList("2,0")), .layers(try LayerList("all")),
    ] as [AblationChoice] {
      var run = run(choice, "a.json")
      run.seed = 7
      let text = try HeadwayJSON.document(run)
      let back = try JSONDecoder().decode(AblationRun.self, from: text)
      #expect(back.choice == choice)
      #expect(try HeadwayJSON.document(back) == text)
    }
    // What a record chose is taken out by null.
    let other = #"{"model": "m", "data": ["d"], "heads": null, "all": null, "strongest": 4}"#
    #expect(try JSONDecoder().decode(AblationRun.self, from: Data(other.utf8)).choice == .strongest(4))
    for wrong in [#"{"model": "m", "data": ["d"]}"#, #"{"model": "m", "data": ["d"], "all": true, "random": 1}"#] {
      #expect(throws: DecodingError.self) { try JSONDecoder().decode(AblationRun.self, from: Data(wrong.utf8)) }
    }
  }

  @Test(arguments: ["", "1", "1:", "1;2", "-1:0", "0:1,0:1", "0:1,", "a:b"]) func wrongHeadsAreRefused(text: String) {
    #expect(throws: SettingsError.self) { try HeadList(text) }
  }

  @Test(arguments: ["", "x", "-1", "1,1", "1,", "all,1"]) func wrongLayersAreRefused(text: String) {
    #expect(throws: SettingsError.self) { try LayerList(text) }
  }

  /// What the model does not have is refused before anything is measured.
  @Test func refusesWhatTheModelLacks() throws {
    for (choice, part) in [
      (.heads(try HeadList("99:0")), "no head 99:0"), (.layers(try LayerList("99")), "no layer 99"),
      (.random(9999), "random 9999 is more than the model's 32 heads"), (.strongest(33), "more than the model's 32 heads"),
    ] as [(AblationChoice, String)] {
      let listener = Listener()
      do {
        _ = try run(choice).run(listener.monitor)
        Issue.record("\(choice) went through")
      } catch let error as RunError { #expect(error.description.contains(part), "\(error)") }
      #expect(listener.stages.isEmpty)
    }
  }
}
