"""Makes the golden figures of choosing samples with numpy, PyTorch and rank-bm25.

    pip install --target PLACE --no-deps rank-bm25==0.2.2
    PYTHONPATH=PLACE "$(scripts/python)" scripts/goldens/selection.py
    (numpy 2.4.6, torch 2.15.0, rank-bm25 0.2.2)

Writes Tests/SelectionTests/Fixtures/selection.json:
    patterns    levels of a pool and a target, numpy's Pearson correlations of them as they are and standardised, its top-k, and whom a plain loop over
                sorted lists picks in turns; a pool sample is constant, two are equal, one lies far from zero
    gradients   LESS's influence, summed over checkpoints by its formula in PyTorch
    embeddings  cosines by PyTorch
    bm25        BM25Okapi's scores of texts
"""

import json
import pathlib
import re

import numpy as np
import rank_bm25
import torch

folder = pathlib.Path(__file__).parents[2] / "Tests/SelectionTests/Fixtures"
random = np.random.default_rng(20251128)
LAYERS, HEADS = 3, 7


def floats(array):
    """Float32 numbers, each written so that it reads back to itself."""
    return [floats(row) for row in array] if array.ndim > 1 else [float(x) for x in array]


def numbers(array):
    return [numbers(row) for row in array] if array.ndim > 1 else [None if np.isnan(x) else float(x) for x in array]


def pearson(pool, target):
    """Correlation of each row with each target row, in double precision; NaN for constant rows."""
    with np.errstate(all="ignore"):
        return np.array([[np.nan if np.ptp(row) == 0 else np.corrcoef(row, other)[0, 1] for other in target] for row in pool])


def top(scores, k):
    """numpy's order: the greatest first, of equal ones the first, NaN nowhere."""
    order = np.argsort(-scores, kind="stable")
    return [int(i) for i in order if not np.isnan(scores[i])][:k]


def turns(scores, k):
    """Targets take turns, each the first of its sorted list that is left."""
    lists = [top(scores[:, t], len(scores)) for t in range(scores.shape[1])]
    chosen, turn = [], 0
    while len(chosen) < k and any(lists):
        while lists[turn] and lists[turn][0] in [c for c, _ in chosen]:
            lists[turn].pop(0)
        if lists[turn]:
            chosen.append((lists[turn].pop(0), turn))
        turn = (turn + 1) % len(lists)
    return [[int(c), int(t)] for c, t in chosen]


def patterns():
    pool = random.lognormal(-5, 1, (60, LAYERS * HEADS)).astype(np.float32)
    target = random.lognormal(-5, 1, (5, LAYERS * HEADS)).astype(np.float32)
    pool[7] = 0.25
    pool[41] = pool[12]
    pool[20] += 100
    pool[30:50] = pool[30:50] * 0.3 + target[random.integers(0, 5, 20)]
    pool[41] = pool[12]
    wide_pool, wide_target = pool.astype(np.float64), target.astype(np.float64)
    mean = target.mean(axis=0, dtype=np.float64).astype(np.float32)
    with_mean = pearson(wide_pool, mean.astype(np.float64)[None])[:, 0]
    each = pearson(wide_pool, wide_target)
    center, spread = wide_pool.mean(axis=0), wide_pool.std(axis=0)
    standardised = pearson((wide_pool - center) / spread, ((mean - center) / spread)[None])[:, 0]
    groups = [[0, 3], [1, 2, 4]]
    grouped = pearson(wide_pool, np.array([wide_target[g].mean(axis=0) for g in groups]))
    first = top(with_mean, 1)[0]
    x, t = wide_pool[first] - wide_pool[first].mean(), mean - mean.astype(np.float64).mean()
    parts = x * t / (np.linalg.norm(x) * np.linalg.norm(t))
    return {
        "layers": LAYERS, "heads": HEADS, "pool": floats(pool), "target": floats(target), "mean": floats(mean), "pearson": numbers(with_mean),
        "pearson_each": numbers(each), "pearson_standardised": numbers(standardised), "top": top(with_mean, 25), "top_standardised": top(standardised, 25),
        "round_robin": turns(each, 30), "best": top(np.where(np.isnan(each).all(axis=1), np.nan, each.max(axis=1)), 30), "groups": groups,
        "round_robin_groups": turns(grouped, 20), "parts": numbers(parts),
    }


def gradients():
    n, t, d = 23, 6, 40
    weights = [1e-5, 2.5e-6, 4e-7]
    pool = [torch.tensor(random.standard_normal((n, d)), dtype=torch.float32) for _ in weights]
    target = [torch.tensor(random.standard_normal((t, d)), dtype=torch.float32) for _ in weights]

    def influence(groups):
        found = torch.zeros(n, len(groups), dtype=torch.float64)
        for eta, one, other in zip(weights, pool, target):
            means = torch.stack([other.double()[g].mean(0) for g in groups])
            found += eta / sum(weights) * torch.nn.functional.cosine_similarity(one.double()[:, None], means[None], dim=-1)
        return found.numpy()

    groups = [[0, 1, 5], [2, 3, 4]]
    by_group = influence(groups)
    return {
        "weights": weights, "pool": [floats(p.numpy()) for p in pool], "target": [floats(x.numpy()) for x in target],
        "influence": numbers(influence([list(range(t))])[:, 0]), "groups": groups, "influence_groups": numbers(by_group), "best_groups": top(by_group.max(axis=1), n),
    }


def embeddings():
    n, t, d = 17, 3, 24
    pool, target = (torch.tensor(random.standard_normal((k, d)), dtype=torch.float32) for k in (n, t))
    each = torch.nn.functional.cosine_similarity(pool.double()[:, None], target.double()[None], dim=-1).numpy()
    mean = torch.nn.functional.cosine_similarity(pool.double(), target.double().mean(0)[None], dim=-1).numpy()
    center, spread = pool.double().mean(0), pool.double().std(0, correction=0)
    standardised = torch.nn.functional.cosine_similarity((pool.double() - center) / spread, ((target.double().mean(0) - center) / spread)[None], dim=-1).numpy()
    return {"pool": floats(pool.numpy()), "target": floats(target.numpy()), "cosine": numbers(mean), "cosine_each": numbers(each), "cosine_standardised": numbers(standardised), "round_robin": turns(each, 12)}


def bm25():
    pool = [
        "What is 12 times 7? It is 84.", "Tom has three apples, Ann has 12.", "Was ist zwölf mal sieben?", "12 12 12 seven", "The cat sat on the mat; the dog sat too.",
        "Once upon a time there was a cat.", "三加四等于几？等于七。", "四加五等于九", "a the a the a the", "", "Seven times twelve: eighty-four, says Tom.", "x_1 + x_2 = 12",
    ]
    target = ["What is 9 times 12?", "The cat and the dog", "四加四等于几？"]

    def words(text):
        # Stretches of letters and digits, ideographs one by one.
        return re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.lower())

    index = rank_bm25.BM25Okapi([words(text) for text in pool])
    each = np.array([index.get_scores(words(text)) for text in target]).T
    return {"pool": pool, "target": target, "words": [words(t) for t in pool], "scores_each": numbers(each), "scores": numbers(each.mean(axis=1))}


found = {
    "made_by": "scripts/goldens/selection.py", "numpy": np.__version__, "torch": torch.__version__, "rank-bm25": "0.2.2",
    "patterns": patterns(), "gradients": gradients(), "embeddings": embeddings(), "bm25": bm25(),
}
folder.mkdir(parents=True, exist_ok=True)
(folder / "selection.json").write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
