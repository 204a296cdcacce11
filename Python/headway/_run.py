"""Runs a command of the program."""

from __future__ import annotations

import json
import numbers
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any, Union

from ._error import HeadwayError
from ._program import program

#: By these the program would take itself for one of several ranks.
_LAUNCHERS = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")
#: One value of an argument or an option.
Value = Union[str, int, float, "os.PathLike[str]"]
#: What an option may be set to: a list repeats it, True gives it without a value, None and False leave it out.
Option = Union[Value, bool, None, Sequence[Value]]


def run(command: str, *arguments: Value, **options: Option) -> Any:
    """Runs a command and returns what its `--json` prints, parsed.

    headway.run("pattern", "./base", data=["train.jsonl"], batch_tokens=4096, per_sample=True, out="p.safetensors") is
    `headway pattern ./base --data=train.jsonl --batch-tokens=4096 --per-sample --out=p.safetensors --json`; `headway COMMAND --help` lists the
    options. A command of two words is one text: "study run".

    A process that torchrun, srun or mpirun started runs the program alone: a run of several ranks is started by the launcher itself.

    Progress and notes go to sys.stderr as they come (`quiet=True` for none). An interrupt is passed on, so that the program stops at its next safe
    point; KeyboardInterrupt follows when it has. A second interrupt ends it at once.

    Raises HeadwayError with the program's message where the command fails, and TypeError for a value that is no text, number or path.
    """
    child = reader = None
    messages: list[str] = []
    try:
        # A group of its own: the terminal's Ctrl-C would reach the program beside the interrupt that is passed on, and two end it at once.
        child = subprocess.Popen(
            command_line(command, arguments, options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in _LAUNCHERS},
        )
        assert child.stdout is not None and child.stderr is not None
        reader = threading.Thread(target=_pass_on, args=(child.stderr, messages), daemon=True)
        reader.start()
        output = child.stdout.read()
        status = child.wait()
        reader.join()
    except KeyboardInterrupt:
        if child is not None:
            _interrupt(child)
        raise
    except OSError as error:
        raise HeadwayError(f"{error.filename} cannot be started ({error.strerror}); install the wheel that was built for this system and processor") from None
    finally:
        if child is not None:
            if child.poll() is None:
                child.terminate()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
            if reader is not None:
                reader.join()
    if status != 0:
        text = " ".join(messages) or output.decode("utf-8", "replace").strip() or "it said nothing"
        raise HeadwayError(text if messages else f"headway {command} left with status {status}: {text}", status)
    try:
        return json.loads(output)
    except ValueError:
        raise HeadwayError(f"headway {command} printed no JSON; run it in a terminal, where it prints what it makes", status) from None


def command_line(command: str, arguments: Sequence[Value], options: dict[str, Option]) -> list[str]:
    """The program and its arguments. Options are tied to their values, which may begin with a hyphen."""
    words = [program(), *command.split(), *(_text(value, "an argument") for value in arguments)]
    for name, option in options.items():
        spelled = "--" + name.strip("_").replace("_", "-")
        if option is True:
            words.append(spelled)
        elif option is not None and option is not False:
            values = option if isinstance(option, Sequence) and not isinstance(option, (str, bytes)) else [option]
            words += [f"{spelled}={_text(value, name)}" for value in values]
    return [*words, "--json"]


def _text(value: object, name: str) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    # Numbers of numpy are such, too.
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return repr(float(value))
    raise TypeError(f"{name} is {value!r} of type {type(value).__name__}; give a text, a number, a path, or a list of them")


def _pass_on(stream: IO[bytes], messages: list[str]) -> None:
    """Writes the program's lines to sys.stderr as they come, but for the error that it ends with, which becomes the exception."""
    with stream:
        for line in stream:
            text = line.decode("utf-8", "replace")
            if text.startswith("error: ") or (messages and re.match(r"see '.*--help'$", text)):
                messages.append(text.removeprefix("error: ").rstrip("\n") if not messages else f"({text.strip()})")
                continue
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except (OSError, ValueError):
                pass  # A closed stream does not stop the program.


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """Asks the program to stop, and waits until it has; interrupted once more, it is told to end at once."""
    import signal

    while child.poll() is None:
        try:
            child.send_signal(signal.SIGINT)
            child.wait()
        except KeyboardInterrupt:
            continue
