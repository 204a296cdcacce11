"""Makes the fixtures of Tests/InstructionsTests with Python's own gzip, zlib, json and csv, and reference
versions of the random generator. Run with Python 3.11 from the repository's root:

    python3 scripts/goldens/instructions.py
"""

import csv
import gzip
import io
import json
import pathlib
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "InstructionsTests" / "Fixtures"
PROVENANCE = "made by scripts/goldens/instructions.py with Python 3.11"
MASK = (1 << 64) - 1


# xoshiro256** and splitmix64, after the public-domain C of Blackman and Vigna (prng.di.unimi.it).


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


class Generator:
    def __init__(self, seed, stream=None):
        if stream is not None:
            seed = Generator(seed).next() ^ fnv1a(stream)
        self.state = []
        counter = seed
        for _ in range(4):
            counter = (counter + 0x9E3779B97F4A7C15) & MASK
            z = counter
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
            self.state.append(z ^ (z >> 31))

    def next(self):
        rotated = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        s = self.state
        result = rotated(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 45)
        return result

    def below(self, bound):  # Lemire 2019
        product = self.next() * bound
        if product & MASK < bound:
            threshold = (-bound & MASK) % bound
            while product & MASK < threshold:
                product = self.next() * bound
        return product >> 64

    def uniform(self):
        return (self.next() >> 11) / 2**53

    def shuffled(self, values):
        values = list(values)
        for index in range(len(values) - 1, 0, -1):
            other = self.below(index + 1)
            values[index], values[other] = values[other], values[index]
        return values

    def positions(self, count, total):  # Knuth, algorithm S
        if count >= total:
            return list(range(total))
        chosen = []
        for position in range(total):
            if self.below(total - position) < count - len(chosen):
                chosen.append(position)
        return chosen


def random_golden():
    cases = []
    for seed in (0, 1, 42, MASK):
        cases.append(
            {
                "seed": str(seed),
                "next": [str(v) for g in [Generator(seed)] for v in [g.next() for _ in range(5)]],
                "below": [v for g in [Generator(seed)] for v in [g.below(b) for b in (1, 2, 3, 7, 10, 1000, 10**6, 2**62 + 1) * 3]],
                "uniform": [v for g in [Generator(seed)] for v in [g.uniform() for _ in range(4)]],
                "shuffled": Generator(seed).shuffled(range(12)),
                "positions": Generator(seed).positions(5, 20),
            }
        )
    return {
        "provenance": PROVENANCE,
        "cases": cases,
        # What SamplingTests draws: 5 of 40 samples; a fifth of 40 samples whose prompts repeat after 30.
        "sample": Generator(1, "sample").positions(5, 40),
        "heldOut": held_out([index % 30 for index in range(40)], 0.2, Generator(3, "hold out")),
    }


def held_out(keys, fraction, generator):
    groups = list(dict.fromkeys(keys))
    target = round(fraction * len(keys))
    out = set()
    count = 0
    for group in generator.shuffled(groups):
        size = keys.count(group)
        if count + size <= target:
            out.add(group)
            count += size
    return [index for index, key in enumerate(keys) if key in out]


def texts():
    """Texts of several kinds of compressibility, the same in every run."""
    generator = Generator(7)
    words = ["head", "gate", "注意力", "激活", "🙂", "layer", "\n", " ", "the", "of"]
    prose = " ".join(words[generator.below(len(words))] for _ in range(6_000)).encode()
    noise = bytes(generator.below(256) for _ in range(40_000))
    return {"prose": prose, "noise": noise, "zeros": bytes(200_000), "short": b"a", "empty": b""}


def packed():
    """Gzip streams of each kind of block. The unpacked side is made again by the test from CRC and size."""
    rows = []
    for name, data in texts().items():
        for level, strategy, label in [
            (0, zlib.Z_DEFAULT_STRATEGY, "stored"),
            (1, zlib.Z_DEFAULT_STRATEGY, "fast"),
            (9, zlib.Z_DEFAULT_STRATEGY, "best"),
            (9, zlib.Z_FIXED, "fixed"),
            (9, zlib.Z_HUFFMAN_ONLY, "huffman"),
        ]:
            if name == "noise" and label not in ("stored", "best"):
                continue
            if name == "zeros" and label == "stored":
                continue
            packer = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
            path = FIXTURES / "gzip" / f"{name}-{label}.gz"
            path.write_bytes(packer.compress(data) + packer.flush())
            rows.append({"file": path.name, "size": len(data), "crc": zlib.crc32(data)})
    # Two members, the first with a file name, comment-free, then padding.
    buffer = io.BytesIO()
    with gzip.GzipFile("first.txt", "wb", fileobj=buffer, mtime=0) as file:
        file.write(b"first ")
    joined = buffer.getvalue() + gzip.compress(b"second", mtime=0) + bytes(16)
    (FIXTURES / "gzip" / "members.gz").write_bytes(joined)
    rows.append({"file": "members.gz", "size": 12, "crc": zlib.crc32(b"first second")})
    return {"provenance": PROVENANCE, "files": rows}


def tables():
    """Tables and the rows that Python's csv module reads from them; with tabs also ones that are written without quoting."""
    written = [
        ["id", "question", "note"],
        ["1", 'He said "no", twice', "a,b"],
        ["2", "two\nlines", ""],
        ["3", "中文，逗号", "🙂"],
        ["4", "carriage\r\nreturn", " spaces "],
    ]
    cases = []
    for terminator in ("\n", "\r\n"):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator=terminator, quoting=quoting).writerows(written)
            for text in (buffer.getvalue(), buffer.getvalue().rstrip("\r\n"), "\ufeff" + buffer.getvalue()):
                rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))
                cases.append({"text": text, "rows": rows})
    loose = 'a,b\nx"y,5" tall\n,\n"",""\n'
    cases.append({"text": loose, "rows": list(csv.reader(io.StringIO(loose, newline="")))})
    for delimiter in (";", "\t"):
        buffer = io.StringIO()
        cells = [[cell.replace("a,b", f"a,b;c{delimiter}d") for cell in row] for row in written]
        csv.writer(buffer, lineterminator="\r\n", delimiter=delimiter).writerows(cells)
        text = buffer.getvalue()
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        cases.append({"delimiter": delimiter, "text": text, "rows": rows})
    bare = 'question\tanswer\n"Yes" is a word\tso "it" is\n"a" and "b"\t5" tall\n'
    rows = list(csv.reader(io.StringIO(bare, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    cases.append({"delimiter": "\t", "text": bare, "rows": rows})
    return {"provenance": PROVENANCE, "cases": cases}


def write(name, value, folder=FIXTURES):
    (folder / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    (FIXTURES / "gzip").mkdir(parents=True, exist_ok=True)
    random = random_golden()
    write("sampling.json", {key: random[key] for key in ("provenance", "sample", "heldOut")})
    write("random.json", {key: random[key] for key in ("provenance", "cases")}, ROOT / "Tests/GroundTests/Fixtures")
    write("gzip.json", packed())
    write("csv.json", tables())
