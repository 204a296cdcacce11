"""Where the native program is."""

import os
import pathlib

from ._error import HeadwayError

#: Names another program than the one in this package: one that was built from source, say.
VARIABLE = "HEADWAY_PROGRAM"


def program() -> str:
    """The path of the program that HEADWAY_PROGRAM names, else of the one in this package."""
    named = os.environ.get(VARIABLE)
    path = pathlib.Path(named) if named else pathlib.Path(__file__).resolve().parent / "bin" / "headway"
    if path.is_file():
        return str(path)
    if named:
        raise HeadwayError(f"{VARIABLE} names {path}, and there is no such file; name the built program, or unset it")
    raise HeadwayError(f"there is no program at {path}; install the wheel, or name a program that was built from source with {VARIABLE}")
