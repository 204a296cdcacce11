#!/usr/bin/env python3
"""Kills runs at random moments and lets their disks fill up, and holds what they end with against undisturbed runs.

    scripts/chaos/run.py                                  100 kills and the full disks of every kind (make chaos; a quarter of an hour)
    scripts/chaos/run.py --only 'pattern,sft-*' --seed 7  some kinds, other moments
    scripts/chaos/run.py --list                           the kinds

undisturbed   every kind of run on Examples/, twice, to show that the comparison means something; one that several ranks do against one process
killed        the same, SIGKILLed at random moments and gone on with until it ends; every second kill waits for a file or folder that is half
              written. Where a run ends before its kind's kills have been given, it is compared, and another begins. Of two ranks one is killed, by
              chance, once they have met: the other must end by itself within a minute, with status 1 and a sentence, and both are started again
full disk     the same on a file system (tmpfs, needs root) too small for it, in several sizes up to the most that the run needs: it must end with
              status 1 and one sentence that names the place and the lack of room, leave nothing half-written, and end as the undisturbed run once the
              file system has grown, by --resume or, where there is none, by --overwrite

Compared is every file, byte for byte; in JSON and in run records all but what tells time, memory or the process's libraries. Event files of TensorBoard are not compared. Nothing
hidden or half-written may be left over. Ends with status 1 where anything differed; the folder is then kept, with a copy of what each fault left.
Needs Linux and Python's own library.
"""
import argparse, fnmatch, pathlib, random, shutil, signal, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import disks, kills, processes  # noqa: E402, E401
from bench import Bench, Report  # noqa: E402
from kinds import KINDS, ROOT  # noqa: E402


def chosen(only):
    patterns = [part.strip() for part in only.split(",") if part.strip()]
    for part in patterns:
        if not fnmatch.filter([kind.name for kind in KINDS], part):
            sys.exit(f"chaos: there is no kind '{part}'; there are {', '.join(kind.name for kind in KINDS)}")
    return [kind for kind in KINDS if not patterns or any(fnmatch.fnmatch(kind.name, part) for part in patterns)]


def shares(kinds, total):
    """How many kills each kind gets: in proportion, all of them given."""
    weights = {kind.name: kind.kills for kind in kinds}
    whole = sum(weights.values())
    if not whole:
        return {name: 0 for name in weights}
    exact = {name: total * weight / whole for name, weight in weights.items()}
    given = {name: int(value) for name, value in exact.items()}
    for name in sorted(exact, key=lambda name: given[name] - exact[name])[: total - sum(given.values())]:
        given[name] += 1
    return given


def shortened(text, most=120):
    return text if len(text) <= most else text[: most - 1] + "…"


def table(reports):
    rows = [["kind", "kills", "half written", "resumes", "runs", "work found done", "disks", "full", "result"]]
    for report in reports:
        found = "" if report.found is None else f"up to {report.found:.0%}"
        result = "identical" if not report.faults else f"{len(report.faults)} faults: {shortened(report.faults[0])}"
        rows.append([report.kind, report.kills, report.half_written, report.resumes, report.runs, found, report.disks, report.full, result])
    rows.append(["all", *(sum(row[column] for row in rows[1:]) for column in (1, 2, 3, 4)), "", *(sum(row[column] for row in rows[1:]) for column in (6, 7)), ""])
    widths = [max(len(str(row[column])) for row in rows) for column in range(8)]
    for row in rows:
        yield "  ".join(str(value).ljust(width) if column in (0, 5) else str(value).rjust(width) for column, (value, width) in enumerate(zip(row, widths))) + f"  {row[8]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--headway", type=pathlib.Path, default=ROOT / ".build/release/headway")
    arguments.add_argument("--kills", type=int, default=100, help="in all, divided over the kinds")
    arguments.add_argument("--disks", type=int, default=6, help="sizes of file systems to try of each kind; 0 for none")
    arguments.add_argument("--only", default="", metavar="KIND,…", help="kinds, or forms of their names such as 'sft*'")
    arguments.add_argument("--seed", type=int, default=0, help="what the moments are drawn from")
    arguments.add_argument("--work", type=pathlib.Path, help="where the temporary folder is made")
    arguments.add_argument("--list", action="store_true", help="print the kinds and their shares of the kills")
    asked = arguments.parse_args()
    kinds = chosen(asked.only)
    given = shares(kinds, asked.kills)
    if asked.list:
        for kind in kinds:
            print(f"{kind.name:20} {given[kind.name]:3} kills{'' if kind.ranks == 1 else f', {kind.ranks} ranks'}")
        return
    if not asked.headway.exists():
        sys.exit(f"chaos: {asked.headway} is not there. Build it first (make build), or name another with --headway.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("chaos: terminated"))  # so that file systems are unmounted
    if asked.work:
        asked.work.mkdir(parents=True, exist_ok=True)
    # The real path, as the program tells it.
    work = pathlib.Path(tempfile.mkdtemp(prefix="headway-chaos-", dir=asked.work)).resolve()
    began, reports = time.perf_counter(), []
    try:
        bench = Bench(asked.headway.resolve(), work)
        if asked.disks and (reason := disks.refused(bench)):
            shutil.rmtree(work)
            sys.exit(f"chaos: NOT CHECKED: a file system cannot be made ({reason}); run as root, or with --disks 0")
        for kind in kinds:
            reports.append(report := Report(kind.name))
            started = time.perf_counter()
            try:
                reference = bench.undisturbed(kind)
                kills.kill_part(bench, kind, given[kind.name], random.Random(f"{asked.seed} {kind.name}"), report)
                if asked.disks:
                    disks.disk_part(bench, kind, asked.disks, report)
            except processes.Fault as fault:
                bench.keep(report, fault)
                continue
            bench.progress("")
            bench.say(f"{kind.name}: {reference.seconds:.1f} s undisturbed, {len(reference.contents)} files; {report.kills} kills, {report.full} full disks of {report.disks}; "
                      f"{f'another rank noticed within {report.noticed:.0f} s; ' if report.noticed else ''}"
                      f"{'identical' if not report.faults else f'{len(report.faults)} faults'} ({time.perf_counter() - started:.0f} s)")
    finally:
        processes.stop_all()
    said = sorted({sentence for report in reports for sentence in report.said})
    if said:
        print("\nWhere there was no room it said:")
    for sentence in said:
        print(f"  {sentence}")
    print()
    for line in table(reports):
        print(line)
    faults = sum(len(report.faults) for report in reports)
    print(f"\n{time.perf_counter() - began:.0f} s; {'all end as the undisturbed runs' if not faults else f'{faults} faults; kept: {work}'}")
    if faults:
        sys.exit(1)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
