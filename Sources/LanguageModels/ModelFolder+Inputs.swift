public import Foundation

extension ModelFolder {
  /// The folder and the files in it that loading and encoding read, with those of the base model where it holds adapters: no run that reads
  /// them may write there.
  public var inputs: [URL] {
    let base = AdapterFolder.isAdapter(self) ? try? AdapterFolder(self).base : nil
    return ownInputs + (base?.ownInputs ?? [])
  }

  private var ownInputs: [URL] {
    let weights = (try? WeightFiles(of: self).files) ?? []
    let names = ["config.json"] + AdapterFolder.names + WeightFiles.names + WeightWriter.tokenizerFiles(of: self)
    return [url] + weights + names.filter(contains).map(file)
  }
}
