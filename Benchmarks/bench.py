"""Measures Headway beside its rivals, strictly one after another, on the same generated prompts.

    Benchmarks/run                                      what `make bench` runs: the works that the goals speak of, within half an hour on two cores
    Benchmarks/run --all                                everything, with more samples: `make bench-all`, hours
    Benchmarks/run --only patterns --models opt-125m    some parts, models, types or methods
    Benchmarks/run --growth                             how cost grows, as pictures (growth.py)

Everything is measured once, then all of it again, so that a disturbance meets everyone; medians are reported, and ratios are taken within a repetition. Seconds are the measuring loop alone, without loading and
compiling, for everyone. Memory is the greatest resident size of the process, as the kernel counts it. A process that fails or takes longer than --limit says so in its row.
Before any ratio is printed, what Headway computed is held against what the rival computed (agreements.py).
Everything that is made (models, prompts) is kept in the cache folder, results in bench-out/.
"""
import argparse, json, pathlib, signal, sys, time

import goals, growth, report, works
from inputs import SUBJECTS, root
from measuring import begin, cores_of_this_machine, repeat, say, touch_memory


def die(text):
    say(f"bench: error: {text}")
    sys.exit(1)


def words(text):
    return [word for word in text.split(",") if word]


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="parts: " + "; ".join(f"{key} ({text})" for key, text in works.PARTS.items()))
    a.add_argument("--all", action="store_true", help="every part and rival, more samples and steps")
    a.add_argument("--only", type=words, help="only these parts, joined by commas")
    a.add_argument("--models", type=words, help="only these shapes (peers/make_model.py knows them)")
    a.add_argument("--dtypes", type=words, help="only these of bfloat16,float32")
    a.add_argument("--methods", type=words, help="only these: careful, compiled, lens, headway, pinned, limit, old-limit, …")
    a.add_argument("--samples", type=int, help="prompts of every work (its own number where left out)")
    a.add_argument("--repetitions", type=int, help="3 where left out")
    a.add_argument("--minutes", type=float, help="after which nothing is repeated (28; with --all no end)")
    a.add_argument("--questions", type=int, default=40, help="of each form, with --only evaluation")
    a.add_argument("--limit", type=float, default=600, help="seconds after which a process is given up")
    a.add_argument("--threads", type=int, default=len(cores_of_this_machine()))
    a.add_argument("--headway", type=pathlib.Path, default=root / ".build" / "release" / "headway")
    a.add_argument("--headway-options", type=str.split, default=[], help="more options for `headway pattern`, `sft` and `ablate`, in one argument")
    a.add_argument("--out", type=pathlib.Path, default=root / "bench-out")
    a.add_argument("--json", action="store_true", help="print one JSON document instead of the tables")
    a.add_argument("--update-docs", action="store_true", help="rewrite the marked sections of docs/Performance.md")
    a.add_argument("--list", action="store_true", help="say what would be measured, and end")
    a.add_argument("--growth", action="store_true", help="how cost grows with tokens, samples, layers, vocabulary and threads; with --update-docs pictures in docs/images")
    o = a.parse_args()
    for name, given, known in (("part", o.only, works.PARTS), ("type", o.dtypes, ["bfloat16", "float32"])):
        unknown = set(given or []) - set(known)
        if unknown:
            die(f"no {name} is called {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    if any(n is not None and n < 1 for n in (o.repetitions, o.samples)):
        die("--repetitions and --samples are at least 1.")
    o.minutes = o.minutes or (None if o.all else 28)
    if o.questions < SUBJECTS:
        die(f"--questions is at least {SUBJECTS}, one for each subject.")
    return o


def main():
    # So that what it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    o = arguments()
    planned = [] if o.growth else works.works(o)
    if o.list:
        for work in planned:
            print(f"{work.key}: {', '.join(m.key for m in work.methods)}")
        return
    if not o.growth and not planned:
        die("nothing is left to measure; Benchmarks/run --list tells what there is.")
    if not o.headway.exists() and (o.growth or any(m.key.startswith("headway") for w in planned for m in w.methods)):
        die(f"{o.headway} is not there. Build it first (swift build -c release), or name another with --headway.")
    o.headway = o.headway.resolve()
    o.out.mkdir(parents=True, exist_ok=True)
    touch_memory()
    if o.growth:
        return growth.run(o)
    started, found = time.perf_counter(), [begin(work, o) for work in planned]
    for repetition in range(o.repetitions or 3):
        for f in found:
            if repetition and o.minutes and time.perf_counter() - started > 60 * o.minutes:
                continue
            repeat(f, repetition)
            # After each, so that nothing is lost when the run is stopped.
            document = {"machine": report.machine(o.threads), "all": o.all, "works": {f.work.key: f.record() for f in found}}
            (o.out / "bench.json.partial").write_text(json.dumps(document, indent=1, default=str) + "\n")
            (o.out / "bench.json.partial").rename(o.out / "bench.json")
    minutes = (time.perf_counter() - started) / 60
    tables = {}
    for part in dict.fromkeys(f.work.part for f in found):
        of_part = [f for f in found if f.work.part == part]
        tables[part] = f"{report.about(part, of_part, o)}\n\n{report.table(part, of_part)}"
    reached = goals.table(found)
    text = "\n\n".join(f"## {part}\n\n{table}" for part, table in tables.items()) + (f"\n\n## Goals\n\n{reached}" if reached else "") + f"\n\n{minutes:.0f} minutes in all."
    (o.out / "bench.md").write_text(text + "\n")
    print(json.dumps(document, default=str) if o.json else text)
    if o.update_docs:
        for part, table in tables.items():
            report.update_docs(report.SECTIONS.get(part, f"bench-{part}"), table)
        if reached and not (o.models or o.methods or o.dtypes or o.only):
            report.update_docs("bench-goals", f"{report.machine(o.threads)}.\n\n{reached}")
    wrong = [f"{f.work.key}: {a.text}" for f in found for a in f.agreements if not a.good]
    failed = [f"{f.work.key}: Headway {text}" for f in found for key, text in f.failed.items() if key.startswith("headway")]
    if wrong or failed:
        die("; ".join(wrong + failed) + ("" if not wrong else " Do not use these speeds."))


if __name__ == "__main__":
    main()
