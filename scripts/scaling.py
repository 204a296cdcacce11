#!/usr/bin/env python3
"""Writes the tables and pictures of docs/Scaling.md from the cost model (costs/model.py) and the simulations (costs/simulation.py).

    scripts/scaling.py             a few seconds; needs Python 3.11 and nothing else
    scripts/scaling.py --check     only says whether the page and its pictures would change; status 1 if so

A table stands in the page between <!-- scaling: NAME --> and <!-- end -->; NAME is a function below.
"""
import argparse, re, sys

from costs import picture, simulation
from costs.model import *

PAGE, IMAGES = ROOT / "docs/Scaling.md", ROOT / "docs/images"
BLOCK = re.compile(r"(<!-- scaling: (\w+) -->\n).*?(<!-- end -->)", re.S)
RANKS, TABLES = [1, 8, 64, 256, 1024], {}


def digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.0f}" if value >= 10 and abs(value - round(value)) < 0.05 else f"{value:.2g}" if value < 10 else f"{value:.3g}"


def of(units, value):
    size, unit = next(((size, unit) for size, unit in units if abs(value) >= 0.95 * size), units[-1])
    return f"{digits(value / size)} {unit}"


def about(value):
    """Three digits, whole."""
    return f"{float(f'{value:.3g}'):,.0f}"


def time(seconds):
    return of([(86_400 * 365, "years"), (86_400, "days"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")], seconds)


def size(count):
    return of([(1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")], count)


def share(part):
    return f"{part:.2f}" if part >= 0.1 else f"{part:.1g}" if part < 0.01 else f"{part:.3f}"


def power(count):
    return f"10<sup>{round(math.log10(count))}</sup>"


def error(predicted, found):
    percent = round(100 * (predicted / found - 1))
    return f"{percent:+d}%".replace("-", "−") if percent else "0%"


def table(function):
    """A function that gives the heads (those that begin with < are texts, set to the left) and the rows."""
    def made():
        heads, rows = function()
        lines = ["| " + " | ".join(head.lstrip("<") for head in heads) + " |", "|" + "|".join("---" if head.startswith("<") else "--:" for head in heads) + "|"]
        return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"
    TABLES[function.__name__] = made
    return function


@table
def breaks():
    alone, equal = [patterns(shape, 1) for shape in (MIDDLE, LARGE)], lambda p, part: about(p[2] / p[part])
    rows = [
        ("70B on cards of 80 GB, for anything", "one GPU", f"every GPU holds the whole model: {size(2 * LARGE.weights)} in bfloat16", "cards of 141 GB for patterns; for fine-tuning nothing (below)", "weights spread over GPUs: tensor parallelism, or ZeRO stage 3"),
        ("gradients of rank-128 adapters", "8B", f"random signs: {time(8192 * MIDDLE.adapters(128, True) * SIGN)} of one core for each sample", "rank 8 on q and v, small pools; embeddings", "signs drawn on the GPU, more gradients at a time"),
        ("fine-tuning with the paper's updates", "17 ranks", "an update is 16 samples, and a rank needs one at least", "larger updates, which are other training", "–"),
        ("one result, written by rank 0", f"{equal(alone[0], 3)} GPUs for 8B, {equal(alone[1], 3)} for 70B", f"{time(finishing(MIDDLE)[1])} and up to {time(finishing(LARGE)[1])} for {power(POOL)} samples, while GPUs wait: as long as measuring", "the data in many files, a run for each", "results made of parts"),
        ("a store for small models", f"{about(BATCH * token_seconds(SMALL) / STORE)} GPUs for smollm2-135m", f"batches of {time(BATCH * token_seconds(SMALL))}, six requests for each", "the same; fewer GPUs", "several batches at a time"),
        ("every rank reads everything", f"{equal(alone[0], 1)} GPUs for 8B, {about(alone[1][2] / alone[1][1])} for 70B", f"{time(reading())} for {power(POOL)} samples: as long as measuring", "the same", "a rank reads its part; tokens kept in a file"),
        ("connections", "about 1,000 ranks", f"Gloo connects each with each: {1023 * 1024 // 2:,} connections, 1,023 in each process", "`ulimit -n 4096`, fewer ranks, or none (`--shard`)", "connections where they are used"),
        ("samples in memory", f"{NODE_MEMORY / NODE / host_memory(1) / 1e6:.0f} million samples", f"{about(host_memory(1))} bytes for each in every rank: {size(host_memory())} for {power(POOL)}, {size(NODE * host_memory())} a node of {NODE}", "the data in many files", "tokens mapped, once a node"),
        ("checkpoints through rank 0", "70B", f"{size(12 * LARGE.weights)}: {time(12 * LARGE.weights / SHARED_DISK)} at {size(SHARED_DISK)}/s", "a longer `--save-every` (below)", "each rank writes its part"),
    ]
    return ("<what breaks", "<from", "<because", "<today", "<what would mend it"), rows


@table
def constants():
    return ("<constant", "<value", "<from"), [
        ("bare products, EPYC with AVX512-BF16, two threads", f"{product_rate('EPYC') / 1e9:.0f} GFLOP/s", "Performance, the rows of bare matrix products: fitted"),
        ("bare products, Xeon, two threads, in float32", f"{product_rate('Xeon') / 1e9:.0f} GFLOP/s", "Performance, \"A processor that multiplies bfloat16 slowly\": fitted"),
        ("Headway's share of bare products, processors", f"{share_of_products():.2f}", "the same tables: fitted"),
        ("products of one H200, bfloat16", f"{MATRIX_RATE / 1e12:.0f} TFLOP/s", "Performance, \"On a GPU\": one run"),
        ("Headway's share of them, patterns of 8B", f"{GPU_SHARE:.2f}", "13,690 tokens/s of 29.2 GFLOP: one run"),
        ("loading weights onto the GPU, start included", f"{LOADING / 1e9:.1f} GB/s", "7.0 s of the whole command less 3.9 s of measuring, 16 GB: one run"),
        ("reading and tokenising, one thread", f"{TEXT_RATE / 1e6:.0f} MB/s", "Tokenizers, Llama 3, of texts"),
        ("text of a sample", f"{TEXT_BYTES:.0f} bytes", "GSM8K's files; taken for the rate above"),
        ("tokens of a sample, share of labels", f"{Lengths.mean:.0f}, {Lengths.labels:.2f}", "`Benchmarks/lengths.json`, between its quantiles"),
        ("memory of a sample", f"{SAMPLE_BYTES} + {TOKEN_BYTES} bytes a token", "\"Pools of a million samples\" (200 for samples of 4 tokens); a token is an `Int` and a `Bool`"),
        ("result from the journal", f"{FINISH_SAMPLE * 1e6:.0f} µs a sample of 1,024 levels = {1 / FINISH_BYTE / 1e9:.2f} GB/s", "the same: 42 s for 999,936 samples, 4.1 GB"),
        ("choosing: rows, texts", f"{SELECT_RATE / 1e9:.1f} GB/s, {SELECT_TEXT * 1e6:.1f} µs a sample", "\"Choosing from a pool\", two threads, from the file cache"),
        ("choosing in turns", f"{2 / SELECT_PAIR / 1e9:.0f} GFLOP/s", "the same: 1.2 s for 10<sup>6</sup> × 1,024 numbers and 32 targets"),
        ("one random sign of a projection", f"{SIGN * 1e9:.1f} ns", "\"Gradients of samples\", a busy core"),
    ]


@table
def assumed():
    return ("<assumption", "<value", "<why"), [
        ("GPUs", f"{CLUSTER:,}, {NODE} a node, all as fast as the H200 above; cards of 80 and of 141 GB", "the H100's and the H200's arithmetic is the same by their data sheets, their memory is not"),
        ("share of products for 70B, for fine-tuning, for embeddings", f"{GPU_SHARE:.2f}, as for patterns of 8B", "nothing else was measured on a GPU; larger products do no worse as a rule"),
        ("network", f"{size(CARD_LINK)}/s a GPU (400 Gb/s), {size(HOST_LINK)}/s a host (100 Gb/s)", "as in Llama 3's cluster (section 3.3.1); a separate network for hosts"),
        ("messages", ", ".join(f"{name}: {size(rate)}/s and {time(message)}" for name, (rate, message) in MESSAGE.items()), "assumed; one rank's messages go out one after the other"),
        ("the store of rank 0", f"{time(STORE)} for the six requests of a batch on its one thread (14 µs each over the loopback of two cores of an EPYC, measured), {time(ROUND_TRIP)} there and back", "measured; the way assumed"),
        ("disks", f"{size(NODE_DISK)}/s in a node, {size(SHARED_DISK)}/s for one writer or reader of a shared one", "assumed"),
        ("nodes", f"{size(NODE_MEMORY)} of memory", "as in a DGX H100"),
        ("failures", f"one in {FAILURE / 3600 / 1000:.0f},000 GPU-hours: every {FAILURE / CLUSTER / 3600:.0f} h on {CLUSTER:,}", "419 unexpected interruptions of 16,384 GPUs in 54 days (The Llama 3 Herd of Models, section 3.3.4)"),
        ("seen, started again", f"{DETECTION} s, {LAUNCH} s", "a silent rank is missed after 20 s; the scheduler's part is assumed"),
        ("nodes of processors", f"{CORES} cores, each as fast as one of the EPYC's two: {CORES * CORE_RATE / 1e12:.1f} TFLOP/s that Headway reaches", "nothing was measured beyond two threads"),
        ("speeds", "nodes 3% apart, ranks 1%, batches 5% (lognormal); a node in 64 at half speed", "assumed"),
    ]


@table
def products():
    rows = [(f"{row[2]}, {row[1]}", row[0], digits(row[3]), digits(bare), error(bare, row[3]), digits(row[4]), digits(own), error(own, row[4]), row[5]) for row, bare, own in fits()]
    return ("<", "<machine", "products, tokens/s", "predicted", "error", "Headway, tokens/s", "predicted", "error", "<table of Performance"), rows


@table
def others():
    small = SHAPES["bench-100m"]
    grown = lambda recompute: small.activations(recompute) * (8192 - 1024) / 2**20
    project = 23 + 8192 * SHAPES["base-8m"].adapters(8, True) * SIGN
    rows = [
        ("`select --standardise`, 4.1 GB (two passes)", "s", 2 * 4.096e9 / SELECT_RATE, 0.77, "sums of the first pass are not in it"),
        ("the whole of `select`, 10<sup>6</sup> samples", "s", 4.096e9 / SELECT_RATE + 1e6 * SELECT_TEXT, 5.1, "fitted to it"),
        ("a result of 50,176 samples from its journal", "s", 50_176 * FINISH_SAMPLE, 4.4, "some 2 s whatever the size"),
        ("activations of 7,168 tokens more, `bench-100m`", "MiB", grown(False), 2026 - 303, "by Headway's own estimate, which is too low"),
        ("the same, `--memory low`", "MiB", grown(True), 847 - 163, "the same"),
        ("gradients of 64 samples, `base-8m`, D = 8,192", "s", project, 33, "the products of the projection are not in it; a busy machine"),
    ]
    return ("<", "<unit", "measured", "predicted", "error", "<remark"), [(name, unit, digits(found), digits(value), error(value, found), note) for name, unit, value, found, note in rows]


@table
def time_of_patterns():
    rows = []
    for shape in (MIDDLE, LARGE):
        for ranks in RANKS:
            start, read, measured, write = patterns(shape, ranks)
            whole, parted = start + read + measured + write, sum(patterns(shape, ranks, parts=True))
            ideal = patterns(shape, ranks)[2]
            rows.append((shape.name, f"{ranks:,}", time(start), time(read), time(measured), time(write), time(whole), share(ideal / whole), time(parted), share(ideal / parted)))
    return ("<", "GPUs", "starting", "reading, each rank", "measuring", "rank 0 writes", "in all", "busy", "data in as many files, in all", "busy"), rows


@table
def reading_again():
    rows = []
    for samples in (10**6, 10**7, 10**8):
        rows.append((power(samples), time(reading(samples)), size(host_memory(samples)), size(NODE * host_memory(samples)), *(time(samples * Lengths.mean * token_seconds(shape) / CLUSTER) for shape in (MIDDLE, LARGE)), *(size(samples * record(shape)) for shape in (MIDDLE, LARGE))))
    return ("samples", "reading, each rank", "memory of a rank", "of a node", f"measuring 8B on {CLUSTER:,}", "70B", "journal, 8B", "70B"), rows


@table
def at_rank_0():
    rows = []
    for shape, tokens in ((SMALL, BATCH), (MIDDLE, BATCH), (LARGE, BATCH // 8)):
        a_token, seconds, work = record(shape) / Lengths.mean, token_seconds(shape), simulation.batches(10**6, tokens)
        (slow, apart, waits), (fast, _, less) = (simulation.with_rank_0(work, CLUSTER, seconds, a_token, rate) for rate in (1 / FINISH_BYTE, 5e8))
        rows.append((f"{shape.name}, batches of {tokens:,} tokens", time(tokens * seconds), about(CLUSTER / (tokens * seconds)), f"{size(CLUSTER * a_token / seconds)}/s", about(tokens * seconds / STORE), about(HOST_LINK / (a_token / seconds)), share(apart), share(slow), size(waits), share(fast), size(less)))
    return ("<", "a batch", "batches a second", "results", "ranks that fill the store", "the link", "busy but for writing", "at 0.1 GB/s", "waiting at most", "at 0.5 GB/s", "waiting at most"), rows


_dealt = {}


def dealing(samples, ranks):
    key = samples, ranks
    if key not in _dealt:
        _dealt[key] = simulation.dealing(simulation.batches(samples, BATCH), ranks)
    return _dealt[key]


@table
def dealt():
    cell = lambda samples, ranks: [share(x) for x in dealing(samples, ranks)]
    return ("ranks", "10<sup>4</sup> samples: counter", "parts", "10<sup>5</sup>: counter", "parts", "10<sup>6</sup>: counter", "parts"), [(f"{ranks:,}", *cell(10**4, ranks), *cell(10**5, ranks), *cell(10**6, ranks)) for ranks in RANKS]


@table
def gradients():
    rows = []
    for shape, rank, everywhere in ((SHAPES["base-8m"], 8, True), (MIDDLE, 8, False), (MIDDLE, 128, True), (LARGE, 8, False), (LARGE, 128, True)):
        weights = shape.adapters(rank, everywhere)
        together = max(1, 2**28 // (4 * weights))
        drawn, passes, projected = 8192 * weights * SIGN / together, Lengths.mean * shape.measuring(Lengths.labels), 2 * 8192 * weights
        rows.append((f"{shape.name}, rank {rank}, {'all layers' if everywhere else 'q and v'}", f"{weights / 1e6:,.1f} million", size(4 * weights), f"{together:,}", time(drawn), f"{passes / 1e12:,.3g}", f"{projected / 1e12:,.3g}", time(gpu_seconds(passes + projected))))
    return ("<", "weights", "a gradient", "projected together", "signs, core time a sample", "passes, TFLOP", "projection, TFLOP", "both on a GPU"), rows


@table
def choosing():
    rows = []
    for name, width, files in (("levels of 8B", MIDDLE.levels, 1), ("levels of 70B", LARGE.levels, 1), ("embeddings of 70B", LARGE.hidden, 1), ("gradients, D = 8,192, 4 checkpoints", 8192, 4)):
        total = POOL * width * 4 * files
        rows.append((name, size(total), *(time(total / rate) for rate in (SELECT_RATE, NODE_DISK, SHARED_DISK)), time(POOL * SELECT_TEXT), time(POOL * width * files * 32 * SELECT_PAIR)))
    return ("<", "rows", "one pass, file cache", "a node's disk", "a shared one", "texts", "32 targets in turns, two threads"), rows


@table
def fits_on_cards():
    rows, tokens = [], 2048
    held = tokens * LARGE.activations(True)
    weights, work = LARGE.weights, tokens * LARGE.training(Lengths.labels)
    shard, layers, low = weights / CLUSTER, 2 * 2 * weights / LARGE.layers, LARGE.adapters(16, True)
    inside = 4 * LARGE.layers * NODE * tokens * LARGE.hidden * 2 * 2 * (NODE - 1) / NODE / 450e9
    for name, bytes_held, moved, factor, extra in (
        ("**patterns**, `--memory low`", 2 * weights, 0, 1, 0),
        ("fine-tuning without ranks", 18 * weights, 0, 4 / 3, 0),
        ("**ZeRO stage 2** (today)", 2 * weights + 16 * shard, 6 * weights, 4 / 3, 0),
        ("ZeRO stage 3", 18 * shard + layers, 8 * weights, 4 / 3, 0),
        ("tensor parallel in a node, stage 2 over nodes", 2 * weights / NODE + 16 * shard, 6 * weights / NODE, 4 / 3, inside),
        ("**adapters, rank 16, base whole** (today)", 2 * weights + 18 * low, 6 * low, 1, 0),
        ("adapters, base sharded", 2 * shard + layers + 18 * low, 4 * weights + 6 * low, 1, 0),
        ("adapters, base in 4 bits", 0.516 * weights + 18 * low, 6 * low, 1, 0),
    ):
        verdicts = ("fits" if bytes_held + MORE_MEMORY * held + LIBRARIES <= card else "hardly" if bytes_held + held + LIBRARIES <= card else "no" for card in CARDS.values())
        rows.append((name, size(bytes_held), f"{size(held)} to {size(MORE_MEMORY * held)}", *verdicts, *((size(moved), time(moved / CARD_LINK + extra)) if moved else ("–", "–")), time(gpu_seconds(work * factor))))
    return ("<70B", "weights and optimiser", f"activations, {tokens:,} tokens", *CARDS, "network a batch", "takes", "computing takes"), rows


@table
def updates():
    computed, rows = gpu_seconds(BATCH * MIDDLE.training(Lengths.labels)), []
    cell = lambda ranks, network, bucket: share(computed / simulation.training_step(MIDDLE, ranks, computed, bucket, network))
    for ranks in RANKS[1:]:
        rows.append((f"{ranks:,}", *(cell(ranks, network, bucket) for network in MESSAGE.values() for bucket in (25e6, 100e6, 400e6))))
    return ("ranks", *(f"{name.split(',')[0].split(' ')[0]}, buckets of {size(bucket)}" for name in MESSAGE for bucket in (25e6, 100e6, 400e6))), rows


@table
def processors():
    rows = []
    for shape in (SMALL, SHAPES["Llama 3.2 1B"], MIDDLE):
        computed = BATCH * shape.training(Lengths.labels) / (CORES * CORE_RATE)
        rows.append((shape.name, size(16 * shape.weights), time(computed), *(share(computed / simulation.training_step(shape, ranks, computed, 100e6, MESSAGE["Gloo over TCP, 100 Gb/s"])) for ranks in (2, 8, 64, 256))))
    return ("<", "masters, moments, gradients", "computing", "busy on 2 nodes", "8", "64", "256"), rows


@table
def windows():
    rows, network = [], next(iter(MESSAGE.values()))
    for ranks, each in ((16, 1), (64, 1), (64, 16), (64, 64), (1024, 1), (1024, 16), (1024, 64)):
        by_number, by_tokens = simulation.window(ranks, each, 4)
        computed = gpu_seconds(each * Lengths.mean * MIDDLE.training(Lengths.labels))
        whole = simulation.training_step(MIDDLE, ranks, computed, 400e6, network)
        busy = computed / (computed / by_tokens + whole - computed)
        rows.append((f"{ranks * each:,}", f"{ranks:,}", each, f"{each * Lengths.mean:,.0f}", share(by_number), share(by_tokens), share(computed / whole), share(busy), time(POOL / ranks / each * computed / busy)))
    return ("samples an update", "ranks", "a rank", "tokens", "busy: dealt by number", "longest first", "but for the exchange", "both", f"an epoch of {power(POOL)}"), rows


@table
def checkpoints():
    rows, between = [], FAILURE / CLUSTER
    for name, shape, cost in (("8B, through rank 0", MIDDLE, 12 * MIDDLE.weights / SHARED_DISK), ("70B, through rank 0", LARGE, 12 * LARGE.weights / SHARED_DISK), ("70B, each rank its part, at 100 GB/s in all", LARGE, 12 * LARGE.weights / 100e9)):
        best, restart = young(cost, between), DETECTION + LAUNCH + 2 * shape.weights / LOADING + reading(10**6)
        rows.append((name, size(12 * shape.weights), time(12 * shape.weights / CARD_LINK), time(cost), time(best), share(lost(best, cost, between, restart)), share(simulation.failing(best, cost, between, restart)), share(simulation.failing(900, cost, between, restart))))
    return ("<", "a checkpoint", "gathered in", "written in", "best interval", "time lost", "simulated", "every quarter of an hour"), rows


@table
def restarts():
    rows = []
    for shape in (MIDDLE, LARGE):
        for parts in (False, True):
            start, read, measured, write = patterns(shape, CLUSTER, parts=parts)
            again = DETECTION + LAUNCH + start + read
            count = (start + read + measured + write) * CLUSTER / FAILURE
            rows.append((shape.name, "each process its file" if parts else "one run", time(start + read + measured + write), f"{count:.2f}", time(again), f"{100 * count * again / (start + read + measured + write):.2g}%" if not parts else f"under {100 / CLUSTER:.1g}%"))
    return ("<", "<", "takes", "interruptions", "starting again", "GPU time lost"), rows


@table
def starting():
    rows = []
    for shape in (MIDDLE, LARGE):
        read = 2 * shape.weights * CLUSTER / NODE
        rows.append((shape.name, size(2 * shape.weights), size(read), *(time(max(read / rate, 2 * shape.weights / CARD_LINK)) for rate in (10e9, 100e9, 2e12)), time(2 * shape.weights / LOADING)))
    return ("<", "weights", f"read by {CLUSTER // NODE} nodes", "at 10 GB/s in all", "100 GB/s", "2 TB/s", "onto each GPU"), rows


def pictures():
    ranks = [1 << k for k in range(11)]
    hours = lambda seconds: seconds / 3600
    parts = [(n, patterns(LARGE, n)) for n in ranks]
    lines = [("one run, in all", [(n, hours(sum(p))) for n, p in parts], 1, False), ("of it: rank 0 writes", [(n, hours(p[3])) for n, p in parts], 1, True),
             ("of it: each rank reads", [(n, hours(p[1])) for n, p in parts], 3, True), ("a data file for each GPU", [(n, hours(sum(patterns(LARGE, n, parts=True)))) for n in ranks], 0, False)]
    ticks = [(10.0**k, f"{10**k:g}" if k < 3 else f"{10**k:,}") for k in range(-1, 5)]
    yield "scaling-patterns.svg", picture.chart("Patterns of Llama 3 70B for 10⁸ samples", "GPUs", "hours", lines, RANKS, ticks)
    lines = []
    for number, samples in enumerate((10**6, 10**5, 10**4)):
        for which, name in enumerate(("counter", "parts")):
            lines.append((f"10{'⁶⁵⁴'[number]} samples, {name}", [(n, dealing(samples, n)[which]) for n in ranks], number, bool(which)))
    yield "scaling-dealing.svg", picture.chart("Batches dealt by a counter, and in equal parts", "ranks", "share of the time that ranks are busy", lines, RANKS, [(0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1, "1")])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--check", action="store_true")
    o = a.parse_args()
    text = PAGE.read_text()
    names = [found[1] for found in BLOCK.findall(text)]
    wrong = sorted(set(names) ^ set(TABLES))
    if wrong:
        sys.exit(f"{PAGE.relative_to(ROOT)} and this script do not have the same tables: {', '.join(wrong)}")
    made = {PAGE: BLOCK.sub(lambda m: m[1] + TABLES[m[2]]() + m[3], text), **{IMAGES / name: svg for name, svg in pictures()}}
    changed = [place for place, new in made.items() if not place.exists() or place.read_text() != new]
    if not o.check:
        for place in changed:
            place.write_text(made[place])
    print("\n".join(str(place.relative_to(ROOT)) for place in changed) or "nothing changed")
    sys.exit(bool(o.check and changed))


if __name__ == "__main__":
    main()
