#!/usr/bin/env python3
"""Holds a device against the processor: patterns, losses, fine-tuning, ablation and text by both, from the same folders.

    scripts/checks/device_agrees.py [--device cuda] [--headway PROGRAM] [--model FOLDER --data FILE] [--limit 48]

For machines that have a device; a test cannot have one. float32: the levels of every sample, layer and head within 1e-4 of the sample's greatest (a sum of
a few hundred products in another order, through all layers), losses within 1e-5, the same words. bfloat16: no further from the processor's float32 than
twice what the processor's own bfloat16 is, at the middle sample. Twice the same command on the device: the same bytes. Needs numpy and safetensors. Ends
with status 1 where anything is off.
"""
import argparse, json, pathlib, subprocess, sys, tempfile

import numpy as np
from safetensors.numpy import load_file

root = pathlib.Path(__file__).resolve().parents[2]
SCORES = ["magnitude", "signed", "token", "saliency"]
failures = []


def check(what, value, limit):
    ok = bool(value <= limit)
    print(f"{'ok ' if ok else 'OFF'} {what}: {value:.2e} (limit {limit:.1e})", flush=True)
    if not ok:
        failures.append(what)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--device", default="cuda"); a.add_argument("--headway", default=root / ".build/release/headway")
    a.add_argument("--model", default=root / "Examples/model"); a.add_argument("--data", default=root / "Examples/problems.jsonl")
    a.add_argument("--limit", type=int, default=48)
    o = a.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        common = ["--data", o.data, "--limit", o.limit, "--overwrite", "--json"]

        def run(*words, device):
            command = [str(w) for w in (o.headway, *words, "--device", device)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)}\n{done.stderr}")
            return done.stdout

        def pattern(name, device, dtype, *more):
            run("pattern", o.model, *common, "--out", out / f"{name}.safetensors", "--dtype", dtype, "--score", ",".join(SCORES), "--per-sample", *more, device=device)
            return load_file(out / f"{name}.safetensors")

        def distance(found, expected, score):
            """Of each sample the greatest difference of a head's level, as a share of its greatest level."""
            x, y = found[f"{score}.samples"], expected[f"{score}.samples"]
            return np.abs(x - y).max((1, 2)) / np.abs(y).max((1, 2))

        truth, narrow = pattern("cpu", "cpu", "float32"), pattern("cpu16", "cpu", "bfloat16")
        wide, again = pattern("gpu", o.device, "float32"), pattern("again", o.device, "float32")
        half, half_again = pattern("gpu16", o.device, "bfloat16"), pattern("again16", o.device, "bfloat16")
        low = pattern("low", o.device, "float32", "--memory", "low")
        alone = pattern("alone", o.device, "float32", "--batch-tokens", 1)
        for score in SCORES:
            check(f"{score}, float32", distance(wide, truth, score).max(), 1e-4)
            check(f"{score}, float32, activations computed again", distance(low, truth, score).max(), 1e-4)
            check(f"{score}, float32, every sample alone", distance(alone, truth, score).max(), 1e-4)
            check(f"{score}, bfloat16", np.median(distance(half, truth, score)), 2 * np.median(distance(narrow, truth, score)))
        check("losses, float32", np.abs(wide["loss"] / truth["loss"] - 1).max(), 1e-5)
        check("losses, bfloat16", np.median(np.abs(half["loss"] / truth["loss"] - 1)), 2 * np.median(np.abs(narrow["loss"] / truth["loss"] - 1)))
        for name, first, second in (("float32", wide, again), ("bfloat16", half, half_again)):
            check(f"twice the same, {name}: differing arrays", sum(first[k].tobytes() != second[k].tobytes() for k in first), 0)

        def ablate(device):
            return json.loads(run("ablate", o.model, "--data", o.data, "--limit", 8, "--dtype", "float32", "--all", "--json", device=device))

        def numbers(value, path=""):
            if isinstance(value, dict):
                return {k: v for name, member in value.items() for k, v in numbers(member, f"{path}.{name}").items() if "seconds" not in k and "rss" not in k}
            if isinstance(value, list):
                return {k: v for i, member in enumerate(value) for k, v in numbers(member, f"{path}.{i}").items()}
            return {path: value} if isinstance(value, float) else {}

        here, there = numbers(ablate("cpu")), numbers(ablate(o.device))
        loss_changes = [k for k in here if "change" in k and k in there]
        check("ablation, changes of the loss", max(abs(here[k] - there[k]) for k in loss_changes) if loss_changes else float("inf"), 1e-4)

        def curve(name, device, *more):
            shown = run("sft", o.model, *common, "--out", out / name, "--dtype", "float32", "--steps", 12, "--lr", "1e-3", *more, device=device)
            return np.array(json.loads(shown)["losses"])

        for name, more in (("whole", []), ("adapters", ["--lora-rank", 4]), ("activations computed again", ["--checkpoint-activations"])):
            here, there = curve(f"{name}-cpu", "cpu", *more), curve(f"{name}-gpu", o.device, *more)
            check(f"fine-tuning ({name}), loss curve", np.abs(there / here - 1).max(), 1e-4)

        prompt = ["generate", o.model, "--prompt", "Ben has 3 apples and", "--max-tokens", 24, "--dtype", "float32", "--json"]
        check("text that differs", json.loads(run(*prompt, device="cpu"))["tokens"] != json.loads(run(*prompt, device=o.device))["tokens"], 0)
        losses = [json.loads(run("evaluate", o.model, "--benchmark", "loss", "--data", o.data, "--limit", o.limit, "--dtype", "float32", "--json", device=d)) for d in ("cpu", o.device)]
        check("evaluation, loss", abs(losses[0]["value"] / losses[1]["value"] - 1), 1e-5)
    print("all agree" if not failures else f"{len(failures)} off: {', '.join(failures)}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
