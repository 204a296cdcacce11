/// The working memory of one encoding at a time: merging, words met before, and texts between the steps.
///
/// A tokenizer keeps those that are not in use; each is used by one call at a time, which is what makes it `Sendable`.
final class EncoderScratch: @unchecked Sendable {
  /// Merging of one word.
  var merging = MergeScratch()
  /// Words met before.
  var cache = WordCache()
  /// Text after normalisation.
  var normalized: [UInt8] = []
  /// Text between two normalisers.
  var spare: [UInt8] = []
  /// Text that each step of pre-tokenisation made, by step.
  var steps: [[UInt8]] = []
}
