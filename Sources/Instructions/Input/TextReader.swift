import Ground
import StrictJSON

/// What makes a record of a plain text file.
enum TextUnit: Sendable, Hashable {
  /// The whole file.
  case file
  /// A stretch of lines between blank ones.
  case paragraph
  /// A fixed number of lines.
  case lines(Int)
}

/// A plain text file, cut into records with the one field `text`. The last line end of a record is left out.
struct TextReader: RecordReader {
  private var lines: LineReader
  private let name: String
  private let unit: TextUnit

  init(_ source: any ByteSource, name: String, unit: TextUnit) {
    lines = LineReader(source, name: name)
    self.name = name
    self.unit = unit
  }

  mutating func next() throws(DataError) -> Record? {
    var text: [UInt8] = []
    var count = 0
    var firstLine = 0
    while let line = try lines.next() {
      let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if unit == .paragraph, isBlank {
        if count > 0 { break }
        continue
      }
      if unit != .paragraph, count == 0, isBlank { continue }
      if count == 0 { firstLine = lines.lineNumber } else { text.append(0x0A) }
      text.append(contentsOf: line)
      count += 1
      guard text.count <= RecordLimits.bytes else {
        throw .file(name, problem: "the text is larger than \(RecordLimits.bytes >> 20) MiB; take its paragraphs as samples")
      }
      if case .lines(let number) = unit, count == number { break }
    }
    guard count > 0 else { return nil }
    let place = RecordPlace(file: name, number: firstLine)
    if case .lines(let number) = unit, count < number {
      throw .record(place, problem: "the file ends after \(count) of the record's \(number) lines")
    }
    do throws(ForeignText.Problem) {
      return Record(fields: ["text": .string(try foreignText(text))], place: place)
    } catch {
      throw .record(place, problem: "the text \(problem(error, of: text, in: name))")
    }
  }
}

/// The text that bytes of a file hold.
func foreignText(_ bytes: [UInt8]) throws(ForeignText.Problem) -> String {
  let result: Result<String, ForeignText.Problem> = bytes.withUnsafeBufferPointer { buffer in
    do throws(ForeignText.Problem) { return .success(try ForeignText.text(buffer)) } catch { return .failure(error) }
  }
  return try result.get()
}

/// What is wrong with bytes that are no text, as the end of a sentence.
func problem(_ problem: ForeignText.Problem, of bytes: [UInt8], in file: String) -> Message {
  guard problem == .invalid else { return "\(problem.rawValue)" }
  return bytes.withUnsafeBufferPointer { ForeignEncoding.problem(of: $0, in: file) } ?? "\(problem.rawValue)"
}
