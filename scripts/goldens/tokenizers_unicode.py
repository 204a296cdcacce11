"""Writes Sources/Tokenizers/UnicodeTables.swift: the character classes as Hugging Face tokenizers sees them.

Every code point is put to the library itself (its regular expressions carry their own Unicode tables, newer or older than
those of Python and of Swift), so that splitting agrees on each of them. Run from the repository root:

    python scripts/goldens/tokenizers_unicode.py Sources/Tokenizers/UnicodeTables.swift

Made with tokenizers 0.23.3.
"""

import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers

POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def matching(pattern):
    """The code points that `pattern`, matching one character, matches."""
    found = set()
    for start in range(0, len(POINTS), 4096):
        chunk = POINTS[start : start + 4096]
        left = normalizers.Replace(Regex(pattern), "").normalize_str("".join(map(chr, chunk)))
        found |= set(chunk) - set(map(ord, left))
    return found


def word_characters():
    """The code points that keep an added token with `single_word` from matching when they stand before it."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("<x>", single_word=True, normalized=False)])
    mark = tokenizer.token_to_id("<x>")
    found = set()
    for start in range(0, len(POINTS), 4096):
        chunk = POINTS[start : start + 4096]
        encoding = tokenizer.encode("".join(f"-{chr(point)}<x>" for point in chunk) + "-")
        matched = {offset[0] for offset, token in zip(encoding.offsets, encoding.ids) if token == mark}
        found |= {point for place, point in enumerate(chunk) if place * 5 + 2 not in matched}
    return found


def ranges(points):
    rows = []
    for point in sorted(points):
        if rows and rows[-1][1] == point - 1:
            rows[-1][1] = point
        else:
            rows.append([point, point])
    return rows


def main(path):
    classes = [
        ("letterRanges", r"`\p{L}`: letters.", matching(r"\p{L}")),
        ("numberRanges", r"`\p{N}`: numbers.", matching(r"\p{N}")),
        ("whitespaceRanges", r"`\s`: white space.", matching(r"\s")),
        ("wordRanges", r"`\w`: word characters, as `single_word` sees them.", word_characters()),
    ]
    with open(path, "w", encoding="utf-8") as out:
        out.write("// Written by scripts/goldens/tokenizers_unicode.py from Hugging Face tokenizers "
                  f"{tokenizers.__version__}; do not edit.\n\n")
        out.write("/// Character classes as Hugging Face tokenizers sees them: first and last code point of each range, in turn.\n")
        out.write("enum UnicodeTables {\n")
        for index, (name, comment, points) in enumerate(classes):
            flat = [f"0x{value:X}" for row in ranges(points) for value in row]
            out.write("" if index == 0 else "\n")
            out.write(f"  /// {comment}\n  static let {name}: [UInt32] = [\n")
            for start in range(0, len(flat), 14):
                out.write("    " + ", ".join(flat[start : start + 14]) + ",\n")
            out.write("  ]\n")
        out.write("}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
