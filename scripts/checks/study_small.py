#!/usr/bin/env python3
"""Runs a small study that makes every table and figure, kills it twice on the way, and looks at what it ends with.

    scripts/checks/study_small.py --model MODEL --data DATA [--headway .build/release/headway] [--out DIR] [--whole]

DATA is a folder with gsm8k, hellaswag, winogrande, sgsm and arc as they are published. Two seeds and small budgets: minutes on two cores for a
model of some millions of weights. --whole also runs the study undisturbed and compares the files that both end with, byte for byte.
Ends with status 1 and a sentence for everything that is missing, empty or different.
"""
import argparse, csv, json, os, pathlib, random, signal, subprocess, sys, time

STUDY = """
study: Every table and figure, small
models:
  - {{name: model, path: {model}}}
tasks:
  - {{name: gsm8k, role: [basic, pool], group: mathematics, train: {data}/gsm8k/train.jsonl, test: {data}/gsm8k/test.jsonl, format: gsm8k, limit: 400}}
  - {{name: hellaswag, role: [basic, pool], group: text, data: {data}/hellaswag/hellaswag.jsonl, format: hellaswag, limit: 400}}
  - {{name: winogrande, role: [basic, pool], group: text, train: {data}/winogrande/train_s.jsonl, test: {data}/winogrande/dev.jsonl, format: winogrande, limit: 400}}
  - {{name: sgsm, role: complex, group: mathematics, data: {data}/sgsm/sgsm_train.json, format: sgsm, limit: 400}}
  - {{name: arc, role: target, train: {data}/arc/ARC-Challenge-Dev.jsonl, test: {data}/arc/ARC-Challenge-Test.jsonl, format: arc, benchmark: arc}}
training: {{lr: 2e-4, epochs: 1, batch_size: 4, accumulate: 1, dtype: float32, max_length: 128, warmup_ratio: 0}}
seeds: [0, 1]
threads: {threads}
leaks: drop
budgets: {{train: 32, probe: 8, questions: 16, pool: 32}}
fit: {{bootstrap: 100, permutations: 100, held_out: 20}}
figure_5: {{every: 2}}
table_2:
  {{total: 24, keep: 2, folds: 2, samples: 16, random_draws: 2, wrong: [hellaswag, winogrande], arms: [target-alone, equal-compute, equal-shares, fitted-mixture,
    equal-shares-likest, fitted-mixture-likest, random-pair, all-candidates, wrong-pair]}}
table_3:
  samples: 16
  choose: [8, 16]
  random_draws: 2
  warm_up_lr: 2e-4
  dimension: 256
  methods:
    - {{representation: pattern, algorithm: mean}}
    - {{representation: pattern, algorithm: round-robin, standardise: true}}
    - {{representation: gradient}}
    - {{representation: embedding}}
    - {{representation: bm25}}
    - {{representation: length}}
"""


def done(out):
    return sum(1 for _ in (out / "steps").rglob("step.json"))


def run(headway, study, out, kill_at=None):
    """Runs the study; kills it once so many steps are done, somewhere inside the next one."""
    process = subprocess.Popen([headway, "study", "run", study, "--out", out, "--quiet"], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if kill_at is not None and done(out) >= kill_at:
            time.sleep(random.uniform(0, 1))
            process.send_signal(signal.SIGKILL)
            process.wait()
            return None
        time.sleep(0.5)
    return process.returncode


def problems(out):
    """What is missing or empty in a finished study."""
    result = json.loads((out / "study.json").read_text())
    tables = {table["name"]: table for table in result["tables"]}
    for item in ["table-1", "figure-1", "figure-2", "figure-4", "figure-5", "table-2", "table-3"]:
        if item not in tables:
            yield f"{item} is missing"
    for name, table in tables.items():
        rows = list(csv.reader((out / "tables" / f"{name}.csv").open()))
        if len(rows) < 2 or len(rows) - 1 != len(table["rows"]):
            yield f"tables/{name}.csv has {len(rows) - 1} rows"
        numbers = [place for place, column in enumerate(table["columns"]) if "decimals" in column and not column["name"].startswith("paper")]
        for place in numbers:
            if all(row[place] is None for row in table["rows"]) and not table["columns"][place]["name"].endswith(("_low", "_high")):
                yield f"tables/{name}.csv: the column {table['columns'][place]['name']} is empty"
    for item in ["figure-1", "figure-2", "figure-4", "figure-5", "table-2", "table-3"]:
        pictures = list((out / "figures").glob(f"{item}-*.svg"))
        if not pictures or any(picture.stat().st_size < 500 for picture in pictures):
            yield f"figures/{item}-*.svg is missing or empty"
    for judged in result["verdicts"]:
        for arm in judged["arms"]:
            if arm["verdict"] == "not measured":
                yield f"{judged['table']}, {judged['measure']}: {arm['arm']} has no value"
    if (out / "report/report.html").stat().st_size < 10_000:
        yield "report/report.html is small"


def contents(out):
    files = [path for folder in ["tables", "figures", "report"] for path in (out / folder).iterdir()] + [out / "study.json"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--headway", default=str(pathlib.Path(__file__).resolve().parents[2] / ".build/release/headway"))
    arguments.add_argument("--out", default="study_small")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--whole", action="store_true")
    asked = arguments.parse_args()
    out = pathlib.Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    study = out / "study.yaml"
    study.write_text(STUDY.format(model=os.path.abspath(asked.model), data=os.path.abspath(asked.data), threads=asked.threads))
    plan = json.loads(subprocess.run([asked.headway, "study", "run", study, "--out", out / "killed", "--dry-run", "--json"], check=True, capture_output=True).stdout)
    count = len(plan["steps"])
    print(f"{count} steps, {plan['total']['operations']:.3g} operations")
    started = time.time()
    for share in (0.2, 0.6):
        if run(asked.headway, study, out / "killed", int(share * count)) is not None:
            sys.exit("the study ended before it was killed")
        print(f"killed after {done(out / 'killed')} steps")
    if run(asked.headway, study, out / "killed") != 0:
        sys.exit("the study did not end")
    print(f"done in {time.time() - started:.0f} s")
    found = list(problems(out / "killed"))
    if asked.whole:
        started = time.time()
        if run(asked.headway, study, out / "whole") != 0:
            sys.exit("the undisturbed study did not end")
        print(f"undisturbed in {time.time() - started:.0f} s")
        one, two = contents(out / "killed"), contents(out / "whole")
        found += [f"{name} differs from the undisturbed study's" for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
    for problem in found:
        print(problem)
    print("every table and figure is there" if not found else f"{len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
