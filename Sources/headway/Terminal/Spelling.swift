import ArgumentParser
import Ground
import Runs

extension Message {
  /// The sentence with settings spelled as options: `--max-length`, `--batch-size 1`.
  var onCommandLine: String {
    text { setting in
      let option = "--" + setting.name.replacing("_", with: "-")
      return setting.value.map { "\(option) \($0)" } ?? option
    }
  }
}

/// Refuses the first of these options that is given, which has no effect without another.
/// - Throws: `ValidationError`.
func refuse(_ options: [(name: String, isGiven: Bool)], without other: String) throws {
  guard let lost = options.first(where: \.isGiven) else { return }
  throw ValidationError("--\(lost.name) has no effect without --\(other); give that too, or leave it out.")
}

/// Checks settings while the command line is read, so that what is wrong with them is an error of the arguments.
func asArguments(_ check: () throws -> Void) throws {
  do { try check() } catch let error as SettingsError { throw ValidationError(error.message.onCommandLine + ".") }
}
