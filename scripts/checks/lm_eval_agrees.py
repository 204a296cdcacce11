"""Whether Headway's `--variant lm-eval` gives what lm-evaluation-harness gives: every option's log-likelihood, every text, and the figures made of them.

    "$(scripts/python)" scripts/checks/lm_eval_agrees.py MODEL --data FOLDER [--limit 100] [--only arc,mmlu] [--headway .build/release/headway]

MODEL is a Hugging Face folder. FOLDER holds the published files: arc/ARC-Challenge-Test.jsonl, hellaswag/hellaswag.jsonl, winogrande/dev.jsonl,
mmlu/{dev,test}/SUBJECT_{dev,test}.csv (5 shots, the first of each subject's dev part), gsm8k/{train,test}.jsonl (5 shots). lm_eval (the version of
scripts/goldens/evaluation_requirements.txt) runs its own tasks, model and scoring over these rows, in float32. LIMIT is for each task; a subject
of MMLU is a task.

Results go to standard output, lm_eval's bars to standard error. Seconds are lm_eval's evaluation of loaded rows by a loaded model, and Headway's whole process from its start.

Ends with status 1 where a log-likelihood differs by more than 1e-4 of its size, a text differs, or a figure does. 1e-4 is some hundred roundings of
float32; models that score near chance agree on figures because they agree on these.
"""
import argparse, collections, csv, json, os, pathlib, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(root / "scripts" / "goldens"))
from evaluators import Harness  # noqa: E402
import torch  # noqa: E402
from lm_eval.evaluator import evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

TOLERANCE = 1e-4
jsonl = lambda path: [json.loads(line) for line in path.open() if line.strip()]


def mmlu(path):
    return [{"question": r[0], "choices": r[1:5], "answer": "ABCD".index(r[5])} for r in csv.reader(path.open(newline=""))]


def tasks(name, data, limit):
    """For each task its rows, shots, number of shots, and the files and options by which Headway asks the same."""
    if name == "arc":
        file = data / "arc/ARC-Challenge-Test.jsonl"
        rows = [{"id": r["id"], "question": r["question"]["stem"], "answerKey": r["answerKey"], "choices": {k: [c[k] for c in r["question"]["choices"]] for k in ("text", "label")}} for r in jsonl(file)]
        yield "arc/arc_challenge", rows[:limit], [], 0, file, []
    elif name == "hellaswag":
        file = data / "hellaswag/hellaswag.jsonl"
        yield "hellaswag/hellaswag", jsonl(file)[:limit], [], 0, file, []
    elif name == "winogrande":
        file = data / "winogrande/dev.jsonl"
        yield "winogrande/default", jsonl(file)[:limit], [], 0, file, []
    elif name == "gsm8k":
        file, shots = data / "gsm8k/test.jsonl", data / "gsm8k/train.jsonl"
        yield "gsm8k/gsm8k", jsonl(file)[:limit], jsonl(shots)[:5], 5, file, ["--shots", shots]
    elif name == "mmlu":
        for file in sorted((data / "mmlu/test").glob("*_test.csv")):
            subject = file.name.removesuffix("_test.csv")
            shots = data / f"mmlu/dev/{subject}_dev.csv"
            yield f"mmlu/default/mmlu_{subject}", mmlu(file)[:limit], mmlu(shots)[:5], 5, file, ["--shots", shots]


def theirs(lm, task, rows, shots, count):
    made = Harness(task, rows, shots).task
    made.set_config("num_fewshot", count)
    found = evaluate(lm=lm, task_dict={made.task_name: made}, bootstrap_iters=0, log_samples=True, verbosity="ERROR")
    # A row for each filter; log-likelihoods are the same in all.
    samples = collections.OrderedDict((s["doc_id"], s) for s in found["samples"][made.task_name])
    return list(samples.values()), found["results"][made.task_name]


def ours(headway, model, name, file, options, limit, threads, scratch):
    lines = scratch / "predictions.jsonl"
    command = [headway, "evaluate", model, "--benchmark", name, "--variant", "lm-eval", "--data", file, "--limit", str(limit), "--dtype", "float32", "--threads", threads,
               "--predictions", lines, "--overwrite", "--json", "--quiet", *options]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True)
    return jsonl(lines), json.loads(done.stdout)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("model", type=pathlib.Path); a.add_argument("--data", type=pathlib.Path, required=True); a.add_argument("--limit", type=int, default=100)
    a.add_argument("--only", default="arc,hellaswag,winogrande,mmlu,gsm8k"); a.add_argument("--headway", type=pathlib.Path, default=root / ".build/release/headway")
    a.add_argument("--subjects", type=int, default=None, help="the first N subjects of MMLU only")
    a.add_argument("--threads", type=int, default=os.cpu_count()); a.add_argument("--batch-size", type=int, default=8, help="lm_eval's")
    a.add_argument("--json", action="store_true", help="a line of JSON for each benchmark in place of a sentence")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    lm = HFLM(pretrained=str(o.model), dtype="float32", device="cpu", batch_size=o.batch_size)
    failed = False
    for name in o.only.split(","):
        worst, options, wrong, questions, figures, seconds = 0.0, 0, [], 0, collections.Counter(), [0.0, 0.0]
        for number, (task, rows, shots, count, file, extra) in enumerate(tasks(name, o.data, o.limit)):
            if name == "mmlu" and o.subjects is not None and number >= o.subjects: break
            started = time.perf_counter()
            samples, results = theirs(lm, task, rows, shots, count)
            seconds[0] += time.perf_counter() - started
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as scratch:
                lines, outcome = ours(o.headway.resolve(), o.model, name, file, extra, len(rows), o.threads, pathlib.Path(scratch))
            seconds[1] += time.perf_counter() - started
            if len(samples) != len(lines): sys.exit(f"{task}: {len(samples)} questions there, {len(lines)} here")
            for sample, line in zip(samples, lines):
                questions += 1
                if name == "gsm8k":
                    text = sample["resps"][0][0]
                    if text != line["output"]: wrong.append((task, line["index"], text, line["output"]))
                    continue
                pairs = [response[0] for response in sample["resps"]]
                if len(pairs) != len(line["options"]): sys.exit(f"{task}, index {line['index']}: {len(pairs)} options there, {len(line['options'])} here")
                for (there, _), option in zip(pairs, line["options"]):
                    difference = abs(there - option["logprob"]) / abs(there)
                    worst, options = max(worst, difference), options + 1
                    if difference > TOLERANCE: wrong.append((task, line["index"], there, option["logprob"]))
            pairs = [("acc,none", outcome["value"]), ("acc_norm,none", outcome.get("acc_norm"))]
            if name == "gsm8k": pairs = [(f"exact_match,{rule}", outcome["rules"][rule]["value"]) for rule in ("strict-match", "flexible-extract")]
            for key, mine in pairs:
                if key not in results or mine is None: continue
                figures[key] += len(rows) * mine
                if abs(results[key] - mine) > 1e-9: wrong.append((task, key, results[key], mine))
            # lm_eval's own standard error is a resample's or a formula's by the task: compared where it is the mean's.
            key = "acc_stderr,none"
            if isinstance(results.get(key), float) and outcome.get("stderr") is not None and abs(results[key] - outcome["stderr"]) > 1e-9: wrong.append((task, key, results[key], outcome["stderr"]))
        if o.json:
            print(json.dumps({"benchmark": name, "questions": questions, "options": options, "relative_difference": worst, "differences": len(wrong),
                              "lm_eval_seconds": seconds[0], "headway_seconds": seconds[1]}), flush=True)
            failed |= bool(wrong)
            continue
        shown = ", ".join(f"{key.split(',')[0] if 'none' in key else key} {value / max(1, questions):.4f}" for key, value in figures.items())
        print(f"{name}: {questions} questions, {options} options, greatest relative difference {worst:.1e}; {shown}; questions a second: lm_eval {questions / seconds[0]:.2f}, headway {questions / seconds[1]:.2f}; {len(wrong)} differences", flush=True)
        for item in wrong[:5]: print("  ", *item, sep="\n    ")
        failed |= bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
