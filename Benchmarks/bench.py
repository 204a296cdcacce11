"""Measures Headway beside its rivals, strictly one after another, on the same generated prompts.

    Benchmarks/run [--models smollm2-135m,bench-100m] [--samples 64] [--repetitions 3] [--methods careful,headway,limit] [--json] [--update-docs]

For each model: the authors' method padded to 1024 tokens and the same unpadded (both on few samples: they are slow), the
fastest plain PyTorch and the same compiled (peers/fast_patterns.py), Headway, and the bare matrix products (peers/matmul_limit.py).
With --generate instead greedy text beside transformers' (generation.py); with --evaluate choices beside lm-evaluation-harness (evaluation.py).
With --sft instead full fine-tuning: peers/fast_sft.py, the same compiled, `headway sft`, and the bare products of a training step.
A method may be given a time limit (--compile-limit); the table says where it was exceeded.
Repetitions alternate, so that a disturbance meets everyone, and medians are reported. Seconds are the measuring loop alone,
without loading and compiling, for everyone. Memory is the greatest resident size of the process, as the kernel counts it.

Before any speed is believed, Headway's numbers are held against the careful rival's: both in bfloat16 against float32. Fine-tuning:
the losses of all steps against the rival's, the first also against float32's.
Everything that is made (models, prompts) is kept in the cache folder, results in bench-out/.
"""
import argparse, hashlib, json, os, pathlib, platform, shutil, statistics, subprocess, sys, threading, time
from dataclasses import dataclass
from typing import Callable

import numpy as np

here = pathlib.Path(__file__).resolve().parent
root, peers = here.parent, here / "peers"
sys.path.insert(0, str(here))
import compare_patterns, evaluation, generation, prompts, questions  # noqa: E402


@dataclass
class Run:
    """What one process is asked to do."""

    model: pathlib.Path
    data: pathlib.Path
    out: pathlib.Path
    options: argparse.Namespace


@dataclass
class Method:
    key: str
    title: str
    command: Callable[[Run], list]
    samples: int | None = None  # at most this many of the prompts
    once: bool = False  # too slow to be repeated
    limited: bool = False  # may take longer to begin than anyone would wait


def peer(script, *more, out=True):
    def command(run):
        files = [run.model, run.data] + ([run.out] if out else [])
        return [sys.executable, peers / script, *files, "--threads", run.options.threads, *more]

    return command


def headway(run):
    return [run.options.headway, "pattern", run.model, "--data", run.data, "--out", run.out, "--per-sample", "--dtype", "bfloat16", "--threads", run.options.threads, "--json",
            *run.options.headway_options]


PATTERNS = [
    Method("authors", "authors' method, padded to 1024", peer("reference_patterns.py", "--pad-to", 1024), samples=4, once=True),
    Method("unpadded", "the same, unpadded", peer("reference_patterns.py", "--pad-to", 0), samples=16, once=True),
    Method("careful", "careful PyTorch", peer("fast_patterns.py")),
    Method("compiled", "careful PyTorch, compiled", peer("fast_patterns.py", "--compile"), limited=True),
    Method("headway", "**Headway**", headway),
    Method("limit", "bare matrix products", peer("matmul_limit.py", out=False)),
]
# Fine-tuning is asked for with --sft. Nobody's first step is timed; with 64 samples the other four see each sample once.
STEPS = 5


def headway_sft(run):
    """Its JSON summary has, like fast_sft.py's, tokens and seconds of all steps, tokens_per_second of all but the first, and losses. Samples are packed to as many tokens as the rival's."""
    return [run.options.headway, "sft", run.model, "--data", run.data, "--out", run.out, "--steps", STEPS, "--batch-size", 4, "--accumulate", 4, "--lr", "1e-6", "--schedule", "constant",
            "--warmup-ratio", 0, "--no-shuffle", "--pack-tokens", 2048, "--dtype", "bfloat16", "--threads", run.options.threads, "--json", *run.options.headway_options]


FINE_TUNING = [
    Method("autocast-sft", "PyTorch with autocast, padded", peer("fast_sft.py", "--steps", STEPS, "--precision", "autocast", "--layout", "padded", "--fused-from", 1, "--fresh-memory", out=False)),
    Method("careful-sft", "careful PyTorch", peer("fast_sft.py", "--steps", STEPS, out=False)),
    Method("compiled-sft", "careful PyTorch, compiled", peer("fast_sft.py", "--steps", STEPS, "--compile", out=False), limited=True),
    Method("headway-sft", "**Headway**", headway_sft),
    Method("limit-sft", "bare matrix products", peer("matmul_limit.py", "--training", out=False)),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def die(text):
    say(f"bench: error: {text}")
    sys.exit(1)


def cache():
    base = os.environ.get("HEADWAY_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "headway")
    return pathlib.Path(base) / "bench"


def model_folder(shape):
    """The random-weight model, made once for each version of what makes it."""
    sources = b"".join(p.read_bytes() for p in (peers / "make_model.py", here / "prompts.py"))
    folder = cache() / f"{shape}-{hashlib.sha256(sources).hexdigest()[:12]}"
    if not (folder / "config.json").exists():
        say(f"making {shape}")
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, peers / "make_model.py", shape, partial], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        partial.rename(folder)
    return folder


def prompt_file(model, samples):
    tokenizer = prompts.make_tokenizer(model)
    path = model / f"prompts-{samples}.jsonl"
    text = "".join(json.dumps(r) + "\n" for r in prompts.make_prompts(tokenizer, samples))
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)
    return path


def measure(method, run):
    """One process, alone; its JSON summary, its wall time and the most memory that was resident. None where it exceeds its time limit."""
    command = [str(part) for part in method.command(run)]
    if run.out.is_dir():
        shutil.rmtree(run.out)
    started = time.perf_counter()
    with open(run.out.with_suffix(".stdout"), "w+") as out, open(run.out.with_suffix(".stderr"), "w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        late = threading.Event()
        watch = threading.Timer(run.options.compile_limit, lambda: (late.set(), process.kill()))
        watch.daemon = True
        if method.limited:
            watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0); err.seek(0)
        if late.is_set():
            return None
        if process.returncode != 0:
            die(f"{' '.join(command)}\nended with status {process.returncode}:\n{err.read()[-3000:]}")
        text = out.read()
    found = text.find("{") if method.key.startswith("headway") else text.rfind("\n{", 0, len(text)) + 1
    summary = json.loads(text[found:])
    unit = 1 if platform.system() == "Darwin" else 1024  # what ru_maxrss counts in
    return {"tokens": summary["tokens"], "seconds": summary["seconds"], "tokens_per_second": summary.get("tokens_per_second") or summary["tokens"] / summary["seconds"], "losses": summary.get("losses"),
            "peak_rss_mib": usage.ru_maxrss * unit / 2**20, "wall_seconds": time.perf_counter() - started}


def distance(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def agreement(folder, model, data, options):
    """How far Headway and the careful rival, both in bfloat16, are from float32, on the first few samples."""
    few = min(8, options.samples)
    truth = folder / "float32.npz"
    measure(Method("float32", "", peer("fast_patterns.py", "--dtype", "float32", "--limit", few)), Run(model, data, truth, options))
    exact, careful = (compare_patterns.read(str(p))["magnitude.samples"].astype(np.float64) for p in (truth, folder / "careful.npz"))
    ours = compare_patterns.read(str(folder / "headway.safetensors"))["magnitude.samples"].astype(np.float64)
    if ours.shape != careful.shape:
        die(f"Headway measured {ours.shape} levels and the careful rival {careful.shape}: they did not see the same samples.")
    off = np.abs(ours - careful) / careful.max((1, 2), keepdims=True)
    result = {"samples_in_float32": few, "headway": distance(ours[:few], exact), "careful": distance(careful[:few], exact), "apart": distance(ours, careful),
              "largest_difference": float(off.max()), "correlation": float(np.corrcoef(ours.mean(0).ravel(), careful.mean(0).ravel())[0, 1])}
    result["good"] = result["headway"] <= 2 * result["careful"] + 1e-3
    return result


def agreement_sft(folder, model, data, options, careful, headway):
    """How far Headway's losses are from the careful rival's, relative, and how far both first ones are from the rival's in float32.

    3e-4 of a loss is five times what computing the same in another way in bfloat16 (--precision autocast) changes."""
    if len(careful) != len(headway):
        die(f"Headway gave {len(headway)} losses and the careful rival {len(careful)}.")
    exact = measure(Method("float32", "", peer("fast_sft.py", "--precision", "float32", "--steps", 1, out=False)), Run(model, data, folder / "float32-sft", options))["losses"][0]
    result = {"losses": True, "headway": abs(headway[0] / exact - 1), "careful": abs(careful[0] / exact - 1), "apart": max(abs(a / b - 1) for a, b in zip(headway, careful))}
    result["good"] = result["apart"] <= 3e-4 and result["headway"] <= 3e-4
    return result


def bench(shape, methods, options):
    model = model_folder(shape)
    data = prompt_file(model, options.samples)
    lines = data.read_text().splitlines(keepends=True)
    folder = options.out / shape
    folder.mkdir(parents=True, exist_ok=True)
    results = {m.key: [] for m in methods}
    for repetition in range(options.repetitions):
        for method in methods:
            if (method.once or None in results[method.key]) and repetition:
                continue
            part = data
            if method.samples and method.samples < len(lines):
                part = folder / f"first-{method.samples}.jsonl"
                part.write_text("".join(lines[: method.samples]))
            out = folder / f"{method.key}.{'safetensors' if method.key == 'headway' else 'npz'}"
            result = measure(method, Run(model, part, out, options))
            results[method.key].append(result)
            if out.is_dir():
                shutil.rmtree(out)  # a fine-tuned model, many times the size of everything else
            if result is None:
                say(f"{shape:14} {repetition + 1}/{options.repetitions} {method.key:12} not ready within {options.compile_limit:.0f} s")
                continue
            say(f"{shape:14} {repetition + 1}/{options.repetitions} {method.key:12} {result['tokens_per_second']:8.1f} tokens/s  {result['peak_rss_mib']:6.0f} MiB")
    summary = {}
    for method in methods:
        if None in results[method.key]:
            summary[method.key] = {"title": method.title, "exceeded_seconds": options.compile_limit}
            continue
        speeds = [r["tokens_per_second"] for r in results[method.key]]
        summary[method.key] = {"title": method.title, "tokens": results[method.key][0]["tokens"], "tokens_per_second": statistics.median(speeds), "least": min(speeds), "greatest": max(speeds),
                               "runs": len(speeds), "peak_rss_mib": statistics.median(r["peak_rss_mib"] for r in results[method.key])}
    if {"headway", "careful"} <= summary.keys():
        if summary["headway"]["tokens"] != summary["careful"]["tokens"]:
            die(f"Headway read {summary['headway']['tokens']} tokens and the careful rival {summary['careful']['tokens']}.")
        summary["agreement"] = agreement(folder, model, data, options)
    if {"headway-sft", "careful-sft"} <= summary.keys():
        ours, careful = results["headway-sft"][0], results["careful-sft"][0]
        if ours["tokens"] != careful["tokens"]:
            die(f"Headway trained on {ours['tokens']} tokens and the careful rival on {careful['tokens']}.")
        summary["agreement"] = agreement_sft(folder, model, data, options, careful["losses"], ours["losses"])
    return summary


def table(shapes):
    rows = ["| model | method | tokens/s (least–greatest) | × careful | × compiled | share of limit | peak memory |", "|---|---|--:|--:|--:|--:|--:|"]
    for shape, results in shapes.items():
        def ratio(speed, key):
            return f"{speed / results[key]['tokens_per_second']:.2f}" if "tokens_per_second" in results.get(key, {}) else "–"

        for key, r in results.items():
            if key != "agreement":
                if "exceeded_seconds" in r:
                    rows.append(f"| {shape} | {r['title']} | not ready within {r['exceeded_seconds']:.0f} s | – | – | – | – |")
                    continue
                speed = r["tokens_per_second"]
                spread = f" ({r['least']:.0f}–{r['greatest']:.0f})" if r["runs"] > 1 else ""
                kind = "-sft" if key.endswith("-sft") else ""
                title = r["title"] + (", fine-tuning" if kind else "")
                rows.append(f"| {shape} | {title} | {speed:.{1 if speed < 100 else 0}f}{spread} | {ratio(speed, 'careful' + kind)} | {ratio(speed, 'compiled' + kind)} | {ratio(speed, 'limit' + kind)} | {r['peak_rss_mib']:.0f} MiB |")
    notes = []
    for shape, results in shapes.items():
        if "agreement" in results:
            g = results["agreement"]
            if g.get("losses"):
                notes.append(f"{shape}: losses of all {STEPS} steps, Headway against careful PyTorch: {g['apart']:.1e} apart at most (relative); the first is {g['headway']:.1e} from float32, the rival's {g['careful']:.1e}.")
                continue
            notes.append(f"{shape}: from float32 (first {g['samples_in_float32']} samples, relative) Headway in bfloat16 is {g['headway']:.1e} away, careful PyTorch {g['careful']:.1e}; "
                         f"from each other {g['apart']:.1e}, no level by more than {g['largest_difference']:.1e} of its sample's largest; correlation of the patterns {g['correlation']:.6f}.")
    return "\n".join(rows + [""] + notes)


def machine(options):
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        name = names[0] if names else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    import torch, transformers

    return f"{name}, {options.threads} threads, {memory:.0f} GiB; torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}"


def update_docs(name, text):
    path = root / "docs" / "Performance.md"
    before = path.read_text() if path.exists() else "# Performance\n\n"
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    section = f"{begin}\n{text}\n{end}"
    if begin in before and end in before:
        first, rest = before.split(begin, 1)
        after = first + section + rest.split(end, 1)[1]
    else:
        after = before.rstrip("\n") + "\n\n" + section + "\n"
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".partial").write_text(after)
    path.with_suffix(".partial").rename(path)


def bench_generation(o):
    shapes = {}
    for shape in o.models:
        model = model_folder(shape)
        shapes[shape] = generation.bench(shape, model, prompt_file(model, o.samples).read_text().splitlines(), o, peers, die, say)
    document = {"machine": machine(o), "models": shapes}
    o.out.mkdir(exist_ok=True)
    (o.out / "bench-generate.json").write_text(json.dumps(document, indent=1) + "\n")
    report = (f"{document['machine']}. {generation.TOKENS} new tokens a text; prompts of GSM8K's lengths, one text at a time after four words; medians of {o.repetitions} alternating runs; "
              f"random weights. Made by `Benchmarks/run --generate`.\n\n{generation.table(shapes)}")
    print(json.dumps(document) if o.json else report)
    if o.update_docs:
        update_docs("bench-generate", report)


def question_folder(model, count):
    folder = model / f"questions-{count}"
    if not folder.exists():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        questions.make(partial, prompts.make_tokenizer(model), count, evaluation.SUBJECTS, seed=3)
        partial.rename(folder)
    return folder


def bench_evaluation(o):
    shapes = {}
    for shape in o.models:
        model = model_folder(shape)
        shapes[shape] = evaluation.bench(shape, model, question_folder(model, o.questions), o, root / "scripts" / "checks" / "lm_eval_agrees.py", die, say)
    document = {"machine": machine(o), "models": shapes}
    o.out.mkdir(exist_ok=True)
    (o.out / "bench-evaluate.json").write_text(json.dumps(document, indent=1) + "\n")
    report = (f"{document['machine']}. Made-up questions of the real ones' lengths; medians of {o.repetitions} alternating runs; float32; random weights; the harness's seconds are those of a loaded model, "
              f"Headway's those of the whole process. Made by `Benchmarks/run --evaluate`.\n\n{evaluation.table(shapes)}")
    print(json.dumps(document) if o.json else report)
    if o.update_docs:
        update_docs("bench-evaluate", report)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--models", type=lambda s: s.split(","), help="shapes that peers/make_model.py knows (smollm2-135m,bench-100m; with --evaluate bench-100m)")
    a.add_argument("--samples", type=int, default=64, help="prompts (fewer for the slow methods)")
    a.add_argument("--repetitions", type=int, default=3)
    a.add_argument("--methods", type=lambda s: s.split(","), help="only these of: " + ", ".join(m.key for m in PATTERNS + FINE_TUNING))
    a.add_argument("--sft", action="store_true", help="fine-tuning instead of patterns")
    a.add_argument("--generate", action="store_true", help="greedy text instead of patterns, one, 8 and 32 at once")
    a.add_argument("--evaluate", action="store_true", help="choices instead of patterns: MMLU's and HellaSwag's form")
    a.add_argument("--questions", type=int, default=40, help="with --evaluate: of each form")
    a.add_argument("--dtypes", type=lambda s: s.split(","), default=["bfloat16", "float32"], help="with --generate: what to compute in")
    a.add_argument("--compile-limit", type=float, default=600, help="seconds after which a compiled rival is given up")
    a.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    a.add_argument("--headway", type=pathlib.Path, default=root / ".build" / "release" / "headway")
    a.add_argument("--headway-options", type=str.split, default=[], help="more options for `headway pattern`, `sft` or `generate`, in one argument")
    a.add_argument("--out", type=pathlib.Path, default=root / "bench-out")
    a.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    a.add_argument("--update-docs", action="store_true", help="rewrite the marked section of docs/Performance.md")
    o = a.parse_args()
    methods = [m for m in (FINE_TUNING if o.sft else PATTERNS)] if not o.methods else [m for m in PATTERNS + FINE_TUNING if m.key in o.methods]
    unknown = set(o.methods or []) - {m.key for m in methods}
    if unknown or not methods:
        die(f"no method is called {', '.join(sorted(unknown)) or '(nothing)'}; there are {', '.join(m.key for m in PATTERNS + FINE_TUNING)}.")
    if any(m.key.startswith("headway") for m in methods) and not o.headway.exists():
        die(f"{o.headway} is not there. Build it first (swift build -c release), or name another with --headway.")
    if o.repetitions < 1 or o.samples < 1:
        die("--repetitions and --samples are at least 1.")
    if o.questions < evaluation.SUBJECTS:
        die(f"--questions is at least {evaluation.SUBJECTS}, one for each subject.")
    o.models = o.models or (["bench-100m"] if o.evaluate else ["smollm2-135m", "bench-100m"])
    if o.generate:
        return bench_generation(o)
    if o.evaluate:
        return bench_evaluation(o)
    shapes = {shape: bench(shape, methods, o) for shape in o.models}
    document = {"machine": machine(o), "samples": o.samples, "models": shapes}
    o.out.mkdir(exist_ok=True)
    (o.out / ("bench-sft.json" if o.sft else "bench.json")).write_text(json.dumps(document, indent=1) + "\n")
    report = (f"{document['machine']}. {o.samples} prompts of GSM8K's lengths; medians of {o.repetitions} alternating runs; bfloat16; random weights. "
              f"Made by `Benchmarks/run{' --sft' if o.sft else ''}`.\n\n{table(shapes)}")
    print(json.dumps(document) if o.json else report)
    if o.update_docs:
        update_docs("bench-sft" if o.sft else "bench", report)
    wrong = [s for s, r in shapes.items() if not r.get("agreement", {"good": True})["good"]]
    if wrong:
        die(f"Headway's {'losses' if o.sft else 'levels'} on {', '.join(wrong)} are further from float32 than bfloat16 explains: do not use these speeds.")


if __name__ == "__main__":
    main()
