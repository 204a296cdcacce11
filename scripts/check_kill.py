#!/usr/bin/env python3
"""Kills fine-tuning runs at random moments and fills their disk, and holds what they end with against an undisturbed run, bit for bit.

    scripts/check_kill.py [--headway .build/release/headway] [--kills 20] [--disks 10] [--seed 0] [-- MORE OPTIONS OF headway sft]

Run by hand (a few minutes; needs only Python's own library). Four parts:

undisturbed   a run on Examples/ with saves, a tracked probe set and an evaluation set, shuffled, over several epochs; made twice, to show
              that the comparison means something
killed        the same run, SIGKILLed at random moments and resumed with --resume until it ends; every second kill waits for a checkpoint
              that is half written. Where a run ends before all kills have been given, another begins
full disk     the same run on a file system (tmpfs, needs root) too small for it, in several sizes: it must end with status 1 and one sentence
              that names the place and the lack of room, and after the file system has grown, --resume must end as the undisturbed run did
final model   the same with a checkpoint at the end alone and room for it, so that what fails is the writing of the trained model itself

Compared: every file of the output folder, checkpoints with masters and moments included; in JSON (metrics.jsonl, the state) and in the record
(run.yaml) all but what tells time, memory or the folder's own name, with the record's paths as absolute ones. Event files of TensorBoard are not compared: each resume begins one. Nothing half-written may be left over.
"""
import argparse, json, os, pathlib, random, re, shutil, signal, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[1]
TIMES = {"tokens_per_second", "seconds", "peak_rss_mib", "anonymous_rss_mib", "out"}


def say(text):
    print(text, flush=True)


def die(text):
    sys.exit(f"check_kill: {text}")


def command(o, out, resume=False, save_every=4):
    # Flags: every kind of state that a checkpoint holds is in use.
    return [str(p) for p in [o.headway, "sft", o.model, "--data", o.data, "--out", out, "--steps", o.steps, "--batch-size", 2, "--accumulate", 2, "--lr", "1e-3", "--weight-decay", 0.01,
                             "--save-every", save_every, "--keep", 2, "--track", o.data, "--track-limit", 6, "--track-every", 5, "--eval-data", o.data, "--eval-limit", 6, "--eval-every", 5, "--seed", 3,
                             "--threads", 1, "--quiet", *(["--resume"] if resume else []), *o.more]]


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES and not k.endswith("seconds") and not k.endswith("Seconds")}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def contents(folder):
    """What is compared of a folder: {path: bytes or parsed JSON}."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if "tfevents" in path.name:
            continue
        if path.suffix in (".json", ".jsonl"):
            lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
            found[name] = [without_times(json.loads(line)) for line in lines]
        elif path.name == "run.yaml":
            lines = [line for line in path.read_text().splitlines() if line.split(":")[0].strip() not in TIMES]
            found[name] = [re.sub(r"(\.\./)+\S*", lambda m: str((path.parent / m[0]).resolve()), line) for line in lines]
        else:
            found[name] = path.read_bytes()
    return found


def differences(one, other):
    result = [f"{n} is in one only" for n in sorted(set(one) ^ set(other))]
    for name in sorted(set(one) & set(other)):
        if one[name] != other[name]:
            where = ""
            if isinstance(one[name], list):
                first = next((i for i, (a, b) in enumerate(zip(one[name], other[name])) if a != b), min(len(one[name]), len(other[name])))
                where = f" from entry {first + 1} on"
            result.append(f"{name} differs{where}")
    return result


def compare(expected, folder, what):
    found = differences(expected, contents(folder))
    found += [f"{p.relative_to(folder)} is left over" for p in folder.rglob("*") if p.name.startswith(".") or p.name.endswith(".part")]
    if found:
        die(f"{what}: {'; '.join(found[:8])} (kept: {folder})")


def finished(o, out, resume=False, save_every=4):
    began = time.perf_counter()
    done = subprocess.run(command(o, out, resume, save_every), capture_output=True, text=True)
    if done.returncode != 0:
        die(f"status {done.returncode}: {' '.join(command(o, out, resume, save_every))}\n{done.stderr[-2000:]}")
    return time.perf_counter() - began


def half_written(out):
    checkpoints = out / "headway" / "checkpoints"
    try:
        return any(name.startswith(".") for name in os.listdir(checkpoints))
    except OSError:
        return False


def kill_part(o, work, expected, duration):
    draw, kills, runs, in_saves = random.Random(o.seed), 0, 0, 0
    while kills < o.kills:
        out, runs, resume = work / f"killed-{runs}", runs + 1, False
        while True:
            process = subprocess.Popen(command(o, out, resume), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            ended_by_us = False
            if kills < o.kills:
                deadline, in_save = time.perf_counter() + draw.uniform(0, 0.7 * duration), kills % 2 == 1
                # In a save: from the drawn moment on, wait for one; a moment later it is part way.
                while process.poll() is None and (time.perf_counter() < deadline or (in_save and not half_written(out))):
                    time.sleep(0.0003)
                if in_save:
                    time.sleep(draw.uniform(0, 0.003))
                if process.poll() is None:
                    in_saves += half_written(out)
                    process.send_signal(signal.SIGKILL)
                    ended_by_us = True
            _, errors = process.communicate()
            if process.returncode == 0:
                break
            if not ended_by_us or process.returncode != -signal.SIGKILL:
                die(f"status {process.returncode} without a kill: {' '.join(command(o, out, resume))}\n{errors[-2000:]}")
            kills, resume = kills + 1, True
            metrics = out / "headway" / "metrics.jsonl"
            steps = sorted(int(p.name[5:]) for p in (out / "headway" / "checkpoints").glob("step-*")) if (out / "headway" / "checkpoints").exists() else []
            say(f"  kill {kills}: {len(metrics.read_text().splitlines()) if metrics.exists() else 0} lines of metrics, checkpoints {steps}{', one half written' if half_written(out) else ''}")
        compare(expected, out, f"killed run {runs}")
        shutil.rmtree(out)
    say(f"killed: {kills} kills in {runs} runs, {in_saves} of them while a checkpoint was half written; all end as the undisturbed run")


def mounted(path, size, remount=False):
    options = f"{'remount,' if remount else ''}size={size}"
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "headway-check", path], capture_output=True, text=True)


def pages(paths):
    return sum(-(-p.stat().st_size // 4096) * 4096 for p in paths if p.is_file())


def on_a_disk(o, work, expected, used, size, save_every, said):
    """A run on a file system of `size` bytes that may fail for lack of room and is then resumed on a larger one; the checkpoints that it had then, None where it did not fail."""
    place = work / "disk"
    place.mkdir(exist_ok=True)
    made = mounted(place, size)
    if made.returncode != 0:
        sys.exit(f"check_kill: NOT CHECKED: full disks, since a file system could not be made ({made.stderr.strip()}); run as root, or with --disks 0")
    try:
        out = place / "run"
        done = subprocess.run(command(o, out, save_every=save_every), capture_output=True, text=True)
        before = None
        if done.returncode != 0:
            sentence = done.stderr.strip()
            said.add(re.sub(r"\d+", "N", sentence.replace(str(place), "…")))
            if done.returncode != 1 or len(sentence.splitlines()) != 1 or str(place) not in sentence or not ("space" in sentence or "room" in sentence):
                die(f"a disk of {size} bytes: status {done.returncode}, {sentence!r}")
            before = sorted(int(p.name[5:]) for p in (out / "headway" / "checkpoints").glob("step-*"))
            if (grown := mounted(place, 64 * used, remount=True)).returncode != 0:
                die(f"the file system does not grow: {grown.stderr}")
            finished(o, out, True, save_every)
        compare(expected, out, f"a disk of {size} bytes")
        return before
    finally:
        subprocess.run(["umount", place], check=True)


def disk_part(o, work, expected, reference):
    used, failed, said = pages(reference.rglob("*")), 0, set()
    for i in range(o.disks):
        size = max(65536, int(used * (0.02 + 1.1 * i / max(1, o.disks - 1))) // 4096 * 4096)
        before = on_a_disk(o, work, expected, used, size, 4, said)
        failed += before is not None
        say(f"  {size / used:5.2f} of what the run needs: {'enough' if before is None else f'it stopped with {len(before)} checkpoints, and ended after the disk had grown'}")
    say(f"full disk: {failed} of {o.disks} runs met one; all end as the undisturbed run")

    # Nothing but the trained model is in the folder itself.
    reference = work / "undisturbed-final"
    finished(o, reference, save_every=o.steps)
    model, failed = pages(reference.iterdir()), 0
    everything = pages(reference.rglob("*"))
    for share in (0.1, 0.5, 0.9):
        size = int(everything - (1 - share) * model) // 4096 * 4096
        before = on_a_disk(o, work, contents(reference), everything, size, o.steps, said)
        if before is None:
            say(f"  room for {share:.0%} of the trained model: enough")
            continue
        failed += before == [o.steps]
        say(f"  room for {share:.0%} of the trained model: it stopped with checkpoints {before}, and ended after the disk had grown")
    if not failed:
        die("no run failed while it wrote the trained model")
    for sentence in sorted(said):
        say(f"  it said: {sentence}")
    say(f"final model: {failed} runs failed while they wrote it, and all ended as the undisturbed run")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--headway", type=pathlib.Path, default=root / ".build" / "release" / "headway")
    a.add_argument("--model", type=pathlib.Path, default=root / "Examples" / "model")
    a.add_argument("--data", type=pathlib.Path, default=root / "Examples" / "problems.jsonl")
    a.add_argument("--steps", type=int, default=40)
    a.add_argument("--kills", type=int, default=20)
    a.add_argument("--disks", type=int, default=10, help="sizes of file systems to try")
    a.add_argument("--seed", type=int, default=0, help="what the moments are drawn from")
    a.add_argument("more", nargs="*", help="after --: more options for headway sft, such as --lora-rank 4")
    o = a.parse_args()
    if not o.headway.exists():
        die(f"{o.headway} is not there. Build it first (swift build -c release), or name another with --headway.")
    signal.signal(signal.SIGTERM, lambda *_: die("terminated"))  # so that the file system is unmounted
    # Its folder stays where a check fails.
    work = pathlib.Path(tempfile.mkdtemp(prefix="headway-kill-"))
    reference = work / "undisturbed"
    duration = finished(o, reference)
    expected = contents(reference)
    if not any(n.endswith("metrics.jsonl") for n in expected) or not any("checkpoints/" in n for n in expected):
        die(f"the undisturbed run left neither metrics nor checkpoints: {sorted(expected)}")
    again = work / "again"
    finished(o, again)
    compare(expected, again, "the undisturbed run made again")
    shutil.rmtree(again)
    say(f"undisturbed: {duration:.1f} s, {len(expected)} files compared, {len(expected['headway/metrics.jsonl'])} lines of metrics; made twice, the same")
    if o.kills:
        kill_part(o, work, expected, duration)
    if o.disks:
        disk_part(o, work, expected, reference)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
