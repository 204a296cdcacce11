import Foundation
import Ground
import Runs
import StrictJSON

/// Runs as the commands that would do them, for messages that suggest one.
enum ShellCommand {
  /// `headway pattern MODEL --data FILE… --out FILE`, with the settings that are not at their defaults.
  static func text(of run: PatternRun) -> String {
    let plain = entries(PatternRun(model: "", data: [], out: ""))
    var words = ["headway", "pattern", run.model.model, "--data"] + run.data.files.map(\.text)
    for (key, value) in entries(run).sorted(by: { $0.key < $1.key }) where !["model", "data", "out"].contains(key) && plain[key] != value {
      let option = ("\(setting: Setting(key))" as Message).onCommandLine
      switch value {
      case .bool: words.append(option)
      case .list(let list) where key == "score": words += [option, list.map(word).joined(separator: ",")]
      case .list(let list): words += list.flatMap { [option, word($0)] }
      case .object(let map): words += [option, map.fields.map { "\($0.name)=\(word($0.value))" }.joined(separator: ",")]
      default: words += [option, word(value)]
      }
    }
    return (words + ["--out", run.out]).map(quoted).joined(separator: " ")
  }

  /// A word that a shell reads as it is written; what could command a terminal is shown as a question mark.
  static func quoted(_ word: String) -> String {
    let plain = word.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format ? "?" : String(scalar)
    }.joined()
    let isSafe =
      !plain.isEmpty
      && plain.utf8.allSatisfy { byte in
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
          || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "-_./,:=@+".utf8.contains(byte)
      }
    return isSafe ? plain : "'" + plain.replacing("'", with: "'\\''") + "'"
  }

  private static func word(_ value: JSONValue) -> String { value.string ?? value.jsonText }

  private static func entries(_ run: PatternRun) -> [String: JSONValue] {
    guard let data = try? HeadwayJSON.document(run), let value = try? Array(data).withUnsafeBufferPointer(JSONParser().parse),
      let object = value.object
    else { return [:] }
    return Dictionary(object.fields.map { ($0.name, $0.value) }) { first, _ in first }
  }
}
