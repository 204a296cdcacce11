import Foundation
import Ground

/// Files of `represent`, a target's and a pool's, of one kind.
struct OpenRows: OpenRepresentation {
  let targetFile: RepresentationFile
  let poolFiles: [RepresentationFile]
  let measure: VectorLikeness.Measure
  let standardises: Bool

  var target: SampleFile? { SampleFile(targetFile) }
  var pool: [SampleFile] { poolFiles.map { SampleFile($0) } }
  var files: [RepresentationFile] { [targetFile] + poolFiles }

  init(
    _ kind: RepresentationFile.Kind, target: URL?, pool: [URL], by measure: VectorLikeness.Measure, standardises: Bool = false
  ) throws {
    guard let target else {
      throw SelectionError("a pool's \(kind.rawValue)s are compared with a target's; give its file as \(setting: .target)")
    }
    targetFile = try RepresentationFile(at: target, holding: kind)
    poolFiles = try pool.map { try RepresentationFile(at: $0, holding: kind) }
    self.measure = measure
    self.standardises = standardises
    try SampleFile.requireAlike(files.map { SampleFile($0) })
    for file in poolFiles {
      let differences = [
        targetFile.rows.count != file.rows.count ? "checkpoints (\(targetFile.rows.count); \(file.rows.count))" : nil,
        targetFile.width != file.width ? "dimensions (\(targetFile.width); \(file.width))" : nil,
        targetFile.projection != file.projection ? "projection (\(targetFile.projection ?? "none"); \(file.projection ?? "none"))" : nil,
        targetFile.weights != file.weights ? "the checkpoints' weights (\(targetFile.weights); \(file.weights))" : nil,
      ].compactMap(\.self)
      guard differences.isEmpty else {
        throw SelectionError(
          "\(target.path(percentEncoded: false)) and \(file.url.path(percentEncoded: false)) differ in \(differences.joined(separator: " and in ")); make both alike"
        )
      }
    }
    guard targetFile.weights.contains(where: { $0 > 0 }) else {
      throw SelectionError(
        "the checkpoints of \(target.path(percentEncoded: false)) all have the weight 0, so that none counts; make it again")
    }
  }

  func likeness(view: TargetView) throws -> any Likeness {
    var (rows, targets, names) = ([SampleRows](), [[[Double]]](), [String]())
    for checkpoint in targetFile.rows.indices {
      func own(_ files: [RepresentationFile]) -> SampleRows {
        SampleRows(files.map { ($0.url.path(percentEncoded: false), $0.rows[checkpoint]) })
      }
      rows.append(own(poolFiles))
      let means = try own([targetFile]).means(of: view, in: SampleFile(targetFile))
      targets.append(means.map(\.row))
      names = means.map(\.name)
    }
    guard rows.first.map({ $0.count > 0 }) ?? false else {
      throw SelectionError("\(poolFiles[0].url.path(percentEncoded: false)) holds no sample; make one of a pool that has some")
    }
    // Only what has one row a sample is standardised.
    let standard = standardises ? try rows.first.map(ColumnMoments.init) : nil
    return try VectorLikeness(rows, weights: targetFile.weights, to: targets, named: names, by: measure, standardisedBy: standard)
  }
}

extension RepresentationFile {
  /// Opens a file of this kind.
  /// - Throws: `SelectionError` where it is of another.
  init(at url: URL, holding kind: Kind) throws {
    try self.init(at: url)
    guard self.kind == kind else {
      throw SelectionError(
        "\(url.path(percentEncoded: false)) holds \(self.kind.rawValue)s, not \(kind.rawValue)s; give another file, or \(setting: .representation.set(to: self.kind.rawValue))"
      )
    }
  }
}
