"""How the cost of patterns grows with tokens, samples, layers, vocabulary and threads, and what that says of machines with more cores.

    Benchmarks/run --growth [--update-docs] [--repetitions 3]

Headway measures random weights of the shape bench-30m (512 wide, 8 layers, 16,000 tokens), one thing changed at a time, with prompts of GSM8K's lengths. Seconds are the measuring loop's, memory is
what the process itself asked for (anonymous). Results go to bench-out/growth.json and bench-out/growth-*.svg; with --update-docs the pictures also to docs/images, and
their section of docs/Performance.md is rewritten.

The paper model of n cores: T(n) = s + w · m(n). m(n) is how long n lanes take for the batches that Headway plans, each lane taking the next batch as soon as it is free, as a part of what one lane
takes; s (what happens on one thread) and w (what lanes share) are fitted to the measured T of 1, 2, … threads. Memory is asked for b bytes a token: every batch reads the weights
forward and back, and passes its activations.
"""
import dataclasses, heapq, json, math, shutil, statistics, sys

import numpy as np

import prompts, report
from inputs import model_folder, peers, prompt_file, root, weight_bytes
from measuring import Failed, Job, Method, figure, measure, say
from works import headway

SHAPE = "bench-30m"
TOKENS, SAMPLES, LAYERS, VOCABULARIES = [128, 256, 512, 1024, 2048, 4096, 8192], [8, 16, 32, 64, 128, 256], [2, 4, 8, 16, 32], [4000, 16000, 64000, 256000]
FEWEST_TOKENS, MOST_TOKENS = 256, 1024  # of a batch (BatchLanes.swift)


def run(o):
    dtype = (o.dtypes or ["bfloat16"])[0]
    repetitions, found = o.repetitions or 3, {}

    def point(name, value, model, data, threads, longest=1024):
        job = Job(model, data, o.out / "growth.safetensors", threads, o)
        runs = [measure(Method("headway", "", headway("pattern", "--dtype", dtype, "--max-length", longest)), job) for _ in range(repetitions)]
        result = {"value": value, "tokens": runs[0]["tokens"], "seconds": [r["tokens"] / r["rate"] for r in runs], "anonymous_mib": statistics.median(r["anonymous_mib"] or r["peak_rss_mib"] for r in runs)}
        say(f"growth: {name:10} {value:8,} {statistics.median(result['seconds']):8.2f} s {runs[0]['tokens'] / statistics.median(result['seconds']):8.0f} tokens/s {result['anonymous_mib']:6.0f} MiB")
        found.setdefault(name, []).append(result)

    small = lambda n: min(n, o.samples) if o.samples else n
    plain = model_folder(SHAPE)
    try:
        for tokens in TOKENS:
            count = small(max(1, TOKENS[-1] // tokens))
            point("tokens", tokens, plain, prompt_file(plain, count, tokens), o.threads, TOKENS[-1])
        for samples in SAMPLES:
            if samples == small(samples):
                point("samples", samples, plain, prompt_file(plain, samples), o.threads)
        for layers in LAYERS:
            model = model_folder(SHAPE, "--layers", str(layers))
            point("layers", layers, model, prompt_file(model, small(32)), o.threads)
        for vocabulary in VOCABULARIES:
            model = model_folder(SHAPE, "--vocabulary", str(vocabulary))
            point("vocabulary", vocabulary, model, prompt_file(model, small(32)), o.threads)
        for threads in range(1, o.threads + 1):
            point("threads", threads, plain, prompt_file(plain, small(64)), threads)
        bandwidth = measure(Method("bandwidth", "", lambda job: [sys.executable, peers / "memory_bandwidth.py", "--threads", job.threads], rate=lambda s, wall, job: s["gigabytes_per_second"]),
                            Job(plain, None, o.out / "growth.json", o.threads, o))["rate"]
    except Failed as problem:
        say(f"growth: error: {problem}")
        sys.exit(1)
    weights = weight_bytes(plain, 2 if dtype == "bfloat16" else 4)
    model, worst, best = (PaperModel(found["threads"], small(64), weights, dtype, *pick) for pick in ((statistics.median, statistics.median), (min, max), (max, min)))
    (o.out / "growth.json").write_text(json.dumps({"machine": report.machine(o.threads), "dtype": dtype, "points": found, "paper": dataclasses.asdict(model.fit), "gigabytes_per_second": bandwidth}, indent=1) + "\n")
    pictures = {"growth.svg": time_picture(found, model), "growth-memory.svg": memory_picture(found)}
    for name, text in pictures.items():
        (o.out / name).write_text(text)
    section = page(o, dtype, repetitions, found, (model, worst, best), bandwidth)
    (o.out / "growth.md").write_text(section + "\n")
    print(section)
    if o.update_docs:
        (root / "docs" / "images").mkdir(parents=True, exist_ok=True)
        for name in pictures:
            shutil.copy(o.out / name, root / "docs" / "images" / name)
        report.update_docs("bench-growth", section)


def batches_of(lengths):
    """The batches that samples of these lengths are planned in: of at most 1,024 tokens, and of an eighth of what is left towards the end."""
    result, rest, room = [], sum(lengths), 0
    for length in lengths:
        if not result or result[-1] + length > room:
            result.append(0)
            room = min(MOST_TOKENS, max(FEWEST_TOKENS, rest // 8))
        result[-1] += length
        rest -= length
    return result


def share_of_one(batches, lanes):
    """How long lanes that each take the next batch as soon as they are free need, as a part of what one needs."""
    ends = [0] * lanes
    for tokens in batches:
        heapq.heapreplace(ends, ends[0] + tokens)
    return max(ends) / sum(batches)


def median(point):
    return statistics.median(point["seconds"])


@dataclasses.dataclass
class Fit:
    tokens: int  # of the samples that it was fitted to
    serial_seconds_per_token: float
    lane_seconds_per_token: float
    bytes_per_token: float


class PaperModel:
    """Fitted to seconds of one thread and of more; `one` and `more` pick from the repetitions (median, least or greatest)."""

    def __init__(self, points, samples, weights, dtype, one=statistics.median, more=statistics.median):
        tokens = points[0]["tokens"]
        share = [share_of_one(batches_of(lengths_of(samples)), p["value"]) for p in points]
        # Both parts are times: least squares with neither below zero.
        ones = np.array([[1.0, m] for m in share])
        times = np.array([(more if i else one)(p["seconds"]) for i, p in enumerate(points)])
        serial, lanes = np.linalg.lstsq(ones, times, rcond=None)[0] if len(points) > 1 else (0.0, times[0])
        if serial < 0:
            serial, lanes = 0.0, float(np.dot(share, times) / np.dot(share, share))
        width = 2 if dtype == "bfloat16" else 4
        # A layer keeps its inputs, q, k, v, the heads' output and three of the gated activation's: some 5 · hidden + 4 · intermediate numbers a token, written once and read once.
        activations = 2 * width * 8 * (5 * 512 + 4 * 1408)
        self.fit = Fit(tokens, serial / tokens, lanes / tokens, 2 * weights / MOST_TOKENS + activations)

    def rate(self, cores, samples):
        """Tokens a second of so many cores on samples of GSM8K's lengths."""
        m = share_of_one(batches_of(lengths_of(samples)), cores)
        return 1 / (self.fit.serial_seconds_per_token + self.fit.lane_seconds_per_token * m)


_lengths = {}


def lengths_of(samples):
    if samples not in _lengths:
        _lengths[samples] = sorted((p + r for p, r in prompts.lengths(samples, 2)), reverse=True)
    return _lengths[samples]


def exponent(points, value=median):
    """The slope of the logarithms over the last three points: 1 is proportional, 2 quadratic."""
    last = points[-3:]
    return float(np.polyfit([math.log(p["value"]) for p in last], [math.log(value(p)) for p in last], 1)[0]) if len(last) > 1 else float("nan")


def page(o, dtype, repetitions, found, models, bandwidth):
    """The section of docs/Performance.md; `models` are the fits to medians, and to those repetitions that make most and least of what runs on one thread."""
    model, worst, best = models

    def per_token(name):
        return ", ".join(f"{p['value']:,}: {figure(1000 * median(p) / p['tokens'])}" for p in found[name])

    fit, cores = model.fit, [1, 2, 4, 16, 64]
    paper = ["| cores | " + " | ".join(f"{n:,} samples, tokens/s (of n × one core)" for n in (64, 1000, 10000)) + " | the last, by the repetitions' extremes | memory asked for then, GB/s |", "|--:|" + "--:|" * 5]
    for n in cores:
        rates = [model.rate(n, samples) for samples in (64, 1000, 10000)]
        paper.append(f"| {n} | " + " | ".join(f"{rate:,.0f} ({rate / n / model.rate(1, samples):.2f})" for rate, samples in zip(rates, (64, 1000, 10000))) 
                     + f" | {worst.rate(n, 10000):,.0f}–{best.rate(n, 10000):,.0f} | {rates[-1] * fit.bytes_per_token / 1e9:.1f} |")
    serial = fit.serial_seconds_per_token / (fit.serial_seconds_per_token + fit.lane_seconds_per_token)
    return f"""{report.machine(o.threads)}. Patterns (magnitude) of `{SHAPE}` (512 wide, 8 layers, 16,000 tokens; one thing changed at a time) in {dtype}, prompts of GSM8K's lengths; medians of {repetitions}. Made by `Benchmarks/run --growth`.

![Seconds over tokens a sample, samples, layers, vocabulary and threads, with the line of proportional growth, and the paper model of more cores](images/growth.svg)

![Anonymous memory over tokens a sample, samples and layers](images/growth-memory.svg)

Milliseconds a token: by tokens a sample {per_token("tokens")}; by samples {per_token("samples")}; by layers {per_token("layers")}; by vocabulary {per_token("vocabulary")}; by threads {per_token("threads")}. \
Over the last three points seconds grow with samples to the power {exponent(found["samples"]):.2f}, with layers {exponent(found["layers"]):.2f}, with vocabulary {exponent(found["vocabulary"]):.2f}; \
memory with tokens a sample {exponent(found["tokens"], lambda p: p["anonymous_mib"]):.2f}, with samples {exponent(found["samples"], lambda p: p["anonymous_mib"]):.2f}.

On paper for more cores: T(n) = s + w · m(n), where m(n) is what n lanes take for the planned batches as a part of what one takes, and s and w are fitted to the measured threads (s is a small difference of measured times, so its extremes stand beside): {1e3 * fit.serial_seconds_per_token:.4f} ms a token \
on one thread only ({serial:.1%} of one core's time) and {1e3 * fit.lane_seconds_per_token:.3f} ms in lanes. A token asks memory for {fit.bytes_per_token / 1e6:.2f} MB (weights forward and back once a batch of 1,024 tokens, activations written and read once, \
nothing kept in a cache); this machine reads {bandwidth:.0f} GB/s. Eight channels of DDR4-3200 give 205 GB/s, twelve of DDR5-4800 461 GB/s. Where lanes would be busy for less than 0.7 of the time (64 samples on 64 cores), Headway takes a batch at a time on all threads instead. Not in it: clock rates that fall when all cores work, and memory on other sockets.

{chr(10).join(paper)}"""


INK, GRID, PALE = "#222222", "#dddddd", "#777777"
LINES = ["#1f5fa8", "#c2571a", "#3a8a3a"]


def log_ticks(low, high):
    """Powers of ten, with 2 and 5 between them where there are few."""
    tens = [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    ticks = [t for t in tens if low <= t <= high]
    return ticks if len(ticks) > 2 else [t * m for t in tens for m in (1, 2, 5) if low <= t * m <= high]


def short(value):
    return f"{value / 1000:g}k" if value >= 1000 and value % 1000 == 0 else f"{value:,g}"


def panel(x, y, title, series, y_title, proportional=None, ticks=None):
    """A log–log panel at x, y: series of (name, points), an optional dashed line through the first point that grows in proportion (1) or shrinks (-1)."""
    width, height, left, top = 250, 170, 48, 26
    points = [p for _, line in series for p in line]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    dashed = []
    if proportional:
        first = series[0][1][0]
        dashed = [first, (max(xs), first[1] * (max(xs) / first[0]) ** proportional)]
        ys.append(dashed[1][1])
    low, high = min(ys) / 1.3, max(ys) * 1.3
    # At least a decade high, so that noise does not look like growth.
    if high / low < 10:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(10), middle * math.sqrt(10)
    scale = lambda v, a, b, size: size * (math.log(v) - math.log(a)) / (math.log(b) - math.log(a) or 1)
    px = lambda v: x + left + scale(v, min(xs), max(xs), width - left - 14)
    py = lambda v: y + top + (height - top - 28) - scale(v, low, high, height - top - 28)
    bottom, right = py(low), px(max(xs))
    out = [f'<text x="{x + left}" y="{y + 14}"><tspan font-weight="bold">{title}</tspan><tspan fill="{PALE}">, {y_title}</tspan></text>']
    for v in log_ticks(low, high):
        out.append(f'<path d="M{px(min(xs)):.1f} {py(v):.1f}H{right:.1f}" stroke="{GRID}"/><text x="{px(min(xs)) - 6:.1f}" y="{py(v) + 4:.1f}" text-anchor="end">{short(v)}</text>')
    for v in ticks or sorted(set(xs)):
        out.append(f'<path d="M{px(v):.1f} {bottom:.1f}v4" stroke="{INK}"/><text x="{px(v):.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{short(v)}</text>')
    out.append(f'<path d="M{px(min(xs)):.1f} {bottom:.1f}H{right:.1f}" stroke="{INK}"/>')
    if dashed:
        out.append(f'<path d="M{px(dashed[0][0]):.1f} {py(dashed[0][1]):.1f}L{px(dashed[1][0]):.1f} {py(dashed[1][1]):.1f}" stroke="{PALE}" stroke-dasharray="4 3" fill="none"/>')
    for number, (name, line) in enumerate(series):
        colour = LINES[number % len(LINES)]
        out.append(f'<path d="M' + "L".join(f"{px(a):.1f} {py(b):.1f}" for a, b in line) + f'" stroke="{colour}" stroke-width="1.6" fill="none"/>')
        out += [f'<circle cx="{px(a):.1f}" cy="{py(b):.1f}" r="2.4" fill="{colour}"/>' for a, b in line]
        if name:
            out.append(f'<text x="{x + left + 8}" y="{y + top + 12 + 14 * number}" fill="{colour}">{name}</text>')
    return "".join(out)


def picture(panels, columns=3):
    rows = math.ceil(len(panels) / columns)
    wide, high = 250 * min(columns, len(panels)) + 8, 178 * rows + 6
    body = "".join(panel(250 * (i % columns), 178 * (i // columns) + 2, *p) for i, p in enumerate(panels))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" font-family="sans-serif" font-size="11" fill="{INK}"><rect width="100%" height="100%" fill="white"/>{body}</svg>\n'


def time_picture(found, model):
    line = lambda name, value=median: [("", [(p["value"], value(p)) for p in found[name]])]
    each = lambda p: 1000 * median(p) / p["tokens"]
    cores = [1, 2, 4, 8, 16, 32, 64]
    paper = [(f"{n:,} samples", [(c, model.rate(c, n)) for c in cores]) for n in (10000, 1000, 64)]
    return picture([("tokens a sample", line("tokens", each), "ms/token", None, TOKENS[::2]), ("samples", line("samples"), "s", 1), ("layers", line("layers"), "s", 1), ("vocabulary", line("vocabulary"), "s", None),
                    ("threads", line("threads"), "s", -1), ("cores, on paper", paper, "tokens/s", 1)])


def memory_picture(found):
    line = lambda name: [("", [(p["value"], p["anonymous_mib"]) for p in found[name]])]
    return picture([("tokens a sample", line("tokens"), "MiB", None, TOKENS[::2]), ("samples", line("samples"), "MiB", None), ("layers", line("layers"), "MiB", None)])
