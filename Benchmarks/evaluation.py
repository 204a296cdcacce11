"""Choices by Headway beside lm-evaluation-harness: `Benchmarks/run --evaluate`, with the options of bench.py.

For each model: made-up questions of MMLU's form (5 shots of the subject) and of HellaSwag's, as long as the real ones (questions.py), both in float32.
scripts/checks/lm_eval_agrees.py asks them; a log-likelihood that differs by more than 1e-4 of its size ends the benchmark.
"""
import json, statistics, subprocess, sys

BENCHMARKS = {"mmlu": "MMLU, 5 shots", "hellaswag": "HellaSwag"}
SUBJECTS = 2


def bench(shape, model, data, options, script, die, say):
    found = {name: [] for name in BENCHMARKS}
    for _ in range(options.repetitions):
        for name in BENCHMARKS:
            limit = options.questions // SUBJECTS if name == "mmlu" else options.questions
            command = [sys.executable, script, model, "--data", data, "--only", name, "--limit", limit, "--headway", options.headway, "--threads", options.threads, "--json"]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if done.returncode != 0:
                die(f"{' '.join(map(str, command))}\nended with status {done.returncode}:\n{done.stdout}{done.stderr[-3000:]}")
            result = json.loads(done.stdout.strip().splitlines()[-1])
            found[name].append(result)
            say(f"{shape:14} {name:10} headway {result['questions'] / result['headway_seconds']:6.2f}  lm_eval {result['questions'] / result['lm_eval_seconds']:6.2f} questions/s")
    return found


def table(shapes):
    rows = ["| model | questions | lm-evaluation-harness, questions/s | Headway, questions/s (least–greatest) | × the harness | greatest relative difference of a log-likelihood |", "|---|---|--:|--:|--:|--:|"]
    for shape, found in shapes.items():
        for name, results in found.items():
            count = results[0]["questions"]
            theirs, ours = (sorted(count / r[f"{who}_seconds"] for r in results) for who in ("lm_eval", "headway"))
            worst = max(r["relative_difference"] for r in results)
            rows.append(f"| {shape} | {count} of {BENCHMARKS[name]} | {statistics.median(theirs):.2f} | {statistics.median(ours):.2f} ({ours[0]:.2f}–{ours[-1]:.2f}) | {statistics.median(ours) / statistics.median(theirs):.1f} | {worst:.1e} |")
    return "\n".join(rows)
