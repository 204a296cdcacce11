"""Lets the disk of a run fill up (tmpfs; needs root), and goes on once it has room."""
import os, re, signal, subprocess, time

from processes import Fault, stop_all

ROOM = 1 << 28
PAGE = os.sysconf("SC_PAGE_SIZE")


class Disk:
    """A file system of a given size in the place of the bench's folder."""

    def __init__(self, bench, size):
        self.place, self.size = bench.place, size

    def mount(self, *options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={self.size}"]), "headway-chaos", self.place], capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr.strip())

    def __enter__(self):
        self.place.mkdir(exist_ok=True)
        self.mount()
        return self

    def __exit__(self, *_):
        stop_all()  # a file system in use stays
        subprocess.run(["umount", self.place], check=True)

    def grow(self):
        self.size = ROOM
        self.mount("remount")

    @property
    def used(self):
        status = os.statvfs(self.place)
        return (status.f_blocks - status.f_bfree) * status.f_frsize


def refused(bench):
    """Why no file system can be made; None where one can."""
    try:
        with Disk(bench, 1 << 20):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return str(error)


def disk_part(bench, kind, count, report):
    """Runs a kind on file systems of several sizes below what it needs at most."""
    bench.undisturbed(kind)
    with Disk(bench, ROOM) as disk:
        try:
            before, peak = needed(bench, kind, disk)
        except Fault as fault:
            return bench.keep(report, fault, "a disk with room enough: ")
    for size in sizes(before, peak, count):
        report.disks += 1
        bench.progress(f"{kind.name}: {report.disks} disks")
        with Disk(bench, size) as disk:
            try:
                report.full += on_a_disk(bench, kind, disk, report)
            except Fault as fault:
                bench.keep(report, fault, f"a disk of {size} bytes, {size / max(1, peak):.1%} of the most that it needs: ")


def needed(bench, kind, disk):
    """What is on the disk before a run, and the most that is there while it runs, in bytes."""
    bench.fresh(kind)
    before = peak = disk.used
    attempt = bench.start(kind)
    while not attempt.is_over:
        peak = max(peak, disk.used)
        time.sleep(0.0005)
    attempt.finish(bench.patience(kind))
    bench.compare(kind, "undisturbed", attempt)
    # What is written last may be there for less than a look.
    return before, max(peak, disk.used)


def sizes(before, peak, count):
    """Sizes between what is there before a run and the most that is there while it runs, in bytes.

    Half of them evenly, from next to nothing on; the others close to the most, where what is written last has no room.
    """
    pages, even = (peak - before) // PAGE, (count + 1) // 2
    wanted = [int(pages * (step + 0.3) / even) for step in range(even)] + [pages - 4**step for step in range(count - even)]
    return [before + PAGE * size for size in sorted({max(1, size) for size in wanted})]


def on_a_disk(bench, kind, disk, report):
    """A run that may fail for lack of room, and is then gone on with; whether it failed."""
    bench.fresh(kind)
    attempt = bench.start(kind)
    ends = attempt.ends(bench.patience(kind))
    if any(end.status != 0 for end in ends):
        sentence = ends[0].sentence
        if ends[0].status != 1 or len(sentence.splitlines()) != 1 or str(bench.place) not in sentence or not ("space" in sentence or "room" in sentence):
            raise Fault(str(ends[0]), attempt)
        # Rank 0 speaks for all of them: another ends with it, as one that is stopped, or had done its part.
        for rank, end in enumerate(ends[1:], 1):
            if end.status not in (0, 1, 128 + signal.SIGTERM):
                raise Fault(f"rank 0 had no room, and rank {rank} {end}", attempt)
        report.said.add(form(sentence.replace(str(bench.place), "…")))
        # What could not be written is not left half-written by a run that ends in order.
        if partial := [path.name for path in bench.place.rglob("*.part")]:
            raise Fault(f"{partial[0]} is left over where there was no room", attempt)
        disk.grow()
        bench.start(kind, resume=True).finish(bench.patience(kind))
        bench.compare(kind, "gone on with once there was room", attempt)
        return True
    bench.compare(kind, "on a disk with just enough room", attempt)
    return False


def form(sentence):
    """A sentence without the numbers of this run."""
    return re.sub(r"\d+", "N", sentence)
