import Foundation
import Testing

@testable import LanguageModels

@Suite struct AdapterConfigurationTests {
  /// Every key that PEFT writes (scripts/goldens/adapters.py) is used, without effect, or refused where it is set; and nothing else is listed.
  @Test func everyKeyOfPEFTHasItsPlace() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/adapters/lora_config.json")
    let golden = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    let keys = Set(try #require(golden["keys"] as? [String: Any]).keys)
    let refused = AdapterConfiguration.refusedKeys.map(\.key)
    let places = AdapterConfiguration.usedKeys.sorted() + AdapterConfiguration.harmlessKeys.sorted() + refused
    #expect(Set(places).count == places.count)
    #expect(keys.subtracting(places) == [])
    #expect(Set(places).subtracting(keys) == [])
  }

  /// PEFT's defaults describe plain LoRA.
  @Test func defaultsAreRead() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/adapters/lora_config.json")
    let golden = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    var keys = try #require(golden["keys"] as? [String: Any])
    keys["base_model_name_or_path"] = "owner/name"
    keys["target_modules"] = ["q_proj"]
    let folder = FileManager.default.temporaryDirectory.appending(path: "adapter-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try JSONSerialization.data(withJSONObject: keys).write(to: folder.appending(path: "adapter_config.json"))
    let adapter = try AdapterFolder(ModelFolder(named: folder.path(percentEncoded: false)))
    #expect(adapter.configuration == AdapterConfiguration(rank: 8, alpha: 8, dropout: 0, targets: ["q_proj"], base: "owner/name"))
    #expect(adapter.notes.isEmpty)
    #expect(adapter.configuration.targets("model.layers.3.self_attn.q_proj"))
    #expect(!adapter.configuration.targets("model.layers.3.self_attn.kq_proj"))
  }
}
