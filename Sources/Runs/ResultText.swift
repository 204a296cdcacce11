public import Foundation
import Ground

/// Results as text.
public enum ResultText {
  /// One JSON document and a line feed, with sorted keys so that two runs can be compared: what `--json` prints and what files hold.
  public static func json(_ value: some Encodable) throws -> Data {
    try HeadwayJSON.document(value)
  }
}
