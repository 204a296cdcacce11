import Foundation
import Ground
import StrictJSON
import Testing

/// A fixture that is JSON.
func golden(_ name: String) throws -> JSONValue {
  let url = try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
  return try JSONParser().parse(Array(try Data(contentsOf: url)))
}

@Suite struct ChecksumTests {
  /// RFC 3720, appendix B.4, and the check values of both polynomials.
  @Test func checksumsAreThoseOfTheStandards() {
    #expect(CyclicRedundancyCheck.of([UInt8](repeating: 0, count: 32), .castagnoli) == 0x8A91_36AA)
    #expect(CyclicRedundancyCheck.of([UInt8](repeating: 0xFF, count: 32), .castagnoli) == 0x62A8_AB43)
    #expect(CyclicRedundancyCheck.of(Array(0..<32), .castagnoli) == 0x46DD_794E)
    #expect(CyclicRedundancyCheck.of(Array("123456789".utf8), .castagnoli) == 0xE306_9283)
    #expect(CyclicRedundancyCheck.of(Array("123456789".utf8), .zip) == 0xCBF4_3926)
  }

  /// The vectors that the authors publish (isthe.com, test_fnv.c).
  @Test func fingerprintsAreFNV1a() {
    #expect(Fingerprint().value == 0xCBF2_9CE4_8422_2325)
    #expect(Fingerprint(of: "a").value == 0xAF63_DC4C_8601_EC8C)
    #expect(Fingerprint(of: "foobar").value == 0x8594_4171_F739_67E8)
  }
}

@Suite struct MessageTests {
  private struct Problem: ExplainedError {
    let message: Message
  }

  @Test func eachProgramSpellsSettingsItsOwnWay() {
    let count = 3
    let message: Message = "\(count) samples are too long; raise \(setting: .maximumLength), or take \(setting: .batchTokens.set(to: 512))"
    #expect(message.description == "3 samples are too long; raise max_length, or take batch_tokens 512")
    let spelled = message.text { "--\($0.name.replacing("_", with: "-"))" + ($0.value.map { " \($0)" } ?? "") }
    #expect(spelled == "3 samples are too long; raise --max-length, or take --batch-tokens 512")
  }

  @Test func aCallerSaysASettingInItsOwnWords() {
    let message: Message = "lower \(setting: .batchTokens.set(to: 512)), and \(setting: .resume) goes on"
    #expect(message.replacing(.resume, by: "another run").description == "lower batch_tokens 512, and another run goes on")
    #expect(message.replacing(.batchTokens, by: "it").text { "--\($0.name)" } == "lower it, and --resume goes on")
  }

  @Test func settingsSurviveNesting() {
    let inner = Problem(message: "lower \(setting: .maximumLength)")
    let outer: Message = "data: \(inner)"
    #expect(outer.text { _ in "X" } == "data: lower X")
    #expect((Message("a ") + inner.message).text { _ in "X" } == "a lower X")
    #expect("\(inner)" == "lower max_length")
    #expect(inner.localizedDescription == "lower max_length")
  }
}

@Suite struct HuggingFaceCacheTests {
  @Test func placesAreThoseOfTheHub() {
    func path(_ environment: [String: String]) -> String? { HuggingFaceCache(environment: environment).folder?.path(percentEncoded: false) }
    #expect(path(["HF_HUB_CACHE": "/c", "HF_HOME": "/h"]) == "/c/")
    #expect(path(["HF_HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/h/hub/")
    #expect(path(["XDG_CACHE_HOME": "/x", "HOME": "/u"]) == "/x/huggingface/hub/")
    #expect(path(["HF_HUB_CACHE": "", "HOME": "/u"]) == "/u/.cache/huggingface/hub/")
    #expect(path([:]) == nil)
  }

  @Test(arguments: ["a", "a/b/c", "../b", "a/..", "/b", "a/", "a--b/c"]) func otherTextsAreNoNames(text: String) {
    #expect(HuggingFaceCache(environment: ["HOME": "/u"]).repository(.model, named: text) == nil)
  }

  @Test(arguments: ["../../../elsewhere", "/etc", "..", ".", "", "missing", "abc\0"]) func referencesStayInside(reference: String) throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    let repository = root.appending(path: "hub/models--o--n")
    for folder in ["refs", "snapshots/one", "snapshots/two"] {
      try FileManager.default.createDirectory(at: repository.appending(path: folder), withIntermediateDirectories: true)
    }
    try FileManager.default.createDirectory(at: root.appending(path: "elsewhere"), withIntermediateDirectories: true)
    try Data(reference.utf8).write(to: repository.appending(path: "refs/main"))
    #expect(HuggingFaceCache.snapshot(of: repository) == nil)
    try Data("two\n".utf8).write(to: repository.appending(path: "refs/main"))
    #expect(HuggingFaceCache.snapshot(of: repository)?.lastPathComponent == "two")
  }
}
