import Foundation
import Testing

/// The functions of `Python/headway`, by their own tests, with the program beside this test bundle.
@Suite struct PythonTests: ProgramTests {
  private static let environment = URL(filePath: "/usr/bin/env")

  /// Whether there is a Python that can read arrays; where there is none, the wheel's own test runs these (scripts/wheel/test.py).
  private static func hasNumpy() -> Bool {
    let process = Process()
    process.executableURL = environment
    process.arguments = ["python3", "-c", "import sys, numpy; sys.exit(sys.version_info < (3, 10))"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  private static let reason: Comment = "python3 (3.10 or later) with numpy is not here, so that the Python functions are not tested"

  private func python(_ arguments: String...) throws -> Outcome {
    try headway(
      arguments: ["python3"] + arguments, program: Self.environment,
      environment: [
        "PYTHONPATH": Self.package.appending(path: "Python").path(percentEncoded: false), "PYTHONDONTWRITEBYTECODE": "1",
        "HEADWAY_PROGRAM": Self.program.path(percentEncoded: false),
      ])
  }

  @Test(.enabled(Self.reason) { hasNumpy() }) func thePythonFunctionsPassTheirTests() throws {
    let tested = try python("-m", "unittest", "discover", "-s", Self.package.appending(path: "Python/tests").path(percentEncoded: false))
    #expect(tested.status == 0, "\(tested.errors)")
  }

  @Test(.enabled(Self.reason) { hasNumpy() }) func theNotebookShowsWhatItsCodeGives() throws {
    func place(_ path: String) -> String { Self.package.appending(path: path).path(percentEncoded: false) }
    let shown = try python(place("scripts/wheel/notebook.py"), place("docs/Python.ipynb"))
    #expect(shown.status == 0, "\(shown.output)\(shown.errors)")
  }
}
