"""What was found, as tables for people: a part's rows, the goals, and the sections of docs/Performance.md that are rewritten."""
import os, platform, statistics
from importlib.metadata import version

from inputs import root
from measuring import figure, spread
from works import HEADINGS, PARTS, UNITS

SECTIONS = {"patterns": "bench", "fine-tuning": "bench-sft"}


def machine(threads):
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        name = names[0] if names else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    # Not imported: a process begins with the memory of the one that started it, as the kernel counts its greatest size.
    return f"{name}, {threads} threads, {memory:.0f} GiB; torch {version('torch')}, transformers {version('transformers')}, Python {platform.python_version()}"


GSM8K = "; random weights, prompts of GSM8K's lengths"
INPUTS = {"lengths": "; random weights, made-up prompts", "start-up": "", "evaluation": "; random weights, made-up questions of the real ones' lengths",
          "generation": f"{GSM8K}, one text at a time after four words, 64 new tokens a text"}


def about(part, found, options):
    counts = sorted({len(runs) for f in found for runs in f.runs.values()})
    title, times = PARTS[part].removesuffix(" (--all)"), " or ".join(map(str, counts)) or "no"
    return (f"{machine(options.threads)}. {title[0].upper() + title[1:]}; medians of {times} alternating runs (least–greatest where there are several), ratios within a repetition"
            f"{INPUTS.get(part, GSM8K)}. Made by `Benchmarks/run {'--all ' if options.all else ''}--only {part}`.")


def table(part, found):
    """Rows of a part: for each method its figure, its ratio to each method that others are held against, and memory; then sentences."""
    seconds = any(f.work.seconds for f in found)
    columns = {}
    for f in found:
        columns |= {key: heading for key, heading in f.work.against.items() if f.rates(key) or key in f.failed}
    headings = ["model", "type", *HEADINGS.get(part, [])] if part != "start-up" else ["command"]
    unit = UNITS.get(part, "tokens/s")
    counted = unit == "tokens/s" and part != "generation"
    rows = ["| " + " | ".join([*headings, "method", *(["tokens"] if counted else []), f"{unit} (least–greatest)", *columns.values(), "peak memory (anonymous)"]) + " |",
            "|" + "---|" * (len(headings) + 1) + "--:|" * (len(columns) + 2 + counted)]
    notes = []
    for f in found:
        if f.skipped:
            notes.append(f"{', '.join(f.work.title)}: skipped: {f.skipped}")
            continue
        for method in f.work.methods:
            first = [*f.work.title, method.title]
            if method.key in f.failed:
                rows.append("| " + " | ".join(first + ["–"] * counted + [f.failed[method.key].replace("|", "/")] + ["–"] * (len(columns) + 1)) + " |")
                continue
            runs = f.runs.get(method.key)
            if not runs:
                continue
            cells = []
            for other in columns:
                ratios = f.ratios(method.key, other)
                refused = f.rates(other) and (f.refused(method.key) or f.refused(other)) and not other.endswith("limit")
                cells.append(figure(statistics.median(ratios)) + (f" ({figure(min(ratios))}–{figure(max(ratios))})" if len(ratios) > 1 and method.key.startswith("headway") and method.key != other else "")
                             if ratios else "refused" if refused else "–")
            memory = "–" if seconds else f"{statistics.median(r['peak_rss_mib'] for r in runs):.0f}" + (f" ({runs[0]['anonymous_mib']})" if runs[0]["anonymous_mib"] else "") + " MiB"
            rows.append("| " + " | ".join(first + [f"{runs[0]['tokens']:,}"] * counted + [spread(f.rates(method.key), seconds)] + cells + [memory]) + " |")
        notes += [f"{', '.join(f.work.title)}: {'' if a.good else '**Do not use these speeds:** '}{a.text}" for a in f.agreements]
        best = best_library_rate(f)
        if best:
            notes.append(f"{', '.join(f.work.title)}: {best}")
    return "\n".join(rows + [""] + notes)


def best_library_rate(f):
    """Which of the bare products was the fastest: the share of the limit is of those of the row's own type."""
    rates = {key: statistics.median(f.rates(key)) for key in ("limit", "old-limit", "wide-limit") if f.rates(key)}
    if len(rates) < 2:
        return None
    titles = {"limit": "weights laid out once, a process a core", "old-limit": "plain, on all threads", "wide-limit": "the same in float32, a process a core"}
    best = max(rates, key=rates.get)
    ways = f.runs["limit"][0]["summary"].get("ways", {}) if "limit" in f.runs else {}
    chosen = ", ".join(f"{count} {way}" for way, count in sorted(ways.items(), key=lambda w: -w[1]))
    return f"the best library rate is {figure(rates[best])} tokens/s ({titles[best]})" + (f"; shapes of products by their fastest way: {chosen}." if chosen else ".")


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
