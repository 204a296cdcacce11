"""The console script `headway`: the native program takes this process's place, with its arguments, streams, signals and status."""

import os
import sys

from ._error import HeadwayError
from ._program import program


def main() -> None:
    try:
        path = program()
        os.execv(path, ["headway", *sys.argv[1:]])
    except HeadwayError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {path} cannot be started ({error.strerror}); install the wheel that was built for this system and processor")


if __name__ == "__main__":
    main()
