"""Greedy text by Headway beside transformers' `generate`: `Benchmarks/run --generate`, with the options of bench.py.

For each model, type and number of texts at once (1, 8, 32): both go on with the same prompts by as many tokens, one process after another, repetitions alternating; medians
are reported. Seconds are those of writing, prompts included, without loading. One text at a time goes on with a few words, so that nearly all of its time is
reading the weights, and its share of the memory bandwidth that peers/memory_bandwidth.py measures beside it is reported: bytes of the weights (an embedding
that is not tied is looked up, not read), times tokens a second, by that bandwidth.

Before any speed is believed, the texts of both in float32 are held against each other, token by token.
"""
import json, statistics, struct, subprocess, sys

BATCHES = {1: 2, 8: 16, 32: 32}  # texts at once: prompts
TOKENS = 64


def run_json(command, die):
    found = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if found.returncode != 0:
        die(f"{' '.join(map(str, command))}\nended with status {found.returncode}:\n{found.stderr[-3000:]}")
    return json.loads(found.stdout.strip().splitlines()[-1])


def weight_bytes(model, width):
    """Bytes of the weights that a token reads."""
    total, names = 0, {}
    for file in sorted(model.glob("*.safetensors")):
        with open(file, "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        names |= {n: e for n, e in header.items() if n != "__metadata__"}
    untied = any(n.startswith("lm_head.") for n in names)
    for name, entry in names.items():
        if not (untied and "embed_tokens" in name) and "embed_positions" not in name:
            count = width
            for size in entry["shape"]:
                count *= size
            total += count
    return total


def bench(shape, model, lines, options, peers, die, say):
    folder = options.out / shape
    folder.mkdir(parents=True, exist_ok=True)

    def prompt_file(name, records):
        path = folder / name
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        return path

    records = [json.loads(line) for line in lines]
    short = prompt_file("few-words.jsonl", [{"prompt": " ".join(r["prompt"].split()[:4])} for r in records[: BATCHES[1]]])

    def headway(data, batch, dtype, tokens, *more):
        return run_json([options.headway, "generate", model, "--prompts", data, "--batch-size", batch, "--max-tokens", tokens, "--dtype", dtype, "--threads", options.threads,
                         "--json", "--quiet", *more, *options.headway_options], die)

    def rival(data, batch, dtype, tokens, *more):
        return run_json([sys.executable, peers / "fast_generation.py", model, data, "--batch-size", batch, "--max-tokens", tokens, "--dtype", dtype, "--threads", options.threads, *more], die)

    few = prompt_file("few.jsonl", [{"prompt": r["prompt"]} for r in records[:8]])
    ours, theirs = headway(few, 8, "float32", 32)["texts"], rival(few, 8, "float32", 32, "--ids")["ids"]
    equal = [sum(1 for _ in takewhile_equal(text["tokens"], ids)) for text, ids in zip(ours, theirs)]
    result = {"agreement": {"tokens": sum(len(t["tokens"]) for t in ours), "equal": sum(equal), "texts": len(equal), "equal_texts": sum(e == len(t["tokens"]) for e, t in zip(equal, ours))}, "rows": []}
    for dtype in options.dtypes:
        for batch, count in BATCHES.items():
            data = short if batch == 1 else prompt_file(f"first-{count}.jsonl", [{"prompt": r["prompt"]} for r in records[:count]])
            row = {"dtype": dtype, "batch": batch, "headway": [], "transformers": [], "bandwidth": []}
            for _ in range(options.repetitions):
                row["transformers"].append(rival(data, batch, dtype, TOKENS)["tokens_per_second"])
                row["headway"].append(headway(data, batch, dtype, TOKENS)["tokens_per_second"])
                if batch == 1:
                    row["bandwidth"].append(run_json([sys.executable, peers / "memory_bandwidth.py", "--threads", options.threads], die)["gigabytes_per_second"])
            if batch == 1:
                row["share"] = statistics.median(row["headway"]) * weight_bytes(model, 4 if dtype == "float32" else 2) / 1e9 / statistics.median(row["bandwidth"])
            say(f"{shape:14} {dtype:9} {batch:3} at once  headway {statistics.median(row['headway']):8.1f}  transformers {statistics.median(row['transformers']):8.1f} tokens/s"
                + (f"  {row['share']:.2f} of {statistics.median(row['bandwidth']):.1f} GB/s" if batch == 1 else ""))
            result["rows"].append(row)
    return result


def takewhile_equal(a, b):
    for x, y in zip(a, b):
        if x != y:
            return
        yield x


def table(shapes):
    rows = ["| model | type | texts at once | transformers, tokens/s | Headway, tokens/s (least–greatest) | × transformers | share of memory bandwidth |", "|---|---|--:|--:|--:|--:|--:|"]
    notes = []
    for shape, result in shapes.items():
        for row in result["rows"]:
            ours, theirs = statistics.median(row["headway"]), statistics.median(row["transformers"])
            share = f"{row['share']:.2f} of {statistics.median(row['bandwidth']):.1f} GB/s" if "share" in row else "–"
            rows.append(f"| {shape} | {row['dtype']} | {row['batch']} | {theirs:.1f} | {ours:.1f} ({min(row['headway']):.1f}–{max(row['headway']):.1f}) | {ours / theirs:.2f} | {share} |")
        g = result["agreement"]
        notes.append(f"{shape}: in float32 {g['equal_texts']} of {g['texts']} texts and {g['equal']} of {g['tokens']} tokens, each text's up to its first difference, equal transformers'.")
    return "\n".join(rows + [""] + notes)
