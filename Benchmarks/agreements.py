"""Whether rivals and Headway computed the same, before any ratio of their speeds is believed. Each function takes what a work found and gives a list of `Agreement`."""
import dataclasses

import numpy as np

import compare_patterns
from measuring import Agreement, Failed, Job, Method, measure

RIVALS = ("careful", "compiled", "authors", "unpadded")


def distance(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def need(found, *keys):
    for key in keys:
        if key not in found.runs:
            raise Failed(f"{key} was not measured")


def careful_of(found):
    """The careful rival that was measured: compiled, where it was measured so alone."""
    key = "careful" if "careful" in found.runs else "compiled"
    need(found, key, "headway")
    return key


def extra(found, name, command, ending="npz", samples=None):
    """A run beside the timed ones; its output and its summary."""
    data = found.job.data
    if samples:
        data = found.folder / f"few-{samples}.jsonl"
        data.write_text("".join(found.job.data.read_text().splitlines(keepends=True)[:samples]))
    job = dataclasses.replace(found.job, data=data, out=found.folder / f"{name}.{ending}")
    return job.out, measure(Method(name, name, command), job)["summary"]


def levels(path, score="magnitude"):
    return compare_patterns.read(str(path))[f"{score}.samples"].astype(np.float64)


def careful_levels(found, rival, dtype, exact):
    """Headway's levels against careful PyTorch's, both of all samples. In bfloat16 the first `exact` samples of both are held against float32: Headway must not be more than twice as
    far from it as the rival. Without `exact`, and in float32, they are held against each other."""
    other = careful_of(found)
    ours, careful = levels(found.folder / "headway.safetensors"), levels(found.folder / f"{other}.npz")
    tokens = [found.runs[key][0]["tokens"] for key in ("headway", other)]
    if ours.shape != careful.shape or tokens[0] != tokens[1]:
        return Agreement(RIVALS, False, f"Headway measured {ours.shape} levels of {tokens[0]} tokens and the careful rival {careful.shape} of {tokens[1]}: they did not see the same samples.")
    apart = distance(ours, careful)
    if dtype == "float32":
        return Agreement(RIVALS, apart <= 1e-5, f"levels in float32, Headway and careful PyTorch: {apart:.1e} from each other (relative, over all samples).")
    if not exact:
        return Agreement(RIVALS, apart <= 5e-2, f"levels in {dtype}, Headway and careful PyTorch: {apart:.1e} from each other (relative, over all samples).")
    exact = min(exact, len(ours))
    truth = levels(extra(found, "float32", rival("--dtype", "float32"), samples=exact)[0])
    off = np.abs(ours - careful) / careful.max((1, 2), keepdims=True)
    away = distance(ours[:exact], truth), distance(careful[:exact], truth)
    return Agreement(RIVALS, away[0] <= 2 * away[1] + 1e-3,
                     f"from float32 (first {exact} samples, relative) Headway in bfloat16 is {away[0]:.1e} away, careful PyTorch {away[1]:.1e}; from each other {apart:.1e}, no level by more than "
                     f"{off.max():.1e} of its sample's largest; correlation of the patterns {np.corrcoef(ours.mean(0).ravel(), careful.mean(0).ravel())[0, 1]:.6f}.")


def few_levels(found, rival, headway, samples):
    """The levels of the first samples in float32, where careful PyTorch is not timed."""
    ours = levels(extra(found, "few", headway, "safetensors", samples)[0])
    careful = levels(extra(found, "few-careful", rival, samples=samples)[0])
    if ours.shape != careful.shape:
        return Agreement(RIVALS, False, f"Headway measured {ours.shape} levels and careful PyTorch {careful.shape}.")
    apart = distance(ours, careful)
    return Agreement(RIVALS, apart <= 1e-5, f"levels of {len(ours)} samples in float32, Headway and careful PyTorch: {apart:.1e} from each other (relative).")


def lens_levels(found, rival, headway, samples=8):
    """The level `signed` of the first samples in float32: no level may differ by more than 1e-5 of its sample's greatest."""
    ours = levels(extra(found, "signed", headway("--score", "signed"), "safetensors", samples)[0], "signed")
    theirs = levels(extra(found, "signed-lens", rival, samples=samples)[0], "signed")
    if ours.shape != theirs.shape:
        return Agreement(("lens",), False, f"Headway measured {ours.shape} levels and TransformerLens {theirs.shape}.")
    away = float((np.abs(ours - theirs) / np.abs(theirs).max((1, 2), keepdims=True)).max())
    return Agreement(("lens",), away <= 1e-5, f"signed levels of {len(ours)} samples in float32, Headway and TransformerLens: at most {away:.1e} of the sample's greatest apart.")


def losses(found, rival, dtype):
    """The losses of all steps against the careful rival's, and in bfloat16 the first ones of both against float32's, where `rival` computes these.

    3e-4 of a loss is five times what computing the same in another way in bfloat16 (--precision autocast) changes; in float32 1e-5 is some hundred roundings."""
    runs = [found.runs[key][0]["summary"] for key in ("headway", careful_of(found))]
    ours, theirs = (run["losses"] for run in runs)
    if len(ours) != len(theirs) or runs[0]["tokens"] != runs[1]["tokens"]:
        return Agreement(RIVALS + ("autocast",), False, f"Headway trained on {runs[0]['tokens']} tokens in {len(ours)} steps and the careful rival on {runs[1]['tokens']} in {len(theirs)}.")
    apart, most = max(abs(a / b - 1) for a, b in zip(ours, theirs)), 3e-4 if dtype == "bfloat16" else 1e-5
    text, good = f"losses of all {len(ours)} steps, Headway against careful PyTorch: {apart:.1e} apart at most (relative)", apart <= most
    if dtype == "bfloat16" and rival:
        exact = extra(found, "float32", rival)[1]["losses"][0]
        away = abs(ours[0] / exact - 1), abs(theirs[0] / exact - 1)
        text, good = text + f"; the first is {away[0]:.1e} from float32, the rival's {away[1]:.1e}", good and away[0] <= most
    return Agreement(RIVALS + ("autocast",), good, text + ".")


def changes(found):
    """The change of loss of every head against careful PyTorch's, as a part of the loss."""
    need(found, "careful", "headway")
    ours, theirs = (found.runs[key][0]["summary"] for key in ("headway", "careful"))
    mine = {(item["layer"], item["head"]): item["true_change"] for item in ours["items"]}
    heads = max(head for _, head in mine) + 1
    away = max(abs(mine[i // heads, i % heads] - change) for i, change in enumerate(theirs["change"])) / theirs["loss"]
    return Agreement(("careful",), len(mine) == len(theirs["change"]) and away <= 1e-5, f"changes of loss of {len(mine)} heads, Headway against careful PyTorch: at most {away:.1e} of the loss apart.")


def texts(found, rival, headway):
    """Greedy texts in float32, token by token up to each text's first difference. Near a tie of two tokens both are right, so one text in eight may part."""
    ours, theirs = extra(found, "texts", headway, samples=8)[1]["texts"], extra(found, "texts-rival", rival, samples=8)[1]["ids"]
    equal = []
    for text, ids in zip(ours, theirs):
        pairs = list(zip(text["tokens"], ids))
        equal.append(next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs)))
    whole = sum(e == len(t["tokens"]) for e, t in zip(equal, ours))
    return Agreement(("transformers",), len(ours) == len(theirs) and whole >= len(ours) - max(1, len(ours) // 8),
                     f"in float32 {whole} of {len(equal)} texts and {sum(equal)} of {sum(len(t['tokens']) for t in ours)} tokens, each text's up to its first difference, equal transformers'.")

