"""Prints which rooms import which, as the sources have it, and fails where that is not what docs/Architecture.md says.

    python3 scripts/checks/imports.py           check
    python3 scripts/checks/imports.py --write   write the table into docs/Architecture.md
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Sources"
PAGE = ROOT / "docs/Architecture.md"
BEGIN, END = "<!-- imports: scripts/checks/imports.py -->", "<!-- end of imports -->"


def graph():
    rooms = sorted(folder.name for folder in SOURCES.iterdir() if folder.is_dir())
    imports = {room: set() for room in rooms}
    pattern = re.compile(r"^[ \t]*(?:(?:public|package|internal|private|@\w+(?:\([^)]*\))?)[ \t]+)*import[ \t]+(?:(?:struct|class|enum|func|protocol|var|typealias)[ \t]+)?(\w+)", re.M)
    for room in rooms:
        for file in (SOURCES / room).rglob("*.swift"):
            imports[room] |= {name for name in pattern.findall(file.read_text()) if name in imports and name != room}
    return imports


def levels(imports):
    """Each room's height above those that import nothing; None where imports run in a circle."""
    height = {}
    while len(height) < len(imports):
        ready = {room: 1 + max((height[name] for name in names), default=-1) for room, names in imports.items() if room not in height and names <= height.keys()}
        if not ready:
            return None
        height |= ready
    return height


def table(imports, height):
    rows = ["| room | imports |", "|---|---|"]
    for room in sorted(imports, key=lambda room: (height[room], room.lower())):
        rows.append(f"| `{room}` | {', '.join(f'`{name}`' for name in sorted(imports[room], key=str.lower)) or '–'} |")
    return "\n".join(rows)


def main():
    imports = graph()
    height = levels(imports)
    if height is None:
        sys.exit("imports: rooms import each other in a circle: " + "; ".join(f"{room} → {', '.join(sorted(names))}" for room, names in imports.items()))
    text = PAGE.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"imports: {PAGE.name} lacks the lines '{BEGIN}' and '{END}'")
    head, rest = text.split(BEGIN, 1)
    written, tail = rest.split(END, 1)
    fresh = table(imports, height)
    print(fresh)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(f"{head}{BEGIN}\n{fresh}\n{END}{tail}")
    elif written.strip() != fresh:
        sys.exit("imports: docs/Architecture.md says otherwise; where the new imports are meant, run python3 scripts/checks/imports.py --write")


main()
