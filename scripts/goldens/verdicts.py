"""Writes Tests/StudiesTests/Fixtures/verdicts.json: quantiles and tails of Student's t, paired t tests and Holm's correction, by scipy and statsmodels.

    python scripts/goldens/verdicts.py        scipy 1.15 or later and, where it is installed, statsmodels for Holm

Without statsmodels Holm's correction is computed by numpy from its definition (Holm 1979), and the file says so.
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import stats

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/StudiesTests/Fixtures/verdicts.json"


def holm(values):
    try:
        from statsmodels.stats.multitest import multipletests
        import statsmodels

        return multipletests(values, method="holm")[1].tolist(), f"statsmodels {statsmodels.__version__}"
    except ImportError:
        values = np.asarray(values)
        order = np.argsort(values, kind="stable")
        adjusted = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
        out = np.empty_like(adjusted)
        out[order] = adjusted
        return out.tolist(), "numpy, from the definition"


def main():
    generator = np.random.default_rng(7)
    quantiles = [
        {"p": p, "degrees": degrees, "t": float(stats.t.ppf(1 - p / 2, degrees))}
        for degrees in (1, 2, 3, 4, 7, 9, 19, 30, 199)
        for p in (0.5, 0.1, 0.05, 0.05 / 3, 0.01, 0.05 / 12, 1e-4)
    ]
    tails = [
        {"t": t, "degrees": degrees, "p": float(2 * stats.t.sf(t, degrees))}
        for degrees in (1, 2, 4, 9, 30, 199)
        for t in (0.0, 1e-6, 0.1, 0.7, 1.0, 2.5, 12.7, 60.0)
    ]
    cases = []
    for arms, seeds in ((1, 2), (3, 3), (6, 5), (9, 10)):
        differences = (generator.normal(size=(arms, seeds)) + generator.normal(size=(arms, 1)) * 2).round(6)
        tests = [stats.ttest_1samp(row, 0) for row in differences]
        p = [float(test.pvalue) for test in tests]
        adjusted, by = holm(p)
        intervals = [list(map(float, test.confidence_interval(0.95))) for test in tests]
        cases.append({"differences": differences.tolist(), "p": p, "holm": adjusted, "intervals": intervals, "holm_by": by})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    made = f"scripts/goldens/verdicts.py, scipy {scipy.__version__}, numpy {np.__version__}"
    OUT.write_text(json.dumps({"made_by": made, "quantiles": quantiles, "tails": tails, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
