"""Which file holds what."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import TYPE_CHECKING, Any

from ._error import HeadwayError
from ._results import Change, Fit, Pattern, TrainingRun

if TYPE_CHECKING:
    from ._arrays import Arrays


def read(path: str | os.PathLike[str]) -> Pattern | Change | Fit | TrainingRun:
    """Reads what the program wrote: a pattern or a change (.safetensors, .npz, a pattern's mean also .npy), a fit (.json), or the folder of a run of
    `sft`.

    Arrays of .safetensors files are read-only maps of the file: what is not used is not read. The shards of a pattern (`shard="2/4"`) are read together
    where one of them is named, or the pattern's own name and no file has it; every sample's levels then stay in their files as `Rows`.

    Raises HeadwayError naming the file, what is wrong with it and what to do.
    """
    path = pathlib.Path(path).absolute()
    try:
        if (shards := _shards(path)) is not None:
            return shards
        if not path.exists():
            raise HeadwayError(f"{path}: there is no such file or folder; check the path")
        if path.is_dir():
            return _training_run(path)
        if path.suffix.lower() == ".json":
            return _fit(path)
        return _levels(path)
    except UnicodeDecodeError:
        raise HeadwayError(f"{path}: holds bytes that are not UTF-8; give a file that Headway wrote") from None
    except OSError as error:
        raise HeadwayError(f"{error.filename or path}: cannot be read ({error.strerror or error}); check the path") from None


def _shards(path: pathlib.Path) -> Pattern | None:
    """The pattern whose shards a path stands for; None where it stands for none."""
    # Nothing else is looked at, so that numpy is imported only for files that need it.
    if path.suffix.lower() != ".safetensors":
        return None
    from ._shards import Shards, find

    paths = find(path)
    if paths is None:
        return None
    shards = Shards(paths)
    arrays = shards.arrays()
    ids: list[str] | None = None
    if shards.keeps_samples:
        parts = [_ids(file.path, file.metadata.get("ids_fingerprint"), len(file.arrays["loss"])) for file in shards.files if len(file.arrays["loss"])]
        ids = None if any(part is None for part in parts) else [text for part in parts for text in part or []]
    metadata = shards.metadata(None if ids is None else _fingerprint(ids))
    del metadata["headway.kind"]

    def ending(kind: str) -> dict[str, Any]:
        return {name.removesuffix(kind): array for name, array in arrays.items() if name.endswith(kind)}

    return Pattern(path, metadata, ending(".mean"), ending(".samples"), arrays.get("loss"), arrays.get("index"), ids)


def _levels(path: pathlib.Path) -> Pattern | Change:
    from ._arrays import Arrays

    file = Arrays.read(path)
    metadata = dict(file.metadata)
    kind = metadata.pop("headway.kind", None)
    if kind not in ("pattern", "change"):
        if kind == "tracked patterns":
            raise HeadwayError(f"{path}: holds the patterns of a training run's steps; give the run's folder, {path.parent.parent}")
        if kind == "pattern shard":
            raise HeadwayError(f"{path}: is a shard of a pattern, but not called so; call it NAME.I-of-N.safetensors again, beside the others")
        holds = f"holds a {kind}" if kind else "was not written by Headway"
        raise HeadwayError(f"{path}: {holds}; give a pattern, a change, a fit or the folder of a run of sft")
    # Whatever scores there are: only the program knows their names.
    mean = {name.removesuffix(".mean"): file.floats(name, 2) for name in file.arrays if name.endswith(".mean")}
    if not mean or len({values.shape for values in mean.values()}) != 1:
        raise HeadwayError(f"{path}: has no levels, or levels of different shapes; measure it again")
    loss = file.floats("loss", 1) if "loss" in file else None
    index = file.integers("index", 1) if "index" in file else None
    ids = _ids(path, metadata.get("ids_fingerprint"), 0 if loss is None else len(loss))

    def of_samples(name: str) -> dict[str, Any]:
        return {score: file.floats(f"{score}.{name}", 3) for score in mean if f"{score}.{name}" in file}

    if kind == "pattern":
        return Pattern(path, metadata, mean, of_samples("samples"), loss, index, ids)
    relative = metadata.get("relative") == "true"
    return Change(path, metadata, mean, relative, of_samples("before.samples"), of_samples("after.samples"), loss, index, ids)


def _ids(path: pathlib.Path, fingerprint: str | None, count: int) -> list[str] | None:
    """The ids beside the file, where they are those that it was written with; each is a text and the fingerprint is FNV-1a of all."""
    beside = path.with_suffix(".ids.jsonl")
    if fingerprint is None or not beside.exists():
        return None
    ids = []
    for number, line in enumerate(beside.read_text(encoding="utf-8").split("\n"), 1):
        if line:
            try:
                ids.append(str(json.loads(line)["id"]))
            except (ValueError, TypeError, KeyError):
                raise HeadwayError(f"{beside}: line {number} is not {{\"id\": …}}; measure the pattern again") from None
    return ids if len(ids) == count and _fingerprint(ids) == fingerprint else None


def _fingerprint(ids: list[str]) -> str:
    hash = 0xCBF29CE484222325
    for byte in b"".join(text.encode() + b"\0" for text in ids):
        hash = (hash ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{hash:016x}"


def _fit(path: pathlib.Path) -> Fit:
    result = _json(path.read_text(encoding="utf-8"), str(path))
    if not isinstance(result.get("coefficients"), dict) or "target" not in result:
        raise HeadwayError(f"{path}: is not a fit, which has the keys target and coefficients; give what fit --out wrote")
    return Fit(path, _record(path), result)


def _training_run(folder: pathlib.Path) -> TrainingRun:
    own = folder / "headway"
    lines = own / "metrics.jsonl"
    if not lines.exists():
        raise HeadwayError(f"{folder}: has no headway/metrics.jsonl, so it is not the folder of a run of sft; give the folder that sft --out wrote")
    metrics = []
    for number, line in enumerate(lines.read_text(encoding="utf-8").split("\n"), 1):
        if line:
            metrics.append(_json(line, f"{lines}, line {number}"))
    tracked: Arrays | None = None
    if (own / "patterns.safetensors").exists():
        from ._arrays import Arrays

        tracked = Arrays.read(own / "patterns.safetensors")

    def rows(name: str) -> tuple[Any, Any]:
        if tracked is None or f"{name}.steps" not in tracked or f"{name}.magnitude" not in tracked:
            return None, None
        return tracked.integers(f"{name}.steps", 1), tracked.floats(f"{name}.magnitude", 3)

    return TrainingRun(folder, _record(own), metrics, *rows("probe"), *rows("window"))


def _json(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise HeadwayError(f"{place}: is not JSON ({error}); give a file that Headway wrote") from None
    if not isinstance(value, dict):
        raise HeadwayError(f"{place}: is not a JSON object; give a file that Headway wrote")
    return value


def _record(place: pathlib.Path) -> dict[str, str]:
    """What the run record of a file or a folder says of identity and versions: two sections of `name: "text"`, which no YAML reader is needed for."""
    candidates = [place / "run.yaml"] if place.is_dir() else [place.with_suffix(".run.yaml"), place.with_name(place.name + ".run.yaml")]
    for record in candidates:
        if record.exists():
            return dict(re.findall(r'^  (\w+): "((?:[^"\\]|\\.)*)"$', record.read_text(encoding="utf-8"), re.MULTILINE))
    return {}
