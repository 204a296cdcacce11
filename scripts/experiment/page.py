#!/usr/bin/env python3
"""Writes the tables of docs/Findings.md anew from what run.py made, and keeps every table whole in docs/findings.

    scripts/experiment/page.py [--small-world FOLDER] [--real FOLDER]     after make experiment and make experiment-real
    scripts/experiment/page.py --check                                    only says whether the page and docs/findings would change; status 1 if so

A table stands in the page between two comments, the first of which says where it comes from:

    <!-- table: small-world/figures/table-1 | state=State gini=Gini rose=Share that rose | model=base -->
    <!-- end -->

that is KIND/STUDY/TABLE, columns with their headings, and the rows that are wanted (column=value; with semicolons between them, and / between values that will do).
Pictures that the page shows from docs/findings/KIND/STUDY are kept there, too. Intervals follow their figure in brackets. Figures have three digits; docs/findings/KIND/STUDY/TABLE.csv has all of them.
"""
import argparse, csv, pathlib, re, shutil, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, KEPT = ROOT / "docs/Findings.md", ROOT / "docs/findings"
BLOCK = re.compile(r"(<!-- table: (\S+) \| ([^|]*?)(?: \| ([^|]*?))? -->\n).*?(<!-- end -->)", re.S)


def number(text):
    """Three digits, but whole numbers whole; what is no number as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value == int(value) and abs(value) < 1e6 and "." not in text.rstrip("0").rstrip("."):
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def cell(row, column):
    text = number(row[column])
    low, high = row.get(f"{column}_low", ""), row.get(f"{column}_high", "")
    return f"{text} ({number(low)} to {number(high)})" if text and low and high else text or "–"


def table(place, columns, wanted):
    if not place.exists():
        sys.exit(f"{place.relative_to(ROOT)} is not there: run the studies first (make experiment, make experiment-real), or leave its table out of the page")
    rows = list(csv.DictReader(place.open()))
    for part in (wanted or "").split(";"):
        if part:
            column, values = part.strip().split("=", 1)
            rows = [row for row in rows if row[column] in values.split("/")]
    heads = [(column, heading) for column, heading in re.findall(r"(\w+)=(.*?)(?= \w+=|$)", columns)]
    if not rows:
        sys.exit(f"{place} has no row with {wanted}")
    missing = [column for column, _ in heads if column not in rows[0]]
    if missing:
        sys.exit(f"{place} has no column {', '.join(missing)}; it has {', '.join(rows[0])}")
    is_text = [all(not re.match(r"^-?[\d.]", row[column]) for row in rows if row[column]) for column, _ in heads]
    lines = ["| " + " | ".join(heading for _, heading in heads) + " |", "|" + "|".join("---" if text else "--:" for text in is_text) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cell(row, column) for column, _ in heads) + " |" for row in rows]) + "\n"


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--small-world", type=pathlib.Path, default=ROOT / "experiment-small-world"); a.add_argument("--real", type=pathlib.Path, default=ROOT / "experiment-real")
    a.add_argument("--check", action="store_true")
    o = a.parse_args()
    changed, text = [], PAGE.read_text()
    pictures = set(re.findall(r"\]\(findings/(\S+\.svg)\)", text))
    for kind, folder in (("small-world", o.small_world), ("real", o.real)):
        for made in sorted([*folder.glob("*/tables/*.csv"), *folder.glob("*/figures/*.svg")]):
            if made.suffix == ".svg" and f"{kind}/{made.parents[1].name}/{made.name}" not in pictures:
                continue
            kept = KEPT / kind / made.parents[1].name / made.name
            if not kept.exists() or kept.read_bytes() != made.read_bytes():
                changed.append(str(kept.relative_to(ROOT)))
                if not o.check:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(made, kept)
    made = BLOCK.sub(lambda m: m[1] + table(KEPT / f"{m[2]}.csv", m[3], m[4]) + m[5], text)
    if made != text:
        changed.append(str(PAGE.relative_to(ROOT)))
        if not o.check:
            PAGE.write_text(made)
    print("\n".join(changed) if changed else "nothing changed")
    sys.exit(bool(o.check and changed))


if __name__ == "__main__":
    main()
