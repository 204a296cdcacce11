"""Patterns whose samples several runs measured, each into a file of its own, `NAME.I-of-N.safetensors`: read together as one. Imports numpy."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Any

import numpy as np

from ._arrays import Arrays, Rows
from ._error import HeadwayError

#: What a shard's file says that it holds.
KIND = "pattern shard"
#: The most shards of a pattern.
MOST = 100_000


def named(path: pathlib.Path) -> tuple[pathlib.Path, int, int] | None:
    """The pattern, I and N of a name NAME.I-of-N.safetensors; None for other names."""
    match = re.fullmatch(r"(.+)\.([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})(\.safetensors)", path.name, re.DOTALL | re.IGNORECASE)
    if match is None or not int(match[2]) <= int(match[3]) <= MOST:
        return None
    return path.with_name(match[1] + match[4]), int(match[2]), int(match[3])


def shard(pattern: pathlib.Path, number: int, count: int) -> pathlib.Path:
    """The file of a shard."""
    return pattern.with_name(f"{pattern.stem}.{number}-of-{count}{pattern.suffix}")


def find(path: pathlib.Path) -> list[pathlib.Path] | None:
    """All shards' files, there or not, where one of them is named, or a pattern's own name that no file has; None for anything else."""
    if path.suffix.lower() != ".safetensors":
        return None
    own = named(path)
    if path.exists():
        # A whole pattern may be called as a shard is.
        return _all(own[0], own[2]) if own is not None and _is_shard(path) else None
    if own is not None:
        shards = _all(own[0], own[2])
        if any(_is_shard(one) for one in shards):
            return shards
    files = [path.with_name(name) for name in _names(path.parent)]
    counts = sorted({other[2] for file in files if (other := named(file)) is not None and other[0] == path and _is_shard(file)})
    if not counts:
        return None
    if len(counts) > 1:
        sets = ", of ".join(map(str, counts))
        raise HeadwayError(f"{path}: there is no such file, but shards of it in {len(counts)} sets (of {sets}); name a file of the set that is meant")
    return _all(path, counts[0])


def _all(pattern: pathlib.Path, count: int) -> list[pathlib.Path]:
    return [shard(pattern, number, count) for number in range(1, count + 1)]


def _names(folder: pathlib.Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_shard(path: pathlib.Path) -> bool:
    try:
        return Arrays.read(path).metadata.get("headway.kind") == KIND
    except (HeadwayError, OSError):
        return False


class Shards:
    """The shards of one pattern, found to belong together."""

    def __init__(self, paths: list[pathlib.Path]) -> None:
        missing = [number for number, path in enumerate(paths, 1) if not path.exists()]
        if missing:
            shown = ", ".join(str(paths[number - 1]) for number in missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            options = ", ".join(f'"{number}/{len(paths)}"' for number in missing[:5])
            raise HeadwayError(f"{shown}: missing beside the pattern's other shards; run pattern with shard={options}")
        self.files = [Arrays.read(path) for path in paths]
        first = self.files[0]
        end = 0
        for number, file in enumerate(self.files, 1):

            def wrong(problem: str, file: Arrays = file) -> HeadwayError:
                return HeadwayError(f"{file.path}: {problem}; measure all shards alike")

            if file.metadata.get("headway.kind") != KIND:
                raise wrong("is called as a shard of a pattern is, but is none")
            if file.metadata.get("shard") != f"{number}/{len(paths)}":
                raise wrong(f"holds the shard {file.metadata.get('shard')}, not {number}/{len(paths)}")
            differing = _differing(first.metadata, file.metadata)
            if differing or set(file.arrays) != set(first.arrays):
                raise wrong(f"is of another run than {first.path} ({', '.join(differing) or 'other scores'})")
            if _place(file, "shard.begin") != end:
                raise wrong(f"begins at sample {file.metadata.get('shard.begin')} of the data, where the shard before it ends at {end}")
            end = _place(file, "shard.end")
        if end != _place(first, "shard.total"):
            raise HeadwayError(f"{paths[-1]}: ends before the data does; measure all shards again")

    def metadata(self, ids_fingerprint: str | None) -> dict[str, str]:
        """What the file of one run would say of itself."""
        own = ("shard", "shard.begin", "shard.end", "shard.total", "shard.identity", "ids_fingerprint")
        metadata = {key: text for key, text in self.files[0].metadata.items() if key not in own}
        metadata["headway.kind"] = "pattern"
        # What no shard knows stays unknown.
        for key in metadata.keys() & {"samples", "skipped", "tokens"}:
            metadata[key] = str(sum(_place(file, key) for file in self.files))
        return metadata if ids_fingerprint is None else {**metadata, "ids_fingerprint": ids_fingerprint}

    @property
    def keeps_samples(self) -> bool:
        """Whether the pattern keeps every sample's own levels. The shards have them in any case."""
        return _facts(self.files[0].metadata).get("per_sample") == "true"

    def arrays(self) -> dict[str, Any]:
        """The arrays that the file of one run would have; every sample's levels as rows that stay in their files."""
        names = [name for name in self.files[0].arrays if name.endswith(".samples")]
        levels = {name: Rows([file.floats(name, 3) for file in self.files]) for name in names}
        arrays: dict[str, Any] = {name.removesuffix("samples") + "mean": _mean(rows) for name, rows in levels.items()}
        if self.keeps_samples:
            arrays |= levels
            arrays["loss"] = np.concatenate([file.floats("loss", 1) for file in self.files])
            arrays["index"] = np.concatenate([file.integers("index", 1) for file in self.files])
        return arrays


def _mean(rows: Rows) -> Any:
    """Sample after sample in double precision, as the program takes it, to the same bits."""
    sums = np.zeros(rows.shape[1:])
    for row in rows:
        sums += row
    return (sums / max(1, len(rows))).astype(np.float32)


def _place(file: Arrays, key: str) -> int:
    try:
        return int(file.metadata[key])
    except (KeyError, ValueError):
        raise HeadwayError(f"{file.path}: its metadata {key!r} is no number; measure the shard again") from None


def _facts(metadata: Any) -> dict[str, str]:
    """What all shards of a run share, by name."""
    try:
        return {fact["name"]: fact["value"] for fact in json.loads(metadata["shard.identity"])["facts"]}
    except (ValueError, TypeError, KeyError):
        return {}


def _differing(one: Any, other: Any) -> list[str]:
    first, second = _facts(one), _facts(other)
    return [f"{name}: {first.get(name)} → {second.get(name)}" for name in {**first, **second} if first.get(name) != second.get(name)]
