"""What goes wrong."""


class HeadwayError(Exception):
    """What went wrong, where, and what to do about it: the program's own message where it is the program that failed."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        #: The status that the program left with: 64 wrong from the arguments alone, 1 anything else. None where it was not started.
        self.status = status
