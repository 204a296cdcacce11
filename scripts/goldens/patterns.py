"""Makes the golden figures of the room ActivationPatterns with numpy, scipy, scikit-learn and statsmodels.

    python scripts/goldens/patterns.py
    (numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, statsmodels 0.15.0, safetensors 0.8.0)

Writes into Tests/ActivationPatternsTests/Fixtures:
    figures.json          statistics, correlations and fits of the vectors that it holds
    large.json            the same statistics of long vectors that `congruence` generates on both sides
    pattern.safetensors   a pattern file as another program would write it, with pattern.ids.jsonl
    mean.npy              a mean as numpy.save writes it
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import scipy.optimize
import scipy.stats
import sklearn
import sklearn.linear_model
import statsmodels
import statsmodels.api
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
folder = pathlib.Path(__file__).parents[2] / "Tests/ActivationPatternsTests/Fixtures"
versions = {
    "made_by": "scripts/goldens/patterns.py", "numpy": np.__version__, "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__, "statsmodels": statsmodels.__version__,
}
random = np.random.default_rng(20240607)


def finite(value):
    return None if value is None or not np.isfinite(value) else float(value)


def gini(x):
    """The double sum of equation 7."""
    total = x.sum()
    return None if total <= 0 else np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * total)


def statistics(x, gini=gini):
    constant = x.min() == x.max()
    return {
        "gini": finite(gini(x)),
        "cv": (0.0 if constant else finite(scipy.stats.variation(x))) if x.mean() > 0 else None,
        "kurtosis": None if constant else finite(scipy.stats.kurtosis(x, fisher=False)),
        "mean": float(x.mean()), "min": float(x.min()), "max": float(x.max()),
    }


vectors = {
    "exponential": random.exponential(size=64),
    "normal": random.normal(size=96),
    "shifted": 1e3 + random.normal(size=50),
    "lognormal": random.lognormal(sigma=2, size=1024),
    "heavy": np.abs(random.standard_cauchy(size=200)),
    "tiny": random.exponential(size=40) * 1e-12,
    "huge": random.exponential(size=40) * 1e30,
    "one": np.array([3.5]),
    "two": np.array([1.0, 4.0]),
    "zeros": np.zeros(12),
    "constant": np.full(12, 0.1),
    "negative": -random.exponential(size=24),
    "sparse": np.array([0.0] * 30 + [2.0]),
    "ties": np.array([1.0, 2, 2, 3, 3, 3, 0, 0, 5, 1]),
}
figures = {"versions": versions, "statistics": [
    {"name": name, "values": x.tolist(), **statistics(x)} for name, x in vectors.items()
]}

# Correlations, with and without ties.
correlations = []
for count in [2, 3, 64, 1024]:
    x, noise = random.exponential(size=count), random.normal(size=count)
    y = 0.3 * x + noise
    correlations.append((x, y))
correlations.append((random.integers(0, 5, 60).astype(float), random.integers(0, 5, 60).astype(float)))
correlations.append((1e8 + random.normal(size=80), -1e-8 * random.normal(size=80)))
figures["correlations"] = [{
    "x": x.tolist(), "y": y.tolist(), "pearson": float(scipy.stats.pearsonr(x, y)[0]),
    "spearman": float(scipy.stats.spearmanr(x, y)[0]), "mse": float(((x - y) ** 2).mean()),
} for x, y in correlations]


# Fits. R² is centred also without an intercept, as METHOD has it; adjusted by (n − 1)/(n − p).
def fit(X, y):
    n, k = X.shape
    total = ((y - y.mean()) ** 2).sum()

    def quality(residual, parameters):
        r2 = 1 - (residual**2).sum() / total
        return {"r2": r2, "adjusted_r2": 1 - (1 - r2) * (n - 1) / (n - parameters)}

    # On columns of length one: statsmodels' pseudoinverse loses digits where they differ in size.
    scale = np.linalg.norm(X, axis=0)
    plain = statsmodels.api.OLS(y, X / scale).fit(method="pinv")
    constant = statsmodels.api.OLS(y, np.column_stack([np.ones(n), X / scale])).fit(method="pinv")
    # statsmodels' own adjusted R² agrees where it is centred, that is, with a constant.
    own = {"r2": constant.rsquared, "adjusted_r2": constant.rsquared_adj}
    nonnegative, _ = scipy.optimize.nnls(X, y, maxiter=1000)
    centred, middle = X - X.mean(axis=0), y - y.mean()
    nonnegative_constant, _ = scipy.optimize.nnls(centred, middle, maxiter=1000)
    ridge = sklearn.linear_model.Ridge(alpha=0.1, fit_intercept=False, solver="svd").fit(X / scale, y).coef_ / scale
    return {
        "x": X.T.tolist(), "y": y.tolist(), "condition": float(np.linalg.cond(X / scale)),
        "condition_centred": float(np.linalg.cond(centred / np.linalg.norm(centred, axis=0))),
        "plain": {"coefficients": (plain.params / scale).tolist(), **quality(plain.resid, k)},
        "intercept": {"coefficients": (constant.params[1:] / scale).tolist(), "intercept": constant.params[0], **own},
        "nonnegative": {"coefficients": nonnegative.tolist(), **quality(y - X @ nonnegative, k)},
        "nonnegative_intercept": {
            "coefficients": nonnegative_constant.tolist(),
            "intercept": float(y.mean() - X.mean(axis=0) @ nonnegative_constant),
            **quality(middle - centred @ nonnegative_constant, k + 1)},
        "ridge": {"coefficients": ridge.tolist(), **quality(y - X @ ridge, k)},
    }


fits = []
for n, k, scale in [(40, 1, 1), (64, 2, 1), (64, 6, 1e-6), (200, 9, 1e3), (12, 8, 1), (512, 3, 1)]:
    X = random.normal(size=(n, k)) * scale + random.exponential(size=(n, 1)) * scale
    y = X @ random.normal(size=k) + random.normal(size=n) * scale
    fits.append(fit(X, y))
# Basics whose sizes differ by ten orders, and basics that nearly agree.
X = random.normal(size=(80, 4)) * np.array([1e-6, 1.0, 1e4, 1e-2])
fits.append(fit(X, X @ np.array([1e6, -2.0, 1e-4, 50.0]) + random.normal(size=80)))
X = random.normal(size=(80, 3))
X[:, 2] = X[:, 0] + 1e-3 * random.normal(size=80)
fits.append(fit(X, X @ np.array([0.5, 0.25, 0.5]) + 0.01 * random.normal(size=80)))
figures["fits"] = fits

# All pairs of six basics, ranked.
X, y = random.normal(size=(64, 6)), random.normal(size=64)
y = y * 0.2 + 0.7 * X[:, 1] + 0.4 * X[:, 4]
pairs = []
for i in range(6):
    for j in range(i + 1, 6):
        A = X[:, [i, j]]
        residual = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
        pairs.append(([i, j], float(1 - (residual**2).sum() / ((y - y.mean()) ** 2).sum())))
pairs.sort(key=lambda pair: -pair[1])
figures["pairs"] = {"x": X.T.tolist(), "y": y.tolist(), "ranked": [{"basics": b, "r2": r} for b, r in pairs]}

x = random.normal(size=37)
figures["quantiles"] = {"values": x.tolist(), "at": [0, 0.025, 0.3, 0.5, 0.975, 1],
                        "quantiles": np.quantile(x, [0, 0.025, 0.3, 0.5, 0.975, 1]).tolist()}
(folder / "figures.json").write_text(json.dumps(figures, separators=(",", ":")) + "\n")


def congruence(count, state):
    """Numbers in [0, 1) that any language makes alike: a 64-bit linear congruence, its upper 53 bits."""
    values = np.empty(count)
    for index in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values[index] = (state >> 11) / 2**53
    return values


def sorted_gini(x):
    """By sorting, in extended precision: the double sum of a million entries is out of reach."""
    x = np.sort(x).astype(np.longdouble)
    n = len(x)
    return float(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / (n * x.sum()))


large = {"versions": versions, "cases": []}
for count in [1024, 50_000, 1_000_000]:
    x = congruence(count, 1) ** 2
    y = x + congruence(count, 2)
    large["cases"].append({"count": count, **statistics(x, gini if count < 10_000 else sorted_gini),
                           "pearson": float(scipy.stats.pearsonr(x, y)[0])})
(folder / "large.json").write_text(json.dumps(large, indent=1) + "\n")

# Files.
samples = random.exponential(size=(3, 2, 4)).astype(np.float32)
ids = ["gsm8k-0", "层/1", "a\nb"]
fingerprint = 0xCBF29CE484222325
for byte in b"".join(text.encode() + b"\0" for text in ids):
    fingerprint = (fingerprint ^ byte) * 0x100000001B3 % 2**64
(folder / "pattern.ids.jsonl").write_text("".join(json.dumps({"id": text}, ensure_ascii=False) + "\n" for text in ids))
save_file(
    {"magnitude.mean": samples.mean(axis=0), "magnitude.samples": samples, "loss": np.array([1, 2, 3], np.float32),
     "index": np.array([0, 1, 5], np.int64)},
    folder / "pattern.safetensors",
    metadata={"headway.kind": "pattern", "model": "tiny", "model_fingerprint": "f00", "task": "算术", "samples": "3", "skipped": "1",
              "tokens": "60", "max_length": "1024", "loss": "sample", "dtype": "float32", "seed": "0", "extra": "kept",
              "ids_fingerprint": f"{fingerprint:016x}"})
(folder / "pattern.safetensors").chmod(0o644)
np.save(folder / "mean.npy", samples.mean(axis=0))
(folder / "files.json").write_text(json.dumps(
    {"versions": versions, "mean": samples.mean(axis=0).astype(float).tolist(), "samples": samples.astype(float).tolist()}, indent=1) + "\n")
