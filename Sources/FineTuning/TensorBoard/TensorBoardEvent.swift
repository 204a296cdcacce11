import Ground

/// One entry of an event file: TensorFlow's message `Event` (tensorflow/core/util/event.proto) as far as curves need it.
struct TensorBoardEvent {
  enum Content {
    /// Opens every file. Readers go by it when they decide how restarts are told.
    case fileVersion
    /// A run that was stopped goes on: readers forget what they have read of this event's step and of later ones.
    case restart
    /// One point of a curve.
    case scalar(tag: String, value: Float)
  }

  /// When it was written, in seconds since 1970.
  var time: Double
  /// The step it belongs to.
  var step: Int
  var content: Content

  /// The message.
  var message: [UInt8] {
    var event = ProtocolBuffer()
    event.double(time, field: 1)
    event.integer(step, field: 2)
    switch content {
    case .fileVersion: event.counted("brain.Event:2".utf8, field: 3)
    case .scalar(let tag, let number):
      var value = ProtocolBuffer()
      value.counted(tag.utf8, field: 1)
      value.float(number, field: 2)
      var summary = ProtocolBuffer()
      summary.counted(value.bytes, field: 1)
      event.counted(summary.bytes, field: 5)
    case .restart:
      var log = ProtocolBuffer()
      log.integer(1, field: 1)  // SessionLog.START
      event.counted(log.bytes, field: 7)
    }
    return event.bytes
  }

  /// The message in a frame of a TFRecord file: its length, that length's checksum, itself, its checksum.
  var record: [UInt8] {
    let message = message
    let length = littleEndian(UInt64(message.count))
    return length + littleEndian(TensorBoardEvent.checksum(length)) + message + littleEndian(TensorBoardEvent.checksum(message))
  }

  /// The checksum of a TFRecord file: rotated and shifted, so that a checksum of data that hold checksums stays a good one.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let check = CyclicRedundancyCheck.of(bytes, .castagnoli)
    return (check >> 15 | check << 17) &+ 0xA282_EAD8
  }
}
