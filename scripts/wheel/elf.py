"""What a program or library of Linux asks of the system that it is loaded on: read from its dynamic section (System V ABI, chapter 5; GNU symbol versions)."""

import struct
from dataclasses import dataclass, field

DYNAMIC, LOAD = 2, 1
NEEDED, STRTAB, RPATH, RUNPATH, VERNEED, VERNEEDNUM = 1, 5, 15, 29, 0x6FFFFFFE, 0x6FFFFFFF
MAGIC = b"\x7fELF"


@dataclass
class Needs:
    """What one file asks for."""

    #: Libraries, by the names that it looks for.
    libraries: list[str] = field(default_factory=list)
    #: Folders in which it looks: those of RPATH and RUNPATH.
    folders: list[str] = field(default_factory=list)
    #: Symbol versions by library, such as GLIBC_2.34 of libc.so.6.
    versions: dict[str, set[str]] = field(default_factory=dict)

    def highest(self, prefix: str) -> tuple[int, ...]:
        """The highest version of a family such as GLIBC; empty where it asks for none."""
        numbers = [version.split("_")[-1] for names in self.versions.values() for version in names if version.startswith(f"{prefix}_")]
        return max((tuple(map(int, number.split("."))) for number in numbers if number[0].isdigit()), default=())


def needs(data: bytes) -> Needs:
    """Reads a 64-bit little-endian ELF file."""
    if data[:6] != MAGIC + b"\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = []
    for number in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + number * size)
        segments.append((kind, offset, address, length))

    def place(address: int) -> int:
        for kind, offset, start, length in segments:
            if kind == LOAD and start <= address < start + length:
                return offset + address - start
        raise ValueError(f"address {address:#x} is in no segment")

    entries = []
    for kind, offset, _, length in segments:
        if kind == DYNAMIC:
            entries = [struct.unpack_from("<QQ", data, at) for at in range(offset, offset + length, 16)]
    values = dict(entries)
    if STRTAB not in values:
        return Needs()
    strings = place(values[STRTAB])

    def text(offset: int) -> str:
        return data[strings + offset : data.index(b"\0", strings + offset)].decode()

    found = Needs([text(value) for tag, value in entries if tag == NEEDED])
    for tag in (RPATH, RUNPATH):
        if tag in values:
            found.folders += text(values[tag]).split(":")
    at = place(values[VERNEED]) if VERNEED in values else 0
    for _ in range(values.get(VERNEEDNUM, 0)):
        _, names, library, first, following = struct.unpack_from("<HHIII", data, at)
        versions = found.versions.setdefault(text(library), set())
        name_at = at + first
        for _ in range(names):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, name_at)
            versions.add(text(name))
            name_at += step
        at += following
    return found
