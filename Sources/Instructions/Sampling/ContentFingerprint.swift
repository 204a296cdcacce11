extension Instruction {
  /// The first 64 bits of the SHA-256 of the texts that are encoded, each with its length: equal for one sample wherever it is read from, whatever it is
  /// called and wherever it lies there.
  public var contentFingerprint: UInt64 { TextKey.whole(self).high }
}
