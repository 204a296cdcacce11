"""Headway from Python: which attention heads a fine-tune puts to work.

    import headway

    headway.run("pattern", "./tuned", data=["gsm8k/test.jsonl"], per_sample=True, out="after.safetensors")
    pattern = headway.read("after.safetensors")
    pattern.mean["magnitude"]  # numpy, [layers, heads]

The work is done by the native program of the same name: `run` starts it, and `read` reads the files that it writes.
"""

from ._error import HeadwayError
from ._read import read
from ._results import Change, Fit, Pattern, TrainingRun
from ._run import run

__all__ = ["Change", "Fit", "HeadwayError", "Pattern", "TrainingRun", "read", "run"]
