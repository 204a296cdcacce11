// swift-tools-version: 6.2
import Foundation
import PackageDescription

// libtorch is found in this order: the folder named by LIBTORCH (…/site-packages/torch of an installed
// PyTorch, 2.11 to 2.15), `.libtorch/torch` beside this file (laid down by scripts/setup), and the cache that
// scripts/setup shares between clones, which is where a package that depends on this one finds it.
let packageDirectory = Context.packageDirectory
let libtorchCandidates =
  [
    Context.environment["LIBTORCH"],
    "\(packageDirectory)/.libtorch/torch",
    Context.environment["HEADWAY_CACHE"].map { "\($0)/libtorch-2.15.0/torch" },
    Context.environment["XDG_CACHE_HOME"].map { "\($0)/headway/libtorch-2.15.0/torch" },
    Context.environment["HOME"].map { "\($0)/.cache/headway/libtorch-2.15.0/torch" },
  ].compactMap(\.self).filter { !$0.isEmpty }
// A folder that was named but holds no libtorch is still used, so that the compiler's message names it.
let libtorch =
  Context.environment["LIBTORCH"].flatMap { $0.isEmpty ? nil : $0 }
  ?? libtorchCandidates.first { FileManager.default.fileExists(atPath: "\($0)/include/torch/csrc/api/include/torch/torch.h") }
  ?? "\(packageDirectory)/.libtorch/torch"

// Apache Arrow C++, for Parquet, is found likewise: the folder named by PYARROW (…/site-packages/pyarrow of pyarrow 26),
// `.libarrow/pyarrow` beside this file, and the cache.
let libarrowCandidates =
  [
    "\(packageDirectory)/.libarrow/pyarrow",
    Context.environment["HEADWAY_CACHE"].map { "\($0)/libarrow-26.0.0/pyarrow" },
    Context.environment["XDG_CACHE_HOME"].map { "\($0)/headway/libarrow-26.0.0/pyarrow" },
    Context.environment["HOME"].map { "\($0)/.cache/headway/libarrow-26.0.0/pyarrow" },
  ].compactMap(\.self)
let libarrow =
  Context.environment["PYARROW"].flatMap { $0.isEmpty ? nil : $0 }
  ?? libarrowCandidates.first { FileManager.default.fileExists(atPath: "\($0)/include/parquet/arrow/reader.h") }
  ?? "\(packageDirectory)/.libarrow/pyarrow"
// Where the two are looked for when a program loads them: where they were found, or for a wheel (scripts/wheel) beside the package that it becomes in the
// environment that it is installed into.
#if os(Linux)
  let programFolder = "$ORIGIN"
#else
  let programFolder = "@loader_path"
#endif
// What messages say of libraries that are missing depends on it, too.
let isForWheel = Context.environment["HEADWAY_WHEEL"] == "1"
let wheelFolders = ["torch/lib", "pyarrow"].map { "\(programFolder)/../../\($0)" }
func lookedFor(in folder: String) -> [String] {
  (isForWheel ? wheelFolders : [folder]).flatMap { ["-Xlinker", "-rpath", "-Xlinker", $0] }
}

// The library of libFuzzer, which scripts/fuzz names to have the fuzzer built.
let libfuzzer = Context.environment["HEADWAY_LIBFUZZER"].flatMap { $0.isEmpty ? nil : $0 }
// Where nothing calls libtorch (scripts/fuzz, scripts/sanitize), the library that does need not be built.
let isWithoutTorch = Context.environment["HEADWAY_WITHOUT_TORCH"] == "1"

let swiftSettings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (isForWheel ? [.define("HEADWAY_WHEEL")] : [])
let loadingSettings: [CSetting] = isForWheel ? [.define("HEADWAY_WHEEL")] : []

/// A room of the house: a library target in `Sources/NAME` with tests in `Tests/NAMETests`.
func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies,
    resources: [.copy("Fixtures")], swiftSettings: swiftSettings)
}

/// A C boundary to a C++ library, the target `name`, and what a Swift target that calls it depends on.
///
/// On Linux the folder becomes two targets, so that programs start without the C++ library: `loader.c`, which they are linked with, and all the rest, the
/// shared library `libLIBRARY.so`, which lies beside every program and is loaded at the first call (Sources/CLoading). A target cannot depend on a library
/// product of its own package, but on an executable target: that is built wherever the target is, in packages that depend on this one, too, and is
/// linked into nothing. So the shared library is an executable by name, and the linker is told to make it what it is.
func boundary(_ name: String, library: String, cxx: [String], linker: [LinkerSetting]) -> (
  targets: [Target], products: [Product], dependencies: [Target.Dependency]
) {
  let cxxSettings: [CXXSetting] = [.unsafeFlags(cxx)]
  #if os(Linux)
    // The driver asks for a position-independent executable as well, which the compiler would warn of. There is no Swift in it, so its start-up files, which
    // would bring the runtime into the wheel once more, stay out.
    let shared = ["-nostartfiles", "-Xclang-linker", "-shared", "-Xclang-linker", "-Wno-unused-command-line-argument"]
    return (
      [
        .target(
          name: name, dependencies: ["CLoading"], path: "Sources/\(name)", sources: ["loader.c"], cSettings: loadingSettings),
        .executableTarget(
          name: library, path: "Sources/\(name)", exclude: ["loader.c"], cxxSettings: cxxSettings,
          linkerSettings: linker + [.unsafeFlags(shared)]),
      ],
      [.executable(name: "lib\(library).so", targets: [library])],
      [.target(name: name)] + (isWithoutTorch && name == "CTorch" ? [] : [.target(name: library)])
    )
  #else
    return ([.target(name: name, cxxSettings: cxxSettings, linkerSettings: linker)], [], [.target(name: name)])
  #endif
}

#if os(Linux)
  // The wheel has no unversioned library names.
  let arrowLibraries = ["-Xlinker", "-l:libparquet.so.2600", "-Xlinker", "-l:libarrow.so.2600"]
#else
  let arrowLibraries = ["\(libarrow)/libparquet.2600.dylib", "\(libarrow)/libarrow.2600.dylib"]
#endif
let torchBoundary = boundary(
  "CTorch", library: "HeadwayTorch",
  cxx: [
    "-I\(libtorch)/include", "-I\(libtorch)/include/torch/csrc/api/include",
    // What c10d's header needs of Gloo's, which the wheel lacks.
    "-I\(packageDirectory)/Sources/CTorch/gloo",
    // Debug kernels are up to 58 times slower at -O0; unsafe flags land last, so this holds in every configuration.
    "-O3", "-Wno-deprecated-declarations",
  ],
  // No OpenMP library is named: two of them in one process take each other's processors, so its functions come from the one that libtorch brings.
  linker: [
    .unsafeFlags(["-L\(libtorch)/lib"] + lookedFor(in: "\(libtorch)/lib")), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
  ])
let arrowBoundary = boundary(
  "CArrow", library: "HeadwayArrow", cxx: ["-I\(libarrow)/include"],
  linker: [.unsafeFlags(["-L\(libarrow)"] + lookedFor(in: libarrow) + arrowLibraries)])

/// The fuzzer (`make fuzz`): libFuzzer over every reader of `FuzzedReaders`.
let fuzzing: [Target] =
  libfuzzer.map { library in
    [
      .target(name: "FuzzingRuntime", path: "Tests/Fuzzing/Meter"),
      .executableTarget(
        name: "Fuzzer", dependencies: ["FuzzedReaders", "FuzzingRuntime"], path: "Tests/Fuzzing/Program", swiftSettings: swiftSettings,
        // Libraries that are loaded later count their branches with the functions of the program.
        linkerSettings: [.unsafeFlags(["-Xlinker", library, "-Xlinker", "--export-dynamic", "-lstdc++"])]),
    ]
  } ?? []

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "headway",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "headway", targets: ["headway"]),
    .library(name: "Ground", targets: ["Ground"]),
    .library(name: "CheckpointFiles", targets: ["CheckpointFiles"]),
    .library(name: "Torch", targets: ["Torch"]),
    .library(name: "Tokenizers", targets: ["Tokenizers"]),
    .library(name: "Instructions", targets: ["Instructions"]),
    .library(name: "LanguageModels", targets: ["LanguageModels"]),
    .library(name: "ActivationPatterns", targets: ["ActivationPatterns"]),
    .library(name: "Ranks", targets: ["Ranks"]),
    .library(name: "Probing", targets: ["Probing"]),
    .library(name: "FineTuning", targets: ["FineTuning"]),
    .library(name: "Evaluation", targets: ["Evaluation"]),
    .library(name: "Selection", targets: ["Selection"]),
    .library(name: "SmallWorld", targets: ["SmallWorld"]),
    .library(name: "Reports", targets: ["Reports"]),
    .library(name: "Runs", targets: ["Runs"]),
    .library(name: "Studies", targets: ["Studies"]),
  ] + torchBoundary.products + arrowBoundary.products,
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: torchBoundary.targets + arrowBoundary.targets + fuzzing + [
    .target(name: "CLoading", cSettings: loadingSettings),
    .target(name: "CStartup"),
    // Optimised in every configuration, like CTorch; vectors of 64 bytes are passed between inlined functions alone.
    .target(name: "CLikeness", cSettings: [.unsafeFlags(["-O3", "-Wno-psabi"])]),
    room("Ground", []),
    room("CheckpointFiles", ["Ground", "StrictJSON"]),
    room("Torch", ["CheckpointFiles", "Ground"] + torchBoundary.dependencies),
    room("Tokenizers", ["Ground", "StrictJSON"]),
    room("StrictJSON", []),
    room("SmallWorld", ["Ground", "StrictJSON", "CheckpointFiles", "Instructions"]),
    room("Instructions", ["Ground", "StrictJSON", mustache, crypto] + arrowBoundary.dependencies),
    room("LanguageModels", ["Ground", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "StrictJSON", crypto]),
    room("ActivationPatterns", ["Ground", "CheckpointFiles", "Torch"]),
    room("Ranks", ["Ground", "Torch"]),
    room("Probing", ["Ground", "LanguageModels", "ActivationPatterns", "Ranks", "Torch"]),
    room("FineTuning", ["Ground", "CheckpointFiles", "Probing", "LanguageModels", "ActivationPatterns", "Instructions", "Ranks", "Torch"]),
    room("Evaluation", ["Ground", "StrictJSON", "Instructions", "Tokenizers"]),
    room("Selection", ["Ground", "CheckpointFiles", "ActivationPatterns", "Instructions", "CLikeness"]),
    room("Reports", ["Ground", mustache]),
    room(
      "Runs",
      [
        "Ground", "StrictJSON", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "LanguageModels", "ActivationPatterns", "Probing",
        "FineTuning", "Evaluation", "Selection", "SmallWorld", "Ranks", "Reports", yams,
      ]),
    room(
      "Studies",
      [
        "Ground", "StrictJSON", "CheckpointFiles", "Torch", "Instructions", "LanguageModels", "ActivationPatterns", "FineTuning",
        "Evaluation",
        "Selection", "Reports", "Runs", yams,
      ]),
    .executableTarget(
      name: "headway",
      dependencies: [
        "CStartup", "Ground", "CheckpointFiles", "Torch", "StrictJSON", "Tokenizers", "Instructions", "LanguageModels",
        "ActivationPatterns", "Probing", "FineTuning", "Evaluation", "Selection", "Ranks", "Reports", "Runs", "Studies", arguments,
      ],
      swiftSettings: swiftSettings),
    // The code that docs/Library.md and the libraries' pages show, compiled as any program that depends on the package.
    .executableTarget(
      name: "Example",
      dependencies: [
        "Ground", "StrictJSON", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "LanguageModels", "ActivationPatterns", "Probing",
        "FineTuning", "Evaluation", "Selection", "SmallWorld", "Ranks", "Reports", "Runs", "Studies",
      ], path: "Examples/Program", swiftSettings: [.swiftLanguageMode(.v6)]),
    // Tiny random models with golden outputs, and ranks in one process, which the tests of several rooms use.
    .target(
      name: "Goldens", dependencies: ["CheckpointFiles", "Ground", "LanguageModels", "Ranks", "Torch"], path: "Tests/Goldens",
      exclude: ["Fixtures"],
      swiftSettings: swiftSettings),
    // What reads files from elsewhere, as the fuzzer calls it; its tests read the fuzzer's corpus.
    .target(
      name: "FuzzedReaders",
      dependencies: ["Ground", "CheckpointFiles", "Tokenizers", "Instructions", "Runs", "Studies"], path: "Tests/Fuzzing/Readers",
      swiftSettings: swiftSettings),
    tests(of: "FuzzedReaders"),
    .testTarget(
      name: "CommandTests", dependencies: ["headway", "Goldens", "Ground", "Torch"], resources: [.copy("Fixtures")],
      swiftSettings: swiftSettings),
    tests(of: "Ground", ["StrictJSON"]),
    tests(of: "CheckpointFiles"),
    tests(of: "Torch"),
    tests(of: "Tokenizers", ["StrictJSON"]),
    tests(of: "StrictJSON"),
    tests(of: "SmallWorld", ["Ground", "Instructions", "LanguageModels", "StrictJSON", "Tokenizers"]),
    tests(of: "Instructions", ["StrictJSON"]),
    tests(of: "LanguageModels", ["Goldens"]),
    tests(of: "ActivationPatterns"),
    .testTarget(name: "RanksTests", dependencies: ["Goldens", "Ground", "Ranks", "Torch"], swiftSettings: swiftSettings),
    tests(of: "Probing", ["Goldens"]),
    tests(of: "FineTuning", ["Goldens"]),
    tests(of: "Evaluation", ["Ground", "Instructions", "StrictJSON", "Tokenizers"]),
    tests(of: "Selection", ["Ground", "ActivationPatterns", "CheckpointFiles", "Instructions"]),
    tests(of: "Reports"),
    tests(
      of: "Runs",
      [
        "ActivationPatterns", "CheckpointFiles", "Evaluation", "FineTuning", "Instructions", "Probing", "Selection", "Goldens",
        "StrictJSON",
        yams,
      ]),
    tests(
      of: "Studies",
      [
        "ActivationPatterns", "CheckpointFiles", "FineTuning", "Ground", "Instructions", "LanguageModels", "Runs", "Selection", "Goldens",
        yams,
      ]),
  ],
  cxxLanguageStandard: .cxx20
)

// The tests of some rooms only, by which scripts/sanitize builds no more than it runs.
if let rooms = Context.environment["HEADWAY_TESTS"]?.split(separator: ","), !rooms.isEmpty {
  package.targets.removeAll { $0.type == .test && !rooms.contains($0.name.dropLast("Tests".count)) }
}
