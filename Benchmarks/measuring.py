"""Runs one process at a time, or several side by side, and reads what it found: the machinery under bench.py and growth.py.

A `Work` is something that several `Method`s do; `repeat` runs each of them once, in turn, so that a disturbance meets everyone. A method that fails or takes
longer than it may says so in its row, and the others go on. Ratios are taken within a repetition; what is reported is their median, least and greatest.
"""
import argparse, json, mmap, os, pathlib, platform, shutil, signal, statistics, subprocess, sys, threading, time
from dataclasses import dataclass, field
from typing import Callable


def touch_memory(share=0.6, most=8 << 30):
    """Writes to so much of the free memory once. A virtual machine gets a page from its host when it is first written to, a hundred times as slowly as later: whoever grows first would pay for all."""
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return
    child = os.fork()  # whose peak is not inherited by what is measured
    if child:
        os.waitpid(child, 0)
        return
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE
        memory = mmap.mmap(-1, min(int(free * share), most), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for place in range(0, len(memory), mmap.PAGESIZE):
            memory[place] = 1
    finally:
        os._exit(0)  # whatever happened: it must not go on as a second benchmark


@dataclass(frozen=True)
class Job:
    """What one process is asked to do."""

    model: pathlib.Path | None
    data: pathlib.Path | None
    out: pathlib.Path
    threads: int
    options: argparse.Namespace


def tokens_per_second(summary, wall, job):
    return summary.get("tokens_per_second") or summary["tokens"] / summary["seconds"]


@dataclass(frozen=True)
class Method:
    key: str
    title: str
    command: Callable[[Job], list] | None  # None: its figure is in what the method `within` printed
    samples: int | None = None  # at most so many of the prompts
    once: bool = False  # is not repeated
    pinned: int = 0  # so many processes of one thread side by side, each on a core of its own with its part of the samples; their rates are summed
    rate: Callable[[dict, float, Job], float] = tokens_per_second  # of the printed summary, the wall time and the job
    within: str | None = None
    ending: str = "npz"  # of the file that it writes


@dataclass(frozen=True)
class Work:
    key: str
    part: str
    title: tuple[str, ...]  # the first cells of its rows
    methods: list[Method]
    against: dict[str, str]  # method → the heading of the column with ratios to it
    model: Callable[[], pathlib.Path] | None = None
    data: Callable[[pathlib.Path], pathlib.Path] | None = None  # of the model's folder
    threads: int | None = None
    agreement: Callable | None = None  # (Found) → [Agreement], before any ratio is believed
    seconds: bool = False  # the figures are seconds, of which fewer are better
    unless: Callable[[], str | None] = field(default=lambda: None)  # why it cannot be done on this machine


@dataclass
class Agreement:
    """Whether a method's results agree with Headway's; ratios to the methods `covers` are refused where they do not."""

    covers: tuple[str, ...]
    good: bool
    text: str


class Failed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def read_summary(text):
    """What a process printed: one JSON document, or one in its last line that begins with a brace."""
    try:
        return json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.startswith("{")]
        if not lines:
            raise Failed("it printed no JSON")
        return json.loads(lines[-1])


def run_side_by_side(commands, cores, out, limit):
    """Runs commands at the same time, the i-th on the core cores[i] where there are cores; (summary, wall seconds, peak MiB) of each."""
    processes, files, late = [], [], threading.Event()

    def stop():
        for process, _ in processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    watch = threading.Timer(limit, lambda: (late.set(), stop()))
    watch.daemon = True
    try:
        for number, command in enumerate(commands):
            pair = [open(f"{out}.{number}.{name}", "w+") for name in ("stdout", "stderr")]
            files += pair
            pin = (lambda core=cores[number]: os.sched_setaffinity(0, {core})) if cores and hasattr(os, "sched_setaffinity") else None
            started = time.perf_counter()
            try:
                process = subprocess.Popen([str(word) for word in command], stdout=pair[0], stderr=pair[1], preexec_fn=pin, start_new_session=True)
            except OSError as problem:
                raise Failed(str(problem))
            processes.append((process, started))
        watch.start()
        results = []
        for (process, started), command, (output, errors) in zip(processes, commands, zip(files[::2], files[1::2])):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - started
            output.seek(0); errors.seek(0)
            if late.is_set():
                raise Failed(f"not done within {limit:.0f} s")
            if process.returncode != 0:
                text = errors.read().strip()
                say(f"{' '.join(map(str, command))}\nended with status {process.returncode}:\n{text[-3000:]}")
                raise Failed(f"ended with status {process.returncode}: {text.splitlines()[-1][:160] if text else 'no message'}")
            unit = 1 if platform.system() == "Darwin" else 1024  # what ru_maxrss counts in
            text = output.read().strip()
            results.append((read_summary(text) if text.find("{") >= 0 else {"text": text}, wall, usage.ru_maxrss * unit / 2**20))
        return results
    finally:
        watch.cancel()
        if any(process.returncode is None for process, _ in processes):
            stop()
        for file in files:
            file.close()


def cores_of_this_machine():
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def shares(job, number):
    """A job each for so many processes, with every number-th line of the data."""
    lines, jobs = job.data.read_text().splitlines(keepends=True), []
    for i in range(number):
        part = job.out.with_name(f"{job.out.stem}-{i}.jsonl")
        part.write_text("".join(lines[i::number]))
        jobs.append(Job(job.model, part, job.out.with_name(f"{job.out.stem}-{i}{job.out.suffix}"), 1, job.options))
    return [j for j in jobs if j.data.stat().st_size]


def measure(method, job):
    """One run of a method: its rate, the summary that it printed, wall seconds, and the most memory that was resident (MiB; of several processes together)."""
    jobs = shares(job, method.pinned) if method.pinned else [job]
    for j in jobs:
        if j.out.is_dir():
            shutil.rmtree(j.out)
        else:
            j.out.unlink(missing_ok=True)
    try:
        found = run_side_by_side([method.command(j) for j in jobs], cores_of_this_machine() if method.pinned else [], job.out, job.options.limit)
        summaries, walls, memory = zip(*found)
        return {"rate": sum(method.rate(s, w, j) for s, w, j in zip(summaries, walls, jobs)), "summary": summaries[0], "wall_seconds": max(walls), "peak_rss_mib": sum(memory),
                "tokens": sum(s.get("tokens", 0) for s in summaries), "anonymous_mib": summaries[0].get("anonymous_rss_mib") if len(jobs) == 1 else None}
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise Failed(f"what it printed has no figure ({type(problem).__name__}: {problem})")
    finally:
        for j in jobs:
            if j.out.is_dir():  # a fine-tuned model, many times the size of everything else
                shutil.rmtree(j.out)


@dataclass
class Found:
    """What the methods of a work found."""

    work: Work
    job: Job
    folder: pathlib.Path
    runs: dict[str, list[dict]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    agreements: list[Agreement] = field(default_factory=list)
    skipped: str | None = None

    def rates(self, key):
        return [run["rate"] for run in self.runs.get(key, [])]

    def refused(self, key):
        return any(not a.good and key in a.covers for a in self.agreements)

    def ratios(self, key, other):
        """How many times as fast `key` is as `other`, in each repetition; empty where either has no figure or their results do not agree."""
        ours, theirs = self.rates(key), self.rates(other)
        if not ours or not theirs or self.refused(key) or self.refused(other):
            return []
        count = max(len(ours), len(theirs))
        pairs = [(ours[min(i, len(ours) - 1)], theirs[min(i, len(theirs) - 1)]) for i in range(count)]
        return [theirs / ours if self.work.seconds else ours / theirs for ours, theirs in pairs]

    def ratio(self, key, other):
        ratios = self.ratios(key, other)
        return statistics.median(ratios) if ratios else None

    def record(self):
        """For the JSON document."""
        methods = {}
        for method in self.work.methods:
            if method.key in self.failed:
                methods[method.key] = {"title": method.title, "failed": self.failed[method.key]}
            elif method.key in self.runs:
                runs = self.runs[method.key]
                methods[method.key] = {"title": method.title, "rates": [r["rate"] for r in runs], "tokens": runs[0]["tokens"], "peak_rss_mib": statistics.median(r["peak_rss_mib"] for r in runs),
                                       "anonymous_mib": runs[0]["anonymous_mib"], "ratios": {other: self.ratios(method.key, other) for other in self.work.against if other in self.runs}}
        return {"title": self.work.title, "skipped": self.skipped, "methods": methods, "agreements": [vars(a) for a in self.agreements]}


def begin(work, options):
    """A work's model and data, made where they are not there yet."""
    folder = options.out / work.key
    folder.mkdir(parents=True, exist_ok=True)
    found = Found(work, Job(None, None, folder, work.threads or options.threads, options), folder)
    try:
        found.skipped = work.unless()
        if not found.skipped:
            model = work.model() if work.model else None
            found.job = Job(model, work.data(model) if work.data else None, folder, work.threads or options.threads, options)
    except (subprocess.CalledProcessError, OSError, AssertionError) as problem:
        found.skipped = f"its model or data could not be made: {problem}"
    if found.skipped:
        say(f"{work.key}: skipped: {found.skipped}")
    return found


def repeat(found, repetition):
    """Each method of a work once more; after the first time, whether they agree."""
    work = found.work
    for method in work.methods:
        if found.skipped or method.key in found.failed or (method.once and repetition):
            continue
        started = time.perf_counter()
        try:
            run = further_figure(method, found) if method.within else measure(method, job_of(method, found.job))
        except Failed as problem:
            # A figure that was found before stands.
            if method.key not in found.runs:
                found.failed[method.key] = str(problem)
            say(f"{work.key:32} {repetition + 1} {method.key:16} {problem}")
            continue
        found.runs.setdefault(method.key, []).append(run)
        say(f"{work.key:32} {repetition + 1} {method.key:16} {figure(run['rate'], work.seconds):>8} {'s' if work.seconds else 'per s'}  {run['peak_rss_mib']:6.0f} MiB  ({time.perf_counter() - started:.0f} s)")
    if work.agreement and not repetition and not found.skipped:
        try:
            found.agreements = work.agreement(found)
        except (Failed, OSError, KeyError, ValueError) as problem:
            rivals = tuple(m.key for m in work.methods if not m.key.startswith(("headway", "pinned")) and "limit" not in m.key)
            found.agreements = [Agreement(rivals, False, f"whether they agree could not be seen: {problem}")]
        for agreement in found.agreements:
            say(f"{work.key:32} {'' if agreement.good else 'NOT GOOD: '}{agreement.text}")


def further_figure(method, found):
    if method.within not in found.runs:
        raise Failed(found.failed.get(method.within, "not measured"))
    run = found.runs[method.within][-1]
    try:
        return run | {"rate": method.rate(run["summary"], run["wall_seconds"], found.job)}
    except (KeyError, TypeError, ZeroDivisionError) as problem:
        raise Failed(f"what was printed has no figure ({problem})")


def job_of(method, job):
    """The work's job with this method's output and no more samples than it may have."""
    folder, data = job.out, job.data
    if method.samples and data:
        lines = data.read_text().splitlines(keepends=True)
        if method.samples < len(lines):
            data = folder / f"first-{method.samples}.jsonl"
            data.write_text("".join(lines[: method.samples]))
    return Job(job.model, data, folder / f"{method.key}.{method.ending}", job.threads, job.options)


def figure(value, seconds=False):
    if seconds:
        return f"{value:.3f}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def spread(values, seconds=False):
    """Median, and least and greatest where there are several."""
    text = figure(statistics.median(values), seconds)
    return f"{text} ({figure(min(values), seconds)}–{figure(max(values), seconds)})" if len(values) > 1 else text
