import Foundation
import Testing

@testable import FineTuning

@Suite struct ScheduleTests {
  private struct File: Decodable {
    struct Schedule: Decodable {
      var schedule: String
      var steps: Int
      var warmup: Int
      var factors: [Double]
    }
    var schedules: [Schedule]
  }

  @Test func ratesAreThoseOfTransformers() throws {
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: GoldenRun.fixtures.appending(path: "schedules.json")))
    #expect(!file.schedules.isEmpty)
    for golden in file.schedules {
      let form = try #require(LearningRateSchedule.Form(rawValue: golden.schedule))
      let schedule = LearningRateSchedule(
        form, peak: 2, warmupRatio: Double(golden.warmup) / Double(golden.steps), totalUpdates: golden.steps)
      for (update, factor) in golden.factors.enumerated() { #expect(abs(schedule.rate(at: update) - 2 * factor) < 1e-15) }
    }
  }

  @Test func everyEpochHoldsEverySampleOnce() {
    let order = TrainingOrder(sampleCount: 23, windowSize: 6, seed: 3)
    #expect(order.windowsPerEpoch == 4)
    var seen: [[Int]] = []
    for epoch in 0..<3 {
      let samples = order.order(ofEpoch: epoch)
      let windows = (0..<4).map { order.window(epoch * 4 + $0, in: samples) }
      #expect(windows.map(\.count) == [6, 6, 6, 5])
      #expect(windows.flatMap(\.self).sorted() == Array(0..<23))
      seen.append(samples)
    }
    #expect(seen[0] != seen[1] && seen[1] != seen[2])
    #expect(TrainingOrder(sampleCount: 23, windowSize: 6, seed: nil).order(ofEpoch: 5) == Array(0..<23))
  }
}
