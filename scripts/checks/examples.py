#!/usr/bin/env python3
"""Holds the Swift code of the documentation against Examples/Program, which every build compiles.

    scripts/checks/examples.py

Every library has a page Sources/ROOM/ROOM.docc/ROOM.md that begins with code, after one sentence. Its first block, and that of docs/Library.md,
must stand line by line in a file of Examples/Program: all of a file, or a function's body; imports are of the file. Ends with status 1 and a
sentence for each page that does not.
"""
import pathlib, re, sys

root = pathlib.Path(__file__).resolve().parents[2]
sources = [[line.strip() for line in path.read_text().splitlines()] for path in sorted((root / "Examples/Program").glob("*.swift"))]


def lines(code):
    return [line.strip() for line in code.splitlines() if line.strip() and not line.startswith("import ")]


def stands(code):
    wanted = lines(code)
    for source in sources:
        own = [line for line in source if line and not line.startswith("import ")]
        if any(own[place : place + len(wanted)] == wanted for place in range(len(own) - len(wanted) + 1)):
            return True
    return False


problems = []
libraries = re.findall(r'\.library\(name: "(\w+)"', (root / "Package.swift").read_text()) + ["StrictJSON"]
pages = {name: root / f"Sources/{name}/{name}.docc/{name}.md" for name in libraries} | {"docs/Library.md": root / "docs/Library.md"}
for name, page in pages.items():
    if not page.exists():
        problems.append(f"{name} has no page {page.relative_to(root)}")
        continue
    text = page.read_text()
    block = re.search(r"^```swift\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    if not block:
        problems.append(f"{page.relative_to(root)} has no Swift code")
    elif not stands(block[1]):
        problems.append(f"the code of {page.relative_to(root)} is not that of Examples/Program")
    elif name in libraries and len(text[: block.start()].split("\n\n")) > 3:
        problems.append(f"{page.relative_to(root)} does not begin with code")
for problem in problems:
    print(f"examples: {problem}")
sys.exit(1 if problems else 0)
