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

/// Checks settings while the command line is read, so that what is wrong with them is an error of the arguments.
func asArguments(_ check: () throws -> Void) throws {
  do { try check() } catch let error as SettingsError { throw ValidationError(error.message.onCommandLine + ".") }
}
