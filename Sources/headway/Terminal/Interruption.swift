import Dispatch
import Foundation
import Synchronization

/// SIGINT and SIGTERM: the first asks the work to stop at its next safe point, the second ends the program at once.
enum Interruption {
  /// Installs the handlers; `stop` is called once, from another thread, with the signal's number.
  static func install(_ stop: @escaping @Sendable (Int32) -> Void) -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
      let count = Counter()
      source.setEventHandler {
        if count.next() == 1 { stop(number) } else { Main.leave(128 + number) }
      }
      source.resume()
      return source
    }
  }

  private final class Counter: @unchecked Sendable {
    // Only ever touched from the signal source's handler, which runs one call at a time.
    private var value = 0
    func next() -> Int {
      value += 1
      return value
    }
  }
}

/// The signal that asked the program to stop, 0 while there was none.
final class StopSignal: Sendable {
  private let value = Mutex<Int32>(0)
  /// The signal's number.
  var number: Int32 { value.withLock { $0 } }
  /// Remembers a signal.
  func set(_ number: Int32) { value.withLock { $0 = number } }
}
