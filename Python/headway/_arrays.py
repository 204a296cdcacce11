"""Named arrays and texts of a file, in the three forms that the program writes: safetensors, .npz and .npy. Imports numpy."""

from __future__ import annotations

import json
import math
import pathlib
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._error import HeadwayError

#: The element types that Headway writes, by the name that safetensors has for them.
TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
#: The longest header that safetensors allows.
LONGEST_HEADER = 100_000_000


class Rows:
    """Arrays [n, L, H] of several files one after another, N rows of shape [L, H] in all, each where it lies: what is not asked for is not read.

    They are indexed as an array [N, L, H] is, and `numpy.asarray(rows)` takes all of them into memory.
    """

    def __init__(self, parts: Sequence[npt.NDArray[Any]]) -> None:
        if len({part.shape[1:] for part in parts}) != 1:
            raise HeadwayError(f"shards have rows of the shapes {sorted({part.shape[1:] for part in parts})}; measure all of them on one model")
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])
        self._places = np.arange(len(self))
        self.dtype = parts[0].dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        for part in self._parts:
            yield from part

    def __getitem__(self, key: Any) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is None or first is Ellipsis:
            return np.asarray(self)[key]
        # numpy says which rows these are.
        places = self._places[first]
        if np.ndim(places) > 1:
            return np.asarray(self)[key]
        numbers = np.atleast_1d(places)
        rows = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        owners = np.searchsorted(self._ends, numbers, side="right")
        for owner in np.unique(owners):
            part, own = self._parts[owner], owners == owner
            rows[own] = part[numbers[own] - (self._ends[owner] - len(part))]
        if np.ndim(places) == 0:
            return rows[(0, *rest)]
        return rows[(slice(None) if isinstance(first, slice) else np.arange(len(rows)), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("rows of several files are no array in memory; ask for a copy")
        return np.concatenate(self._parts).astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"<Rows of {len(self._parts)} files: {self.dtype} of shape {self.shape}>"


class Arrays:
    """A file's arrays by name, and its metadata."""

    def __init__(self, path: pathlib.Path, arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> None:
        self.path = path
        self.arrays = arrays
        self.metadata = metadata

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def floats(self, name: str, dimensions: int) -> npt.NDArray[np.floating[Any]]:
        return self._array(name, dimensions, "f")

    def integers(self, name: str, dimensions: int) -> npt.NDArray[np.integer[Any]]:
        return self._array(name, dimensions, "iu")

    def _array(self, name: str, dimensions: int, kinds: str) -> npt.NDArray[Any]:
        array = self.arrays[name]
        if array.ndim != dimensions or array.dtype.kind not in kinds:
            raise HeadwayError(f"{self.path}: {name} is {array.dtype} of shape {array.shape}, where {dimensions} dimensions are expected; write it again")
        return array

    @staticmethod
    def read(path: pathlib.Path) -> Arrays:
        readers = {".safetensors": _safetensors, ".npz": _npz, ".npy": _npy}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise HeadwayError(f"{path}: is of no kind that is read; give a .safetensors, .npz, .npy or .json file, or the folder of a run of sft")
        return reader(path)


def _safetensors(path: pathlib.Path) -> Arrays:
    """The form: 8 bytes with the header's length, the header as JSON, the arrays (https://huggingface.co/docs/safetensors)."""

    def wrong(problem: str) -> HeadwayError:
        return HeadwayError(f"{path}: {problem}; write it again")

    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else LONGEST_HEADER + 1
        if length > min(size - 8, LONGEST_HEADER):
            raise wrong("is no safetensors file, or was cut short")
        try:
            header = json.loads(file.read(length))
        except ValueError:
            raise wrong("its header is not JSON") from None
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise wrong("its header and metadata are not JSON objects")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, entry in header.items():
        try:
            kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            if kind not in TYPES:
                continue
            dtype = np.dtype(TYPES[kind])
            fits = all(isinstance(n, int) and n >= 0 for n in (*shape, begin, end)) and end - begin == math.prod(shape) * dtype.itemsize
        except (KeyError, TypeError, ValueError):
            raise wrong(f"its header does not describe {name!r} as a tensor") from None
        if not fits or 8 + length + end > size:
            raise wrong(f"{name!r} lies outside the file, or is of another size than its shape says; it may have been cut short")
        # Maps of nothing are not allowed.
        arrays[name] = np.memmap(path, dtype, "r", 8 + length + begin, shape) if end > begin else np.zeros(shape, dtype)
    return Arrays(path, arrays, {str(key): str(value) for key, value in metadata.items()})


def _npz(path: pathlib.Path) -> Arrays:
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds a single array")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
        metadata = json.loads(str(arrays.pop("metadata"))) if "metadata" in arrays else {}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise HeadwayError(f"{path}: is no .npz archive that Headway wrote ({error}); write it again") from None
    return Arrays(path, arrays, metadata)


def _npy(path: pathlib.Path) -> Arrays:
    """The mean of one score, which the file does not name: magnitude, as in the method's released script."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise HeadwayError(f"{path}: is no .npy array of numbers ({error}); save a two-dimensional float32 or float64 array with numpy.save") from None
    return Arrays(path, {"magnitude.mean": array}, {"headway.kind": "pattern"})
