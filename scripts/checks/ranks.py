#!/usr/bin/env python3
"""Holds runs of several ranks against runs of one, and ranks that die, hang or lose their network against undisturbed ones.

    scripts/checks/ranks.py [--headway .build/release/headway] [--only agree,launchers,lost,network,speed] [--model FOLDER] [--data FILE]

Run by hand after `make build`, on Linux, as root for `network`, on cores that nobody else uses for `speed`.

agree      patterns, representations, losses, choices and texts of 2 and 4 ranks: the bytes of one rank; fine-tuning in float32 and bfloat16: the losses of one
launchers  the same pattern by torchrun (of `scripts/python`), by mpirun where it is installed, and by variables as Slurm sets them
lost       rank 1 killed, rank 0 killed, rank 1 stopped (SIGSTOP), rank 1 with its computing thread held: the others end within 60 seconds with a sentence that
           names it, and all of them started again end as if nothing had been; under torchrun --max-restarts without a hand
network    2 and 4 ranks in network namespaces of their own, joined by virtual interfaces and a bridge: the bytes, and the losses, of one; and an interface
           taken down in the middle of a fine-tuning: both ranks end, and started again they end as an undisturbed run
speed      two ranks pinned to a core each beside two independent processes pinned likewise, in turn; and the bytes that a step of fine-tuning sends, by
           the interface's own counters, beside ZeRO-2's: for each weight 4 bytes of gradients and what its copy takes, times (ranks − 1) / ranks, from each rank
"""
import argparse, json, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
failures = []


def say(text):
    print(text, flush=True)


def check(holds, what):
    say(f"{'ok    ' if holds else 'FAILED'}  {what}")
    if not holds:
        failures.append(what)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Ranks:
    """One run of several processes. `place(rank)` is what a rank's command begins with: its core, its namespace."""

    def __init__(self, command, count, folder, place=lambda rank: [], host="127.0.0.1", port=None):
        port = port or free_port()
        self.files = [(open(folder / f"{rank}.out", "w+"), open(folder / f"{rank}.err", "w+")) for rank in range(count)]
        self.processes = [
            subprocess.Popen([str(word) for word in [*place(rank), *command]], cwd=folder, stdin=subprocess.DEVNULL, stdout=self.files[rank][0], stderr=self.files[rank][1],
                             env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": host, "MASTER_PORT": str(port)})
            for rank in range(count)]

    def wait(self, timeout=600):
        for process in self.processes:
            process.wait(timeout)
        return [process.returncode for process in self.processes]

    def said(self, rank, stream=1):
        file = self.files[rank][stream]
        file.seek(0)
        return file.read()


def alone(command, folder, place=()):
    found = subprocess.run([str(word) for word in [*place, *command]], cwd=folder, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"ranks: {' '.join(map(str, command))} ended with {found.returncode}: {found.stderr}")
    return found.stdout


def together(command, count, folder, **where):
    ranks = Ranks(command, count, folder, **where)
    statuses = ranks.wait()
    check(statuses == [0] * count, f"{count} ranks end well" if statuses == [0] * count else f"statuses {statuses}: {ranks.said(0)} {ranks.said(1)}")
    return ranks


def same(folder, *names, what=""):
    return all((folder / f"{what}one{name}").read_bytes() == (folder / f"{what}two{name}").read_bytes() for name in names)


def curves(folder):
    return [json.loads(line) for line in (folder / "headway/metrics.jsonl").read_text().splitlines()]


def same_curves(folder, other):
    """The greatest difference of a loss, relative to it or to a tenth of a nat where it is less (it is a difference of logits of about ten, which float32
    rounds to 1e-6: one rank with batches cut otherwise differs as much); infinity where other steps were done."""
    a, b = curves(folder), curves(other)
    if [(line["step"], line.get("tokens")) for line in a] != [(line["step"], line.get("tokens")) for line in b]:
        return float("inf")
    return max((abs(x[name] - y[name]) / max(abs(y[name]), 0.1) for x, y in zip(a, b) for name in ("loss", "eval_loss") if name in y), default=0)


def pattern(o, *more):
    return [o.headway, "pattern", o.model, "--data", o.data, "--limit", o.limit, "--per-sample", "--threads", 1, "--quiet", *more]


def training(o, ranks, steps=8, window=8, *more):
    return [o.headway, "sft", o.model, "--data", o.data, "--limit", 64, "--steps", steps, "--batch-size", 1, "--accumulate", window // ranks, "--lr", "3e-4", "--weight-decay", "0.01",
            "--track", o.data, "--track-limit", 8, "--track-every", 4, "--eval-data", o.data, "--eval-limit", 8, "--eval-every", 4, "--save-every", 2, "--threads", 1, "--quiet", *more]


def agree(o, work):
    questions = work / "arc.jsonl"
    with open(questions, "w") as file:
        for number in range(40):
            choices = [{"text": f"{number + place} stones", "label": label} for place, label in enumerate("ABCD")]
            file.write(json.dumps({"id": f"q{number}", "question": {"stem": f"How many stones are {number} and one?", "choices": choices}, "answerKey": "B"}) + "\n")
    problems = work / "gsm8k.jsonl"
    with open(problems, "w") as file:
        for number in range(150):
            file.write(json.dumps({"question": f"What is {number} + 1?", "answer": f"It is one more. #### {number + 1}"}) + "\n")
    works = [
        ("patterns", pattern(o, "--score", "magnitude,saliency,token"), "--out", [".safetensors", ".ids.jsonl"]),
        ("representations", [o.headway, "represent", o.model, "--data", o.data, "--limit", o.limit, "--representation", "embedding", "--threads", 1, "--quiet"], "--out", [".safetensors"]),
        ("losses", [o.headway, "evaluate", o.model, "--benchmark", "loss", "--data", o.data, "--limit", o.limit, "--threads", 1, "--quiet"], "--predictions", [".jsonl"]),
        ("choices", [o.headway, "evaluate", o.model, "--benchmark", "arc", "--data", questions, "--threads", 1, "--quiet"], "--predictions", [".jsonl"]),
        ("texts", [o.headway, "evaluate", o.model, "--benchmark", "gsm8k", "--data", problems, "--shot-count", 0, "--max-length", 96, "--threads", 1, "--quiet"], "--predictions", [".jsonl"]),
    ]
    for what, command, option, names in works:
        alone([*command, option, f"{what}one{names[0]}"], work)
        for count in (2, 4):
            together([*command, option, f"{what}two{names[0]}", "--overwrite"], count, work)
            check(same(work, *names, what=what), f"{what} of {count} ranks have the bytes of one")
    for dtype, tolerance in (("float32", 1e-6), ("bfloat16", 1e-3)):
        alone([*training(o, 1), "--dtype", dtype, "--out", f"sft-one-{dtype}"], work)
        for count in (2, 4):
            out = f"sft-{count}-{dtype}"
            together([*training(o, count), "--dtype", dtype, "--out", out], count, work)
            distance = same_curves(work / out, work / f"sft-one-{dtype}")
            check(distance <= tolerance, f"losses of {count} ranks in {dtype} are those of one to {distance:.1e}")


def launchers(o, work):
    alone([*pattern(o), "--out", "one.safetensors"], work)
    python = pathlib.Path(subprocess.run([root / "scripts/python"], capture_output=True, text=True, check=True).stdout.strip())
    starts = [("torchrun", [python.parent / "torchrun", "--no-python", "--nproc-per-node", 2, "--master-port", free_port()])]
    if shutil.which("mpirun"):
        starts.append(("mpirun", ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", 2]))
    for name, start in starts:
        alone([*start, *pattern(o), "--out", "two.safetensors", "--overwrite"], work)
        check(same(work, ".safetensors"), f"{name}: the bytes of one")
    processes = [subprocess.Popen([str(word) for word in [*pattern(o), "--out", "two.safetensors", "--overwrite"]], cwd=work, stdout=subprocess.DEVNULL,
                                  env={**os.environ, "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_STEP_NODELIST": "localhost,other",
                                       "SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0"}) for rank in range(2)]
    check([process.wait() for process in processes] == [0, 0] and same(work, ".safetensors"), "Slurm's variables: the bytes of one")


def lost(o, work):
    command = training(o, 2, 30)
    together([*command, "--out", "undisturbed"], 2, work)

    holders = []

    def disturb(name, act, ends, expected):
        """`act` on the ranks in the middle of a run; those in `ends` must end by themselves."""
        shutil.rmtree(work / "disturbed", ignore_errors=True)
        ranks = Ranks([*command, "--out", "disturbed"], 2, work)
        while not list((work / "disturbed/headway/checkpoints").glob("step-*[0-9]")) and ranks.processes[0].poll() is None:
            time.sleep(0.05)
        act(ranks)
        began = time.monotonic()
        for rank in ends:
            ranks.processes[rank].wait(90)
        seconds = time.monotonic() - began
        text = " ".join(ranks.said(rank) for rank in ends)
        check(seconds < 60 and expected in text and all(ranks.processes[rank].returncode == 1 for rank in ends), f"{name}: the others end after {seconds:.0f} s: {text.strip()[:200]}")
        for process in [*holders, *ranks.processes]:
            process.kill()
        ranks.wait()
        together([*command, "--out", "disturbed", "--resume"], 2, work)
        check(same_curves(work / "disturbed", work / "undisturbed") == 0 and (work / "disturbed/model.safetensors").read_bytes() == (work / "undisturbed/model.safetensors").read_bytes(),
              f"{name}: started again, the same model to the last bit")

    def send(rank, number):
        return lambda ranks: ranks.processes[rank].send_signal(number)

    disturb("rank 1 killed", send(1, signal.SIGKILL), [0], "rank 1 (")
    disturb("rank 0 killed", send(0, signal.SIGKILL), [1], "rank 0 (")
    def hang(ranks):
        # A debugger, which is a process of its own, holds the thread that computes; the one that tells that the rank lives goes on.
        hold = f"import ctypes, time; ctypes.CDLL(None).ptrace(16, {ranks.processes[1].pid}, None, None); time.sleep(120)"
        holders.append(subprocess.Popen([sys.executable, "-c", hold]))

    disturb("rank 1 hanging", hang, [0], "rank 1 (")
    disturb("rank 1 stopped", send(1, signal.SIGSTOP), [0], "rank 1 (")
    # Under a launcher that starts all anew.
    python = pathlib.Path(subprocess.run([root / "scripts/python"], capture_output=True, text=True, check=True).stdout.strip())
    start = [python.parent / "torchrun", "--no-python", "--nproc-per-node", 2, "--max-restarts", 3, "--master-port", free_port()]
    launcher = subprocess.Popen([str(word) for word in [*start, *command, "--out", "restarted"]], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((work / "restarted/headway/checkpoints").glob("step-*[0-9]")) and launcher.poll() is None:
        time.sleep(0.05)
    children = [int(number) for number in subprocess.run(["pgrep", "-P", str(launcher.pid)], capture_output=True, text=True).stdout.split()]
    os.kill(max(children), signal.SIGKILL)
    status = launcher.wait(600)
    check(status == 0 and same_curves(work / "restarted", work / "undisturbed") == 0, "torchrun --max-restarts: a rank killed, the run ends as if nothing had been")


class Namespaces:
    """A network namespace for each rank, joined by a bridge in one of its own."""

    def __init__(self, count):
        self.hub = f"headway{os.getpid()}h"
        self.names = [f"headway{os.getpid()}r{rank}" for rank in range(count)]

    def ip(self, name, *words):
        return subprocess.run(["ip", "-n", name, *map(str, words)], check=True, capture_output=True, text=True).stdout

    def __enter__(self):
        for name in [self.hub, *self.names]:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.ip(self.hub, "link", "add", "bridge", "type", "bridge")
        self.ip(self.hub, "link", "set", "bridge", "up")
        for rank, name in enumerate(self.names):
            self.ip(self.hub, "link", "add", f"port{rank}", "type", "veth", "peer", "name", "rank", "netns", name)
            self.ip(self.hub, "link", "set", f"port{rank}", "master", "bridge", "up")
            self.ip(name, "addr", "add", f"10.77.0.{rank + 1}/24", "dev", "rank")
            for link in ("rank", "lo"):
                self.ip(name, "link", "set", link, "up")
        return self

    def __exit__(self, *_):
        for name in [*self.names, self.hub]:
            subprocess.run(["ip", "netns", "del", name])

    @property
    def where(self):
        return {"place": lambda rank: ["ip", "netns", "exec", self.names[rank]], "host": "10.77.0.1"}

    def cut(self, rank, is_cut):
        self.ip(self.hub, "link", "set", f"port{rank}", "down" if is_cut else "up")

    def sent(self):
        """Bytes that left each namespace."""
        return [json.loads(self.ip(name, "-s", "-j", "link", "show", "rank"))[0]["stats64"]["tx"]["bytes"] for name in self.names]


def network(o, work):
    alone([*pattern(o), "--out", "one.safetensors"], work)
    alone([*training(o, 1), "--dtype", "float32", "--out", "sft-one"], work)
    for count in (2, 4):
        with Namespaces(count) as spaces:
            together([*pattern(o), "--out", "two.safetensors", "--overwrite"], count, work, **spaces.where)
            check(same(work, ".safetensors"), f"patterns of {count} ranks over a network: the bytes of one")
            together([*training(o, count), "--dtype", "float32", "--out", f"sft-{count}"], count, work, **spaces.where)
            distance = same_curves(work / f"sft-{count}", work / "sft-one")
            check(distance <= 1e-6, f"losses of {count} ranks over a network are those of one to {distance:.1e}")
    with Namespaces(2) as spaces:
        command = training(o, 2, 30)
        together([*command, "--out", "undisturbed"], 2, work, **spaces.where)
        ranks = Ranks([*command, "--out", "disturbed"], 2, work, **spaces.where)
        while len(list((work / "disturbed/headway/checkpoints").glob("step-*[0-9]"))) < 2 and ranks.processes[0].poll() is None:
            time.sleep(0.02)
        spaces.cut(1, True)
        began = time.monotonic()
        statuses = ranks.wait(120)
        seconds = time.monotonic() - began
        check(statuses == [1, 1] and seconds < 60 and "rank 1 (" in ranks.said(0) and "rank 0 (" in ranks.said(1),
              f"the network cut: both end after {seconds:.0f} s: {ranks.said(0).strip()[:160]} / {ranks.said(1).strip()[:160]}")
        spaces.cut(1, False)
        together([*command, "--out", "disturbed", "--resume"], 2, work, **spaces.where)
        check(same_curves(work / "disturbed", work / "undisturbed") == 0 and (work / "disturbed/model.safetensors").read_bytes() == (work / "undisturbed/model.safetensors").read_bytes(),
              "the network cut: started again, the same model to the last bit")


def rate(text):
    return json.loads(text)["tokens_per_second"]


def speed(o, work):
    def pinned(rank):
        return ["taskset", "-c", rank]

    def independent(command):
        """The tokens a second of two processes side by side that know nothing of each other."""
        processes = [subprocess.Popen([str(word) for word in [*pinned(rank), *command(rank)]], cwd=work, stdout=subprocess.PIPE, text=True) for rank in range(2)]
        return sum(rate(process.communicate()[0]) for process in processes)

    works = [
        ("patterns", 0.97, lambda rank: [*pattern(o), "--limit", o.speed_samples, "--json", "--overwrite", "--out", f"alone{rank}.safetensors"],
         [*pattern(o), "--limit", 2 * o.speed_samples, "--json", "--overwrite", "--out", "together.safetensors"]),
        ("fine-tuning", 0.85, lambda rank: [*steps(o), "--json", "--overwrite", "--out", f"alone{rank}"], [*steps(o), "--json", "--overwrite", "--out", "together"]),
    ]
    for what, goal, command, shared in works:
        ratios = []
        for _ in range(o.repetitions):
            apart = independent(command)
            ranks = together(shared, 2, work, place=pinned)
            ratios.append(rate(ranks.said(0, 0)) / apart)
        say(f"{what}: two ranks do {statistics.median(ratios):.3f} of two independent processes (goal {goal}; {min(ratios):.3f} to {max(ratios):.3f}); {apart:.0f} tokens/s")
    if os.geteuid() == 0:
        sizes = []
        with Namespaces(2) as spaces:
            for count in (2, 6):
                shutil.rmtree(work / "bytes", ignore_errors=True)
                before = spaces.sent()
                together([*steps(o), "--steps", count, "--out", "bytes"], 2, work, **spaces.where)
                sizes.append([after - begin for after, begin in zip(spaces.sent(), before)])
        weights = sum(file.stat().st_size for file in (work / "bytes/headway/checkpoints").glob("step-6/model.safetensors")) // 4
        wide = 4 if o.dtype == "float32" else 2
        counted = weights * (4 + wide) / 2
        for rank in range(2):
            step = (sizes[1][rank] - sizes[0][rank]) / 4
            say(f"rank {rank} sends {step / 1e6:.2f} MB a step, headers of packets included; ZeRO-2 counts {counted / 1e6:.2f} MB for {weights:,} weights: {step / counted:.3f}")


def steps(o):
    return [o.headway, "sft", o.model, "--data", o.data, "--limit", 512, "--steps", o.speed_steps, "--batch-size", 4, "--accumulate", 4, "--lr", "1e-5", "--dtype", o.dtype, "--no-window-patterns",
            "--threads", 1, "--quiet"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--headway", default=root / ".build/release/headway", type=pathlib.Path)
    parser.add_argument("--model", default=root / "Examples/model", type=pathlib.Path)
    parser.add_argument("--data", default=root / "Examples/problems.jsonl", type=pathlib.Path)
    parser.add_argument("--limit", default=300, type=int, help="samples of patterns")
    parser.add_argument("--dtype", default="float32", help="of the steps of `speed`")
    parser.add_argument("--speed-samples", default=1000, type=int)
    parser.add_argument("--speed-steps", default=8, type=int)
    parser.add_argument("--repetitions", default=3, type=int)
    parser.add_argument("--only", default="agree,launchers,lost,network,speed")
    o = parser.parse_args()
    o.headway, o.model, o.data = o.headway.resolve(), o.model.resolve(), o.data.resolve()
    parts = {"agree": agree, "launchers": launchers, "lost": lost, "network": network, "speed": speed}
    for name in o.only.split(","):
        if name not in parts:
            parser.error(f"--only takes {', '.join(parts)}, not {name}")
        say(f"== {name}")
        with tempfile.TemporaryDirectory() as folder:
            parts[name](o, pathlib.Path(folder))
    sys.exit(f"ranks: {len(failures)} checks failed" if failures else None)


if __name__ == "__main__":
    main()
