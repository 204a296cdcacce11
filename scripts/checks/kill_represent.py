#!/usr/bin/env python3
"""Kills headway represent at random moments, goes on with --resume, and holds the file against an undisturbed run's, byte for byte.

    scripts/checks/kill_represent.py --model MODEL --data FILE [--headway .build/release/headway] [--samples 300] [--kills 4] [--seed 0]

For every representation, gradients with the adapters of a short warm-up among them. A kill falls between the first record of the journal and the run's end;
what it loses is told: the tokens that had been measured and not recorded yet. Needs only Python's own library; minutes for a model of some millions of weights.
Ends with status 1 and a sentence where a file differs.
"""
import argparse, json, pathlib, random, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def journal(out):
    return out.with_name(out.name + ".journal")


def finish(command):
    """Runs a command to its end; its result and the seconds that it took."""
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"status {done.returncode}: {' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout), time.perf_counter() - began


def killed(command, out, moment):
    """Starts a command and kills it a moment after it began to record; False where it ended before."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = None
    while process.poll() is None:
        if began is None and journal(out).exists():
            began = time.perf_counter()
        if began is not None and time.perf_counter() - began >= moment:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.001)
    if process.returncode != 0:
        sys.exit(f"status {process.returncode} without a kill: {' '.join(map(str, command))}")
    return False


def check(asked, work, kind, model, draw):
    def command(out):
        more = ["--dimension", asked.dimension] if kind == "gradient" else []
        return [asked.headway, "represent", model, "--data", asked.data, "--limit", asked.samples, "--representation", kind, "--dtype", "float32", "--json", "--out", out, *more]

    whole, out = work / f"{kind}.safetensors", work / f"{kind}-killed.safetensors"
    result, seconds = finish(command(whole))
    kills, sizes = 0, []
    while kills < asked.kills:
        again = ["--resume"] if kills else []
        if not killed(command(out) + again, out, draw.uniform(0, 0.8 * seconds / max(1, asked.kills))):
            break
        kills += 1
        sizes.append(journal(out).stat().st_size)
    if not out.exists():
        rest, _ = finish(command(out) + ["--resume"])
        saved = result["tokens"] - rest["tokens"]
    else:
        saved = 0
    if journal(out).exists():
        sys.exit(f"{journal(out)} is left over")
    if out.read_bytes() != whole.read_bytes():
        sys.exit(f"{kind}: {out} differs from the undisturbed {whole}")
    print(f"{kind}: {result['samples']} samples, {result['tokens']} tokens in {seconds:.1f} s; {kills} kills, journals of {', '.join(map(str, sizes))} bytes; the last part found {saved} tokens done; the same bytes", flush=True)
    return kills


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--headway", default=ROOT / ".build/release/headway")
    arguments.add_argument("--samples", type=int, default=300)
    arguments.add_argument("--dimension", type=int, default=8192, help="numbers of a projected gradient")
    arguments.add_argument("--kills", type=int, default=4)
    arguments.add_argument("--seed", type=int, default=0, help="what the moments are drawn from")
    asked = arguments.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="headway-represent-") as folder:
        work = pathlib.Path(folder)
        warm = work / "warm"
        finish([asked.headway, "sft", asked.model, "--data", asked.data, "--limit", 32, "--steps", 4, "--batch-size", 4, "--accumulate", 1, "--lr", "1e-4", "--lora-rank", 8, "--lora-targets", "all-linear",
                "--save-every", 2, "--keep", 2, "--dtype", "float32", "--json", "--quiet", "--out", warm])
        given = sum(check(asked, work, kind, warm if kind == "gradient" else asked.model, draw) for kind in ("gradient", "embedding", "loss"))
    if given == 0:
        sys.exit("no run was killed; give it more samples")


if __name__ == "__main__":
    main()
