#!/usr/bin/env python3
"""Makes the tables of docs/Findings-plan.md: worlds, pretraining and studies, two at a time, each on one thread.

    scripts/experiment/run.py small-world                 ten seeds of the small world (make experiment)
    scripts/experiment/run.py real --shared ../shared     real data and weights (make experiment-real)
    ... --dry-run                                         what is left to do, and about how long that takes
    ... --development                                     the same on the development seeds, or one arm of them by --only

What is done is not done again: a killed run goes on where it was. Every study's page, tables and figures lie in OUT/STUDY/, and OUT/log/ has what the
programs said. Ends with status 1 where a study could not be made.
"""
import argparse, concurrent.futures, functools, json, pathlib, signal, subprocess, sys, threading, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import plans, prepare  # noqa: E402, E401

# Seconds that a step of a kind takes before it computes anything, and operations a second once it does, one thread each of two cores
# (docs/Findings-plan.md says how they were found).
FIXED, RATE = plans.FIXED, plans.RATE

children = set()
lock = threading.Lock()
stopping = threading.Event()


def call(command, log):
    """Runs a program to its end, what it says in a file."""
    if stopping.is_set():
        raise SystemExit(130)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        out.write(f"$ {' '.join(map(str, command))}\n")
        out.flush()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT)
    with lock:
        children.add(process)
    status = process.wait()
    with lock:
        children.discard(process)
    return status


def stop(*_):
    stopping.set()
    with lock:
        for process in children:
            process.terminate()


class Experiment:
    def __init__(self, asked):
        self.asked = asked
        self.out = pathlib.Path(asked.out)
        self.headway = pathlib.Path(asked.headway).resolve()
        self.plan = plans.small_world(asked.development) if asked.kind == "small-world" else plans.real(pathlib.Path(asked.shared), asked.development)
        self.studies = [s for s in self.plan["studies"] if not asked.only or s["name"] in asked.only]
        if asked.kind == "real":
            prepare.prepare(pathlib.Path(asked.shared), self.out)
        if asked.only and len(self.studies) < len(asked.only):
            sys.exit(f"there is no study {sorted(set(asked.only) - {s['name'] for s in self.studies})}; there are {[s['name'] for s in self.plan['studies']]}")

    # Worlds and bases.

    def world(self, seed):
        return self.out / "worlds" / str(seed)

    def worlds(self):
        """Writes the worlds that are missing; seconds each."""
        seeds = sorted({seed for study in self.studies for seed in study["seeds"]}) if self.plan.get("world") else []
        for seed in seeds:
            place = self.world(seed)
            if (place / "pretraining.jsonl").exists():
                continue
            command = [self.headway, "world", "--seed", seed, "--out", place, "--overwrite"]
            for key, value in self.plan["world"].items():
                command += [f"--{key}", value]
            if call(command, self.out / "log" / f"world-{seed}.txt") != 0:
                sys.exit(f"the world of seed {seed} could not be written; see {self.out}/log/world-{seed}.txt")

    def bases(self):
        """The pretrainings that studies need: (seed, base)."""
        if not self.plan.get("world"):
            return []
        return sorted({(seed, base) for study in self.studies for seed in study["seeds"] for base in study["bases"]})

    def is_pretrained(self, seed, base):
        return (self.world(seed) / base / "model.safetensors").exists()

    def pretrain(self, seed, base):
        if self.is_pretrained(seed, base):
            return 0
        place = self.world(seed)
        texts = self.plan["bases"][base]
        command = [
            self.headway, "sft", place / "untrained", "--data", place / "pretraining.jsonl", "--format", "text", "--limit", texts, "--out", place / base,
            "--dtype", "float32", "--threads", 1, "--quiet", *self.plan["pretraining"],
        ]
        if (place / base / "headway").exists():
            command.append("--resume")
        return call(command, self.out / "log" / f"{base}-{seed}.txt")

    # Studies.

    def arguments(self, study, is_plan=False):
        """The program's arguments; for a plan the untrained model stands for bases that are not there yet."""
        command = [self.headway, "study", "run", self.file(study), "--out", self.out / study["name"]]
        settings = {"seeds": json.dumps(study["seeds"]), "make": json.dumps(study["make"]), **study.get("set", {})}
        if self.plan.get("world"):
            models = []
            for base in study["bases"]:
                is_there = all(self.is_pretrained(seed, base) for seed in study["seeds"])
                folder = base if is_there or not is_plan else "untrained"
                models.append({"name": base, "path": f"{self.out.resolve()}/worlds/{{seed}}/{folder}"})
            settings["models"] = json.dumps(models)
        for key, value in settings.items():
            command += ["--set", f"{key}={value.replace('SHARED', str(pathlib.Path(self.asked.shared).resolve()))}"]
        return command

    def file(self, study):
        """The study's file with the places of data and worlds filled in, beside the results."""
        text = (HERE / study["file"]).read_text()
        places = {"WORLD": f"{self.out.resolve()}/worlds/{{seed}}", "DATA": f"{self.out.resolve()}/data", "SHARED": str(pathlib.Path(self.asked.shared).resolve())}
        for mark, value in {**places, **self.plan.get("marks", {})}.items():
            text = text.replace(mark, value)
        place = self.out / "files" / study["file"]
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
        return place

    def left(self, study):
        """Seconds that are left of a study, and its steps, all and left."""
        found = subprocess.run([str(part) for part in self.arguments(study, True)] + ["--dry-run", "--json"], capture_output=True, text=True)
        if found.returncode != 0:
            sys.exit(f"{study['name']}: {found.stderr.strip()}")
        steps = json.loads(found.stdout)["steps"]
        rest = [step for step in steps if not step["done"]]
        return sum(self.seconds(step["kind"], step["cost"]["operations"]) for step in rest), len(steps), len(rest)

    @staticmethod
    def seconds(kind, operations):
        return FIXED.get(kind, FIXED["other"]) + operations / RATE.get(kind, RATE["other"])

    def dry_run(self):
        total = 0.0
        self.worlds()
        for seed, base in self.bases():
            if not self.is_pretrained(seed, base):
                total += self.plan["bases"][base] * plans.SECONDS_A_TEXT
        if self.bases():
            print(f"pretraining: {total / 60:.0f} minutes of one core")
        for study in self.studies:
            seconds, steps, rest = self.left(study)
            total += seconds
            seeds = len(study["seeds"])
            print(f"{study['name']}: {', '.join(study['make'])}, {seeds} seed{'s' * (seeds > 1)}, {rest} of {steps} steps left, {seconds / 60:.0f} minutes of one core")
        print(f"about {total / 60 / self.asked.jobs:.0f} minutes on {self.asked.jobs} cores")

    def study(self, study):
        return call(self.arguments(study), self.out / "log" / f"{study['name']}.txt")

    def run(self):
        """Studies in the plan's order, each once its bases are pretrained; whatever can begin takes a core that is free."""
        started = time.time()
        self.worlds()
        waiting = {}  # what is to be done: its name, what must be done before, and how
        for study in self.studies:
            needs = [(seed, base) for seed in study["seeds"] for base in study.get("bases", [])]
            for pair in needs:
                waiting.setdefault(f"{pair[1]} of seed {pair[0]}", ([], functools.partial(self.pretrain, *pair)))
            waiting[study["name"]] = ([f"{base} of seed {seed}" for seed, base in needs], functools.partial(self.study, study))
        running, done, failed = {}, set(), []
        with concurrent.futures.ThreadPoolExecutor(self.asked.jobs) as pool:
            while waiting or running:
                for name, (needs, job) in list(waiting.items()):
                    if any(need in failed for need in needs):
                        failed.append(name)
                        del waiting[name]
                    elif len(running) < self.asked.jobs and done.issuperset(needs):
                        running[pool.submit(job)] = name
                        del waiting[name]
                for job in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                    name, status = running.pop(job), job.result()
                    self.say(started, f"{name}: {'done' if status == 0 else f'status {status}'}")
                    done.add(name) if status == 0 else failed.append(name)
        if failed:
            sys.exit(f"not made: {', '.join(failed)}; see {self.out}/log, then run this again: what is done is not done again")

    @staticmethod
    def say(started, text):
        print(f"[{(time.time() - started) / 60:5.1f} min] {text}", flush=True)

    def measure(self):
        """What steps of each kind took, by least squares of seconds on operations: what FIXED and RATE are made from."""
        found = {}
        for study in self.studies:
            steps = {step["name"]: step for step in self.plan_steps(study)}
            for record in (self.out / study["name"] / "steps").rglob("step.json"):
                name = record.parent.relative_to(self.out / study["name"] / "steps").as_posix()
                seconds = json.loads(record.read_text()).get("seconds")
                if name in steps and seconds is not None:
                    found.setdefault(steps[name]["kind"], []).append((steps[name]["cost"]["operations"], seconds))
        for kind, pairs in sorted(found.items()):
            n, sx, sy = len(pairs), sum(x for x, _ in pairs), sum(y for _, y in pairs)
            sxx, sxy = sum(x * x for x, _ in pairs), sum(x * y for x, y in pairs)
            slope = (n * sxy - sx * sy) / (n * sxx - sx * sx) if n * sxx > sx * sx else 0
            if slope <= 0:
                print(f"{kind}: {n} steps, {sy / n:.3f} s each, {sy:.0f} s in all")
            else:
                print(f"{kind}: {n} steps, fixed {max(0, (sy - slope * sx) / n):.3f} s, rate {1 / slope:.3g}, {sy:.0f} s in all")

    def plan_steps(self, study):
        found = subprocess.run([str(part) for part in self.arguments(study, True)] + ["--dry-run", "--json"], capture_output=True, text=True, check=True)
        return json.loads(found.stdout)["steps"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=["small-world", "real"])
    arguments.add_argument("--headway", default=str(ROOT / ".build/release/headway"))
    arguments.add_argument("--shared", default=str(ROOT.parent / "shared"), help="the folder with data/ and models/ of the real study")
    arguments.add_argument("--out")
    arguments.add_argument("--only", nargs="+", help="studies by name; all of them where left out")
    arguments.add_argument("--jobs", type=int, default=2, help="programs at a time, each on one thread")
    arguments.add_argument("--development", action="store_true", help="development seeds in the place of the reported ones")
    arguments.add_argument("--dry-run", action="store_true")
    arguments.add_argument("--measure", action="store_true", help="what the steps of a finished run took, by kind")
    asked = arguments.parse_args()
    asked.out = asked.out or f"experiment-{asked.kind}{'-development' * asked.development}"
    pathlib.Path(asked.out).mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    experiment = Experiment(asked)
    experiment.dry_run() if asked.dry_run else experiment.measure() if asked.measure else experiment.run()


if __name__ == "__main__":
    main()
