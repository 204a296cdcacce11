#!/usr/bin/env python3
"""Runs the same commands with two builds of headway and compares what they write and print, byte for byte.

    scripts/checks/same_bytes.py OLD [NEW] [--keep FOLDER]

OLD and NEW are programs; NEW is .build/debug/headway where it is left out. Run by hand before and after moving code (about two minutes;
needs only Python's own library). Both work on Examples/ in folders of their own, with the same names, on one thread. Every file that either
leaves is compared, and every command's standard output and status. What tells time or memory is taken out of JSON first; safetensors and .npz files
are compared part by part; run records, which tell the system, and TensorBoard's event files, which tell the time, by their names alone.
Ends with status 1 where anything differs: a build that is meant to differ has a reason for every line.
"""
import argparse, io, json, pathlib, re, shutil, struct, subprocess, sys, tempfile, zipfile

root = pathlib.Path(__file__).resolve().parents[2]
MODEL, TUNED = root / "Examples/model", root / "Examples/model-tuned"
PROBLEMS, STORIES = root / "Examples/problems.jsonl", root / "Examples/stories.jsonl"
MEASURED = re.compile(r"seconds|tokens_?per_?second|rss", re.IGNORECASE)

FIXED = ["--threads", 1]
SOME = ["--data", PROBLEMS, "--limit", 12, "--dtype", "float32", *FIXED]
COMMANDS = {
    "data": ["data", PROBLEMS, "--tokenizer", MODEL, "--json"],
    "data-write": ["data", STORIES, "--sample", 20, "--data-seed", 3, "--write", "pairs.jsonl", "--json"],
    "tokenize": ["tokenize", MODEL, "--text", "Two pears and 3 apples: 5 fruits."],
    "pattern": ["pattern", MODEL, *SOME, "--per-sample", "--score", "magnitude,signed,token,saliency", "--out", "before.safetensors", "--json"],
    "pattern-tuned": ["pattern", TUNED, *SOME, "--per-sample", "--score", "magnitude,signed,token,saliency", "--out", "after.safetensors", "--json"],
    "pattern-npz": ["pattern", MODEL, "--data", STORIES, "--limit", 8, "--loss", "batch:4", "--out", "stories.npz", *FIXED, "--json"],
    "pattern-npy": ["pattern", MODEL, "--data", STORIES, "--limit", 8, "--memory", "low", "--out", "stories.npy", *FIXED, "--json"],
    "change": ["change", "before.safetensors", "after.safetensors", "--out", "change.safetensors", "--json"],
    "change-relative": ["change", "before.safetensors", "after.safetensors", "--relative", "--out", "relative.npz", "--json"],
    "stats": ["stats", "before.safetensors", "change.safetensors", "--bootstrap", 100, "--json"],
    "stats-text": ["stats", "base=before.safetensors", "stories.npy"],
    "correlate": ["correlate", "before.safetensors", "after.safetensors", "--bootstrap", 100, "--json"],
    "fit": ["fit", "--target", "change.safetensors", "--basic", "a=before.safetensors", "b=after.safetensors", "--mixed", "--subsets", 2,
            "--bootstrap", 100, "--permutations", 99, "--held-out", 20, "--out", "fit.json", "--json"],
    "fit-text": ["fit", "--target", "change.safetensors", "--basic", "before.safetensors", "--mixed", "--nonnegative", "--intercept"],
    "heatmap": ["heatmap", "base=before.safetensors", "after.safetensors", "--title", "levels", "--out", "levels.svg", "--json"],
    "ablate": ["ablate", MODEL, *SOME, "--limit", 6, "--strongest", 4, "--cumulative", "--random-orders", 2, "--bootstrap", 100, "--per-sample",
               "--out", "ablation.json", "--svg", "ablation.svg", "--json"],
    "ablate-text": ["ablate", MODEL, *SOME, "--limit", 4, "--layers", "all"],
    "sft": ["sft", MODEL, *SOME, "--out", "tuned", "--steps", 6, "--batch-size", 2, "--accumulate", 2, "--lr", "1e-3", "--save-every", 3, "--keep", 2,
            "--track", PROBLEMS, "--track-limit", 4, "--track-every", 3, "--eval-data", PROBLEMS, "--eval-limit", 4, "--eval-every", 3, "--json"],
    "sft-adapters": ["sft", MODEL, *SOME, "--out", "adapters", "--steps", 3, "--lora-rank", 2, "--lr", "1e-3", "--json"],
    "sft-dropout": ["sft", MODEL, *SOME, "--out", "dropout", "--steps", 3, "--lora-rank", 2, "--lora-dropout", 0.1, "--lr", "1e-3", "--json"],
    "merge": ["merge", "adapters", "--out", "merged", "--json"],
    "report": ["report", ".", "--json"],
    "refused": ["pattern", MODEL, "--data", PROBLEMS, "--out", "p.txt"],
}


def without_measurements(value):
    if isinstance(value, dict):
        return {k: without_measurements(v) for k, v in value.items() if not MEASURED.search(k)}
    return [without_measurements(v) for v in value] if isinstance(value, list) else value


def tensors(data):
    """A safetensors file: its metadata, and each tensor's type, shape and bytes."""
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    parts = {"metadata": header.pop("__metadata__", {})}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        parts[name] = {"type": tensor["dtype"], "shape": tensor["shape"], "bytes": data[start + begin : start + end]}
    return parts


def arrays(data):
    """An .npz file: its metadata, and each array's bytes with its header."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts.pop("metadata.npy", None)
    if text:
        parts["metadata"] = json.loads(text[10 + struct.unpack("<H", text[8:10])[0] :].decode("utf-32-le"))
    return parts


def comparable(data, name=""):
    """Files of tensors by their parts, JSON without what tells time or memory, everything else as it is."""
    if name.endswith(".safetensors"):
        return tensors(data)
    if name.endswith(".npz"):
        return arrays(data)
    try:
        lines = data.decode().splitlines()
        try:
            values = [json.loads(data)]
        except json.JSONDecodeError:
            values = [json.loads(line) for line in lines if line]
        return [without_measurements(v) for v in values] or data
    except (UnicodeDecodeError, json.JSONDecodeError):
        return data


def work(program, folder):
    """{what: contents} of everything that the commands print and leave."""
    folder.mkdir()
    found = {}
    for name, arguments in COMMANDS.items():
        done = subprocess.run([str(program), *map(str, arguments)], cwd=folder, capture_output=True)
        found[f"{name}: status"] = done.returncode
        found[f"{name}: standard output"] = comparable(done.stdout)
        if done.returncode not in (0, 64):
            print(f"same_bytes: {program} {name} ended with {done.returncode}: {done.stderr.decode().strip()}")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock")):
        name = str(path.relative_to(folder))
        if "tfevents" in path.name:
            found[str(path.parent.relative_to(folder)) + "/…tfevents…"] = b""
        elif path.name.endswith("run.yaml"):
            found[name] = b""
        else:
            found[name] = comparable(path.read_bytes(), name)
    return found


def first_difference(one, other):
    """Where two values differ, in words."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [f"{k} is gone" for k in sorted(set(one) - set(other))] + [f"{k} is new" for k in sorted(set(other) - set(one))]
        differing = [k for k in sorted(set(one) & set(other)) if one[k] != other[k]]
        return "; ".join(names + [f"{k}: {first_difference(one[k], other[k])}" for k in differing])
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{len(one)} entries, {len(other)} now"
        place = next(i for i, (a, b) in enumerate(zip(one, other)) if a != b)
        return f"[{place}] {first_difference(one[place], other[place])}"
    if isinstance(one, bytes) and isinstance(other, bytes):
        place = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        return f"{len(one)} bytes, {len(other)} now, from byte {place} on: {one[place:place + 40]!r}, now {other[place:place + 40]!r}"
    return f"{one!r}, now {other!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path, nargs="?", default=root / ".build/debug/headway")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder to leave both results in")
    o = parser.parse_args()
    place = o.keep or pathlib.Path(tempfile.mkdtemp(prefix="same-bytes-"))
    place.mkdir(exist_ok=True, parents=True)
    # One folder for both in turn, since paths stand in what is written.
    results = []
    for name, program in [("old", o.old), ("new", o.new)]:
        results.append(work(program.resolve(), place / "work"))
        (place / "work").rename(place / name)
    old, new = results
    differing = 0
    for what in sorted(set(old) | set(new)):
        if what not in new:
            text = "gone"
        elif what not in old:
            text = "new"
        elif old[what] != new[what]:
            text = first_difference(old[what], new[what])
        else:
            continue
        differing += 1
        print(f"{what}: {text}")
    print(f"same_bytes: {len(COMMANDS)} commands, {len(set(old) | set(new))} outputs, {differing} different")
    if not o.keep:
        shutil.rmtree(place)
    sys.exit(1 if differing else 0)


main()
