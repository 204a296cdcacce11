"""What Headway is to reach, and what it reached: ratios of medians that the works of one run give."""
import statistics
from dataclasses import dataclass
from typing import Callable


@dataclass
class Goal:
    text: str
    aim: float
    at_most: bool
    value: Callable[[dict], float | None]  # of the works by their key


def ratio(work, key, other):
    return lambda works: works[work].ratio(key, other) if work in works else None


def share(work, key="headway"):
    """Of the fastest of the library's ways to multiply: a row's own type or float32, laid out or plain."""
    def value(works):
        found = [works[work].ratio(key, limit) for limit in ("limit", "old-limit", "wide-limit")] if work in works else []
        return min((f for f in found if f), default=None)

    return value


def inverse(work, key, other):
    def value(works):
        found = ratio(work, key, other)(works)
        return 1 / found if found else None

    return value


def anonymous(work):
    def value(works):
        runs = works[work].runs.get("headway") if work in works else None
        return max(r["anonymous_mib"] for r in runs) / 1024 if runs and runs[0]["anonymous_mib"] else None

    return value


def seconds(work):
    return lambda works: statistics.median(works[work].rates("headway")) if work in works and works[work].rates("headway") else None


def growth_of_memory(works):
    """Anonymous memory at 8,192 tokens by that at 2,048, for four times the tokens. Headway's own count where it prints one."""
    few, many = (works.get(f"lengths-bench-30m-bfloat16-{n}") for n in (2048, 8192))
    if not few or not many or not few.rates("headway") or not many.rates("headway"):
        return None
    least = [min(r["anonymous_mib"] or r["peak_rss_mib"] for r in f.runs["headway"]) for f in (few, many)]
    return least[1] / least[0]


P, S = "patterns-{}-{}", "fine-tuning-{}-bfloat16"
GOALS = []
for shape, part, times in (("smollm2-135m", 0.80, 1.6), ("bench-100m", 0.88, 1.4), ("llama3.2-1b", 0.90, None)):
    GOALS.append(Goal(f"patterns bf16, {shape}: share of the best library rate", part, False, share(P.format(shape, "bfloat16"))))
    if times:
        GOALS.append(Goal(f"patterns bf16, {shape}: × compiled PyTorch", times, False, ratio(P.format(shape, "bfloat16"), "headway", "compiled")))
GOALS += [
    Goal("patterns float32, base-8m: × TransformerLens", 3, False, ratio(P.format("base-8m", "float32"), "headway", "lens")),
    Goal("patterns float32, smollm2-135m: × TransformerLens", 2.5, False, ratio(P.format("smollm2-135m", "float32"), "headway", "lens")),
    Goal("all threads by processes of one thread, each pinned, smollm2-135m bf16", 0.97, False, ratio(P.format("smollm2-135m", "bfloat16"), "headway", "pinned")),
    Goal("the same, bench-100m bf16", 0.97, False, ratio(P.format("bench-100m", "bfloat16"), "headway", "pinned")),
    Goal("Llama 3 8B shape, `--memory auto`: share of the mapped limit", 0.88, False, share("large-llama3-8b-bfloat16")),
    Goal("the same: anonymous memory, GiB", 1.5, True, anonymous("large-llama3-8b-bfloat16")),
    *(Goal(f"{n:,} tokens a sample: × careful PyTorch", 1.5, False, ratio(f"lengths-bench-30m-bfloat16-{n}", "headway", "careful")) for n in (2048, 4096, 8192)),
    Goal("memory at 8,192 tokens by that at 2,048 (linear: 4)", 4.2, True, growth_of_memory),
    *(Goal(f"saliency besides, {shape} bf16: time by that without", 1.35, True, inverse(P.format(shape, "bfloat16"), "headway-saliency", "headway")) for shape in ("smollm2-135m", "bench-100m")),
    *(Goal(f"fine-tuning, {shape} bf16: × compiled PyTorch", 1.3, False, ratio(S.format(shape), "headway", "compiled")) for shape in ("smollm2-135m", "bench-100m")),
    Goal("ablation of all heads: × careful PyTorch in batches", 2, False, ratio("ablation-base-8m-float32", "headway", "careful")),
    Goal("start-up without a model, s", 0.08, True, seconds("start-up")),
]


def table(found):
    """A row a goal; empty where no work of these was measured."""
    works, rows = {f.work.key: f for f in found}, []
    for goal in GOALS:
        value = goal.value(works)
        if value is not None:
            reached = value <= goal.aim if goal.at_most else value >= goal.aim
            rows.append(f"| {goal.text} | {value:.{3 if goal.aim < 0.1 else 2}f} | {'≤' if goal.at_most else '≥'} {goal.aim:g} | {'yes' if reached else 'no'} |")
    return "\n".join(["| work | found | goal | reached |", "|---|--:|--:|---|"] + rows) if rows else ""
