"""What recording each window's own pattern costs `headway sft`, in paired runs.

    "$(scripts/python)" Benchmarks/window_patterns.py MODEL DATA.jsonl [--pairs 8] [--steps 4] [--headway .build/release/headway]

Each pair runs the same steps with and without --no-window-patterns, in an order that alternates; the ratio of a pair's step times is one observation. Prints the
mean cost and its 95% interval (Student's t over the pairs).
"""
import argparse, json, math, pathlib, statistics, subprocess, tempfile

from scipy.stats import t

root = pathlib.Path(__file__).resolve().parents[1]


def seconds_per_token(o, *options):
    with tempfile.TemporaryDirectory() as out:
        command = [o.headway, "sft", o.model, "--data", o.data, "--out", out, "--steps", o.steps, "--schedule", "constant", "--warmup-ratio", 0, "--no-shuffle", "--dtype", "bfloat16",
                   "--json", "--quiet", *options]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        return 1 / json.loads(done.stdout)["tokens_per_second"]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("model"); a.add_argument("data"); a.add_argument("--pairs", type=int, default=8); a.add_argument("--steps", type=int, default=4)
    a.add_argument("--headway", default=root / ".build/release/headway")
    o = a.parse_args()
    costs = []
    for pair in range(o.pairs):
        kinds = [(), ("--no-window-patterns",)]
        times = {kind: seconds_per_token(o, *kind) for kind in (kinds if pair % 2 == 0 else reversed(kinds))}
        costs.append(times[()] / times[("--no-window-patterns",)] - 1)
        print(f"pair {pair + 1}: {100 * costs[-1]:+.2f}%", flush=True)
    mean = statistics.mean(costs)
    half = t.ppf(0.975, len(costs) - 1) * statistics.stdev(costs) / math.sqrt(len(costs)) if len(costs) > 1 else float("nan")
    print(f"recording the windows' patterns costs {100 * mean:+.2f}% of a step (95% interval {100 * (mean - half):+.2f}% to {100 * (mean + half):+.2f}%, {len(costs)} pairs)")


if __name__ == "__main__":
    main()
