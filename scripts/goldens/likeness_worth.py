"""Writes Tests/StudiesTests/Fixtures/likeness_worth.json: rank correlations with a third list held fixed, forms of a pattern, linear datamodelling
scores, by scipy and numpy.

    python scripts/goldens/likeness_worth.py        scipy 1.15 or later

    partial    Spearman's correlation of two lists, and with a third held fixed: numpy's correlation of what numpy's least squares leave of scipy's ranks.
    forms      a pool and a target, standardised and weighed by the reliability of the target's mean, and numpy's weighted Pearson correlations.
    scores     likenesses, subsets and losses; scipy's Spearman for each target sample, averaged; and the reliability over trainings.
"""

import itertools
import json
import pathlib

import numpy as np
import scipy
from scipy import stats

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/StudiesTests/Fixtures/likeness_worth.json"
random = np.random.default_rng(11)


def left(values, z):
    """What of the ranks of values a straight line in the ranks of z does not explain."""
    ranks = stats.rankdata(values)
    design = np.stack([np.ones(len(z)), stats.rankdata(z)], axis=1)
    return ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]


def partial():
    cases = []
    for count, ties in ((5, False), (10, False), (10, True), (40, True)):
        z = random.normal(size=count)
        x, y = z + random.normal(size=count), 0.5 * z + random.normal(size=count)
        if ties:
            x, y, z = x.round(), y.round(1), z.round()
        cases.append({
            "x": x.tolist(), "y": y.tolist(), "z": z.tolist(), "spearman": float(stats.spearmanr(x, y).statistic),
            "partial": float(np.corrcoef(left(x, z), left(y, z))[0, 1]),
        })
    return cases


def forms():
    pool, target = random.lognormal(size=(9, 6)), random.lognormal(size=(4, 6)) + [0, 0, 1, 2, 0, 3]
    found = {"pool": pool.tolist(), "target": target.tolist()}
    center, spread = pool.mean(axis=0), pool.std(axis=0)
    p, t = (pool - center) / spread, (target - center) / spread
    reliable = np.maximum(0, 1 - t.var(axis=0, ddof=1) / (len(t) * t.mean(axis=0) ** 2))
    for name, weights in (("standardised", np.ones(6)), ("weighted", reliable)):

        def correlation(x, y):
            covariance = np.cov(np.stack([x, y]), aweights=weights, ddof=0)
            return covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])

        found[name] = {
            "weights": weights.tolist(), "mean": [correlation(row, t.mean(axis=0)) for row in p],
            "each": [[correlation(row, other) for other in t] for row in p],
        }
    return found


def scores():
    samples, targets, subsets, trainings = 12, 3, 9, 3
    values = random.normal(size=(samples, targets))
    members = [sorted(random.choice(samples, samples // 2, replace=False).tolist()) for _ in range(subsets)]
    sums = np.array([values[m].sum(axis=0) for m in members])
    losses = -sums[:, None] + random.normal(size=(subsets, trainings, targets)) * 2
    means = losses.mean(axis=1)
    score = np.mean([stats.spearmanr(sums[:, j], -means[:, j]).statistic for j in range(targets)])
    single = np.mean([
        stats.spearmanr(losses[:, a, j], losses[:, b, j]).statistic
        for a, b in itertools.combinations(range(trainings), 2) for j in range(targets)
    ])
    reliability = trainings * single / (1 + (trainings - 1) * single)
    return {
        "values": values.tolist(), "members": members, "losses": losses.tolist(), "score": float(score), "single": float(single),
        "reliability": float(reliability), "ceiling": float(np.sqrt(max(0, reliability))),
    }


made = f"scripts/goldens/likeness_worth.py, scipy {scipy.__version__}, numpy {np.__version__}"
OUT.write_text(json.dumps({"made_by": made, "partial": partial(), "forms": forms(), "scores": scores()}, indent=1) + "\n")
