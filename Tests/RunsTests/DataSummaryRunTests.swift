import Foundation
import Ground
import Runs
import Testing

@Suite struct DataSummaryRunTests {
  @Test func goesThroughADataset() throws {
    let folder = try TemporaryFolder()
    var run = DataSummaryRun([Examples.problems])
    run.write = folder.path("pairs.jsonl")
    run.tokenizer = Examples.model
    run.shown = 2
    let result = try run.run()
    #expect(result.count == 60 && result.format == "gsm8k" && result.recognised && result.samples.count == 2)
    let tokens = try #require(result.tokens)
    #expect(tokens.min <= tokens.median && tokens.median <= tokens.max && tokens.histogram.reduce(0) { $0 + $1[2] } == 60)
    #expect(try JSONDecoder().decode(DataSummary.self, from: HeadwayJSON.document(result)) == result)

    // What was written is the same data in Headway's own form.
    let again = try DataSummaryRun([folder.path("pairs.jsonl")]).run()
    #expect(again.format == "pairs" && again.count == 60 && again.tokens == nil)
    #expect(again.promptCharacters == result.promptCharacters && again.responseCharacters == result.responseCharacters)
    let copy = try JSONDecoder().decode(DataSummaryRun.self, from: HeadwayJSON.document(run))
    #expect(copy.data == run.data && copy.write == run.write && copy.tokenizer == run.tokenizer && copy.shown == 2)
  }

  @Test func whatCountsTokensNeedsAModel() {
    for change in [{ $0.minimumTokens = 1 }, { $0.maximumTokens = 9 }, { $0.chat = "own" }] as [(inout DataSettings) -> Void] {
      var run = DataSummaryRun(["/no/where"])
      change(&run.data)
      do {
        _ = try run.run()
      } catch { #expect(error is SettingsError && "\(error)".contains("name one by tokenizer"), "\(error)") }
    }
  }
}
