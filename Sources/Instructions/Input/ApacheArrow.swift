internal import CArrow
import Ground

/// The library that reads Parquet and unpacks gzip. It is loaded at the first file that is either.
public enum ApacheArrow {
  /// Its version; loads it.
  /// - Throws: `DataError` where it cannot be loaded: the file, the reason and the remedy.
  public static func version() throws(DataError) -> String {
    guard ca_load() == 0 else { throw .options(Message(String(cString: ca_error()))) }
    return String(cString: ca_version())
  }
}
