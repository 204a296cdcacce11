import Foundation

/// Which of this machine's addresses others reach it by.
enum LocalAddress {
  /// The address that packets to a host leave from: of the right interface where there are several. Nothing is sent. Nil where the host is not known.
  static func towards(_ host: String, port: Int) -> String? {
    var wanted = addrinfo()
    #if os(Linux)
      wanted.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    #else
      wanted.ai_socktype = SOCK_DGRAM
    #endif
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "\(port)", &wanted, &found) == 0 else { return nil }
    defer { freeaddrinfo(found) }
    var next = found
    while let entry = next?.pointee {
      if let address = local(entry) { return address }
      next = entry.ai_next
    }
    return nil
  }

  private static func local(_ remote: addrinfo) -> String? {
    let descriptor = socket(remote.ai_family, remote.ai_socktype, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var own = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = withUnsafeMutablePointer(to: &own) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
        connect(descriptor, remote.ai_addr, remote.ai_addrlen) == 0 && getsockname(descriptor, own, &length) == 0
          ? getnameinfo(own, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) : -1
      }
    }
    guard status == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
