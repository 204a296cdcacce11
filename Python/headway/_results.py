"""What the program's files hold, as Python values: numpy arrays, and where they came from."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._run import run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas

    from ._arrays import Rows

    Floats = npt.NDArray[np.floating[Any]]
    Integers = npt.NDArray[np.integer[Any]]


class _Pictured:
    """A file that `headway heatmap` draws: notebooks show the picture."""

    path: pathlib.Path

    def _repr_svg_(self) -> str | None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "picture.svg"
            run("heatmap", self.path, out=out, quiet=True)
            return out.read_text(encoding="utf-8")


@dataclass(frozen=True, eq=False, repr=False)
class Pattern(_Pictured):
    """How much the loss depends on every head, by score. L layers, H heads, N samples; layers and heads count from 0."""

    #: The file.
    path: pathlib.Path
    #: The file's metadata: model, data, dtype, fingerprints and so on, as docs/Outputs.md has them.
    provenance: dict[str, str]
    #: By score: [L, H], the mean over samples.
    mean: dict[str, Floats]
    #: By score: [N, L, H]; empty where the file keeps no samples (`per_sample=True`). Of a pattern in shards they stay in their files.
    samples: dict[str, Floats | Rows] = field(default_factory=dict)
    #: [N], each sample's loss, and its position in the data counted from 0; None where no samples are kept.
    loss: Floats | None = None
    index: Integers | None = None
    #: The samples' ids; None where the data has none, or the file of ids beside is gone or another's.
    ids: list[str] | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each head: layer, head, and its mean under every score."""
        return _heads(self.mean)

    def __repr__(self) -> str:
        return _described("Pattern", self.path, self.mean, self.loss)


@dataclass(frozen=True, eq=False, repr=False)
class Change(_Pictured):
    """What fine-tuning changed: after minus before, or that divided by before. Its arrays are as those of `Pattern`."""

    path: pathlib.Path
    #: The file's metadata; `before` and `after` are the two patterns' files.
    provenance: dict[str, str]
    #: By score: [L, H]; NaN where a relative change is undefined.
    mean: dict[str, Floats]
    #: Whether it is the change divided by the level before.
    relative: bool
    #: By score: [N, L, H], the paired samples before and after; empty where they are not kept.
    before: dict[str, Floats] = field(default_factory=dict)
    after: dict[str, Floats] = field(default_factory=dict)
    loss: Floats | None = None
    index: Integers | None = None
    ids: list[str] | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each head: layer, head, and its change under every score."""
        return _heads(self.mean)

    def __repr__(self) -> str:
        return _described("Relative change" if self.relative else "Change", self.path, self.mean, self.loss)


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """One task's change as a sum of others'."""

    path: pathlib.Path
    #: What its run record (`NAME.run.yaml`) says of inputs and versions; empty where the record is gone.
    provenance: dict[str, str]
    #: All that the file holds, as docs/Statistics.md has it: r2, subsets, bootstrap, permutation, held_out, warnings and so on.
    result: dict[str, Any]

    @property
    def coefficients(self) -> dict[str, float]:
        """α of each basic task."""
        return dict(self.result["coefficients"])

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each basic task: its coefficient and, after `--bootstrap`, the ends of its interval."""
        import pandas

        intervals = (self.result.get("bootstrap") or {}).get("coefficients", {})
        rows = [
            {"basic": name, "coefficient": value, "low": intervals.get(name, {}).get("low"), "high": intervals.get(name, {}).get("high")}
            for name, value in self.coefficients.items()
        ]
        return pandas.DataFrame(rows, columns=["basic", "coefficient", "low", "high"])

    def __repr__(self) -> str:
        sum_of = " + ".join(f"{value:.4g} {name}" for name, value in self.coefficients.items())
        r2 = self.result.get("r2")
        return f"<Fit {self.path.name}: {self.result.get('target')} = {sum_of}, R² {'undefined' if r2 is None else f'{r2:.3f}'}>"


@dataclass(frozen=True, eq=False, repr=False)
class TrainingRun(_Pictured):
    """A run of `sft`: its curves, and the patterns that it tracked at S steps."""

    #: The folder.
    path: pathlib.Path
    #: What its run record (`headway/run.yaml`) says of inputs, settings and versions.
    provenance: dict[str, str]
    #: A line for each step: step, loss, lr, grad_norm, tokens, and what was tracked or evaluated there.
    metrics: list[dict[str, Any]]
    #: [S] and [S, L, H]: the updates after which the probe set was measured, and its mean magnitudes; None without `track=…`.
    steps: Integers | None = None
    patterns: Floats | None = None
    #: The same of each training window's own pattern; None where they were not recorded.
    window_steps: Integers | None = None
    window_patterns: Floats | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each step, with a column for each figure."""
        import pandas

        return pandas.DataFrame(self.metrics)

    def __repr__(self) -> str:
        tracked = "no patterns" if self.steps is None else f"{len(self.steps)} tracked patterns"
        last = self.metrics[-1].get("step", 0) if self.metrics else 0
        return f"<TrainingRun {self.path.name}: {last} steps, {tracked}>"

    def _repr_svg_(self) -> str | None:
        return None if self.steps is None else super()._repr_svg_()


def _heads(mean: dict[str, Floats]) -> pandas.DataFrame:
    import numpy
    import pandas

    layers, heads = next(iter(mean.values())).shape
    places = numpy.indices((layers, heads)).reshape(2, -1)
    columns = {"layer": places[0], "head": places[1]}
    return pandas.DataFrame({**columns, **{score: values.ravel() for score, values in mean.items()}})


def _described(kind: str, path: pathlib.Path, mean: dict[str, Floats], loss: Floats | None) -> str:
    layers, heads = next(iter(mean.values())).shape
    kept = "" if loss is None else f", {len(loss)} samples"
    return f"<{kind} {path.name}: {layers} layers × {heads} heads, {', '.join(mean)}{kept}>"
