"""Kills runs at random moments and goes on with them."""
import time

from bench import tokens
from processes import PATIENCE, Fault, half_written


def kill_part(bench, kind, count, draw, report):
    """Gives a kind its kills. A run that ends before all are given is compared, and another begins."""
    reference, missed = bench.undisturbed(kind), 0
    while report.kills < count and len(report.faults) < 10:
        try:
            bench.fresh(kind)
            report.runs += 1
            resume = left = False
            while True:
                attempt = bench.start(kind, resume)
                if report.kills < count:
                    in_a_write = report.kills % 2 == 1 and missed < 2
                    partial = killed(attempt, bench.place, reference, in_a_write, draw)
                    missed = missed + 1 if in_a_write and partial is None else 0
                else:
                    partial = None
                if partial is None:
                    output = attempt.finish(bench.patience(kind))
                    if resume and left and reference.tokens and (done := tokens(output)) is not None:
                        report.found = max(report.found or 0, 1 - done / reference.tokens)
                    break
                report.kills += 1
                report.half_written += partial != ""
                bench.progress(f"{kind.name}: {report.kills} of {count} kills")
                if others_finished(attempt, kind, report):
                    break
                resume, left = True, any(bench.place.rglob("*.journal"))
                report.resumes += 1
            bench.compare(kind, f"run {report.runs}, killed and gone on with", attempt)
        except Fault as fault:
            bench.keep(report, fault)


def killed(attempt, place, reference, in_a_write, draw):
    """Kills an attempt at a drawn moment.

    With `in_a_write` the kill waits, from that moment on, for a file that is half written; a moment later it is part way.

    Returns: None where it had ended before; else the name of what is half written, which may be none.
    """
    moment = draw.uniform(0, (0.7 if in_a_write else 1) * reference.met_seconds)
    delay, victim = draw.uniform(0, 0.003), draw.randrange(len(attempt.processes))
    while attempt.processes[victim].poll() is None:
        if attempt.have_met and time.perf_counter() - attempt.met_at >= moment:
            if not in_a_write:
                break
            if half_written(place):
                time.sleep(delay)
                break
        attempt.pause()
    if not attempt.kill(victim):
        return None
    return half_written(place) or ""


def others_finished(attempt, kind, report):
    """Looks at how the other ranks end; whether rank 0 could do without the one that was killed, which then was done."""
    if kind.ranks == 1:
        attempt.ends(10)
        return False
    began = time.perf_counter()
    ends = attempt.ends(PATIENCE)
    report.noticed = max(report.noticed, time.perf_counter() - began)
    for rank, end in enumerate(ends):
        if rank == attempt.victim:
            continue
        if end.status == 0:
            # A rank that had done its part ends as it would have.
            if rank == 0:
                return True
        elif end.status != 1 or "error: " not in end.sentence or len(end.sentence.splitlines()) != 1:
            raise Fault(f"rank {attempt.victim} was killed, and rank {rank} {end}", attempt)
    return False
