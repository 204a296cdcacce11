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
// The wheel has no unversioned library names.
#if os(macOS)
  let arrowLibraries = ["\(libarrow)/libparquet.2600.dylib", "\(libarrow)/libarrow.2600.dylib"]
#else
  let arrowLibraries = ["-Xlinker", "-l:libparquet.so.2600", "-Xlinker", "-l:libarrow.so.2600"]
#endif

#if os(Linux)
  let openMP: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-l:libgomp.so.1"])]
#else
  let openMP: [LinkerSetting] = []
#endif

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A room of the house: a library target in `Sources/NAME` with tests in `Tests/NAMETests`.
func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies,
    resources: [.copy("Fixtures")], swiftSettings: swiftSettings)
}

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
    .library(name: "Probing", targets: ["Probing"]),
    .library(name: "FineTuning", targets: ["FineTuning"]),
    .library(name: "Evaluation", targets: ["Evaluation"]),
    .library(name: "Selection", targets: ["Selection"]),
    .library(name: "SmallWorld", targets: ["SmallWorld"]),
    .library(name: "Reports", targets: ["Reports"]),
    .library(name: "Runs", targets: ["Runs"]),
    .library(name: "Studies", targets: ["Studies"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .target(
      name: "CTorch",
      cxxSettings: [
        .unsafeFlags([
          "-I\(libtorch)/include", "-I\(libtorch)/include/torch/csrc/api/include",
          // Debug kernels are up to 58 times slower at -O0; unsafe flags land last, so this holds in every configuration.
          "-O3", "-Wno-deprecated-declarations",
        ])
      ],
      linkerSettings: [
        .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
        .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
      ] + openMP),
    .target(name: "CStartup"),
    // Optimised in every configuration, like CTorch; vectors of 64 bytes are passed between inlined functions alone.
    .target(name: "CLikeness", cSettings: [.unsafeFlags(["-O3", "-Wno-psabi"])]),
    .target(
      name: "CArrow",
      cxxSettings: [.unsafeFlags(["-I\(libarrow)/include"])],
      linkerSettings: [.unsafeFlags(["-L\(libarrow)", "-Xlinker", "-rpath", "-Xlinker", libarrow] + arrowLibraries)]),
    room("Ground", []),
    room("CheckpointFiles", ["Ground", "StrictJSON"]),
    room("Torch", ["CTorch", "CheckpointFiles", "Ground"]),
    room("Tokenizers", ["Ground", "StrictJSON"]),
    room("StrictJSON", []),
    room("SmallWorld", ["Ground", "StrictJSON", "CheckpointFiles", "Instructions"]),
    room("Instructions", ["Ground", "StrictJSON", "CArrow", mustache, crypto]),
    room("LanguageModels", ["Ground", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "StrictJSON", crypto]),
    room("ActivationPatterns", ["Ground", "CheckpointFiles", "Torch"]),
    room("Probing", ["Ground", "LanguageModels", "ActivationPatterns", "Torch"]),
    room("FineTuning", ["Ground", "CheckpointFiles", "Probing", "LanguageModels", "ActivationPatterns", "Instructions", "Torch"]),
    room("Evaluation", ["Ground", "StrictJSON", "Instructions", "Tokenizers"]),
    room("Selection", ["Ground", "CheckpointFiles", "ActivationPatterns", "Instructions", "CLikeness"]),
    room("Reports", ["Ground", mustache]),
    room(
      "Runs",
      [
        "Ground", "StrictJSON", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "LanguageModels", "ActivationPatterns", "Probing",
        "FineTuning", "Evaluation", "Selection", "SmallWorld", "Reports", yams,
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
        "ActivationPatterns", "Probing", "FineTuning", "Evaluation", "Selection", "Reports", "Runs", "Studies", arguments,
      ],
      swiftSettings: swiftSettings),
    // The code that docs/Library.md and the libraries' pages show, compiled as any program that depends on the package.
    .executableTarget(
      name: "Example",
      dependencies: [
        "Ground", "StrictJSON", "CheckpointFiles", "Torch", "Tokenizers", "Instructions", "LanguageModels", "ActivationPatterns", "Probing",
        "FineTuning", "Evaluation", "Selection", "SmallWorld", "Reports", "Runs", "Studies",
      ], path: "Examples/Program", swiftSettings: [.swiftLanguageMode(.v6)]),
    // Tiny random models with golden outputs, which the tests of several rooms read.
    .target(
      name: "Goldens", dependencies: ["CheckpointFiles", "LanguageModels", "Torch"], path: "Tests/Goldens", exclude: ["Fixtures"],
      swiftSettings: swiftSettings),
    .testTarget(name: "CommandTests", dependencies: ["headway", "Ground"], resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    tests(of: "Ground", ["StrictJSON"]),
    tests(of: "CheckpointFiles"),
    tests(of: "Torch"),
    tests(of: "Tokenizers", ["StrictJSON"]),
    tests(of: "StrictJSON"),
    tests(of: "SmallWorld", ["Ground", "Instructions", "LanguageModels", "StrictJSON", "Tokenizers"]),
    tests(of: "Instructions", ["StrictJSON"]),
    tests(of: "LanguageModels", ["Goldens"]),
    tests(of: "ActivationPatterns"),
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
