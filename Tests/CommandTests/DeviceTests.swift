import Foundation
import Testing
import Torch

/// What the program says of CUDA where libtorch has a CUDA part, shown with a library that registers itself as libtorch's own does. Each answer
/// comes from a process of its own, since libtorch asks once.
@Suite(
  .enabled(if: StubCUDA.compiler != nil && StubCUDA.libtorch != nil, "no clang++ beside swift, or no libtorch with headers, was found"))
struct DeviceTests: ProgramTests {
  private func headway(_ arguments: [String], libraries: URL) throws -> Outcome {
    try headway(arguments: arguments, environment: ["LD_LIBRARY_PATH": libraries.path(percentEncoded: false)])
  }

  /// A pattern's command line. Each test writes to a folder of its own: tests run side by side, and a file has one writer.
  private func pattern(to folder: URL) -> [String] {
    let out = folder.appending(path: "p.npy").path(percentEncoded: false)
    return ["pattern", CommandLineTests.model, "--data", CommandLineTests.problems, "--out", out]
  }

  private func cuda(_ doctor: String) throws -> [String: Any] {
    let report = try #require(JSONSerialization.jsonObject(with: Data(doctor.utf8)) as? [String: Any])
    return try #require((report["devices"] as? [[String: Any]])?.first { $0["name"] as? String == "cuda" })
  }

  @Test func aLibraryIsLoadedBeforeItIsAsked() throws {
    let outcome = try headway(["doctor", "--json"], libraries: StubCUDA.library(devices: 2))
    let found = try cuda(outcome.output)
    #expect(found["available"] as? Bool == true && found["count"] as? Int == 2, "\(outcome)")
    let error = try headway(pattern(to: StubCUDA.folder()) + ["--device", "cuda:2"], libraries: StubCUDA.library(devices: 2))
    #expect(error.status != 0 && error.errors.contains("no CUDA device 2: there are 2, counted from 0"), "\(error)")
  }

  /// Without a device the processor is taken, and the user is told why.
  @Test func aLibraryWithoutADeviceIsSaid() throws {
    let libraries = try StubCUDA.library(devices: 0)
    let found = try cuda(headway(["doctor", "--json"], libraries: libraries).output)
    #expect(found["available"] as? Bool == false && (found["remedy"] as? String)?.contains("no CUDA device answers") == true, "\(found)")
    let folder = try StubCUDA.folder()
    let run = try headway(pattern(to: folder) + ["--limit", "1"], libraries: libraries)
    #expect(run.status == 0, "\(run)")
    #expect(run.errors.contains("computing on the processor, as libtorch's CUDA part is there, but no CUDA device answers"), "\(run)")
    let asked = try headway(pattern(to: folder) + ["--overwrite", "--device", "cuda"], libraries: libraries)
    #expect(asked.status != 0 && asked.errors.contains("no CUDA device 0: libtorch's CUDA part is there"), "\(asked)")
  }
}

/// A library of the name of libtorch's CUDA part, compiled here, that knows of some devices and can do nothing with them.
enum StubCUDA {
  /// The C++ compiler of the toolchain that compiles this package.
  static let compiler: URL? = {
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { URL(filePath: String($0)) }
    let swift = paths.map { $0.appending(path: "swift") }.first {
      FileManager.default.isExecutableFile(atPath: $0.path(percentEncoded: false))
    }
    let beside = swift?.resolvingSymlinksInPath().deletingLastPathComponent()
    return ([beside].compactMap(\.self) + paths).map { $0.appending(path: "clang++") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path(percentEncoded: false)) }
  }()

  /// The libtorch that this process runs with, as the system has it mapped.
  static let libtorch: URL? = {
    try? Engine.load()
    // A file that says it is empty, which only a reader that goes on to the end believes not.
    let maps = (try? FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd()).flatMap(\.self) ?? Data()
    let line = String(decoding: maps, as: UTF8.self).split(separator: "\n").first { $0.hasSuffix("/libtorch_cpu.so") }
    guard let path = line?.drop(while: { $0 != "/" }) else { return nil }
    let folder = URL(filePath: String(path)).deletingLastPathComponent().deletingLastPathComponent()
    let header = folder.appending(path: "include/ATen/detail/CUDAHooksInterface.h")
    return FileManager.default.fileExists(atPath: header.path(percentEncoded: false)) ? folder : nil
  }()

  static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "devices-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// The folder of a library that says it has `devices` devices.
  static func library(devices: Int) throws -> URL {
    let (compiler, libtorch) = (try #require(compiler), try #require(libtorch))
    let folder = try folder()
    // libtorch takes the class by its name.
    let source = """
      #include <ATen/detail/CUDAHooksInterface.h>
      struct CUDAHooks : at::CUDAHooksInterface {
        explicit CUDAHooks(at::CUDAHooksArgs) {}
        bool hasCUDA() const override { return \(devices) > 0; }
        int getNumGPUs() const override { return \(devices); }
      };
      using at::CUDAHooksRegistry;
      using at::RegistererCUDAHooksRegistry;
      REGISTER_CUDA_HOOKS(CUDAHooks)
      """
    try Data(source.utf8).write(to: folder.appending(path: "stub.cpp"))
    let include = libtorch.appending(path: "include").path(percentEncoded: false)
    let process = Process()
    process.executableURL = compiler
    process.currentDirectoryURL = folder
    process.arguments = [
      "-std=c++20", "-shared", "-fPIC", "-I\(include)", "-I\(include)/torch/csrc/api/include", "stub.cpp", "-o", "libtorch_cuda.so",
      "-L\(libtorch.appending(path: "lib").path(percentEncoded: false))", "-ltorch_cpu", "-lc10",
    ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "the stub did not compile")
    return folder
  }
}
