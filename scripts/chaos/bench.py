"""Where runs are made: one folder that every run fills anew, so that all paths in what they leave are the same."""
import dataclasses, json, shutil, sys

from contents import contents, differences
from kinds import KINDS, Materials
from processes import Attempt, Fault


@dataclasses.dataclass
class Reference:
    """A kind's undisturbed run."""

    contents: dict
    seconds: float
    #: The same, from when the ranks had met.
    met_seconds: float
    #: Tokens that went through the model, where its JSON tells them.
    tokens: int | None


@dataclasses.dataclass
class Report:
    """What came of a kind."""

    kind: str
    kills: int = 0
    half_written: int = 0
    resumes: int = 0
    runs: int = 0
    #: The greatest share of a run's work that a resume found done, where that is told.
    found: float | None = None
    disks: int = 0
    full: int = 0
    #: The longest that another rank took to notice that one was gone, in seconds.
    noticed: float = 0
    said: set = dataclasses.field(default_factory=set)
    faults: list = dataclasses.field(default_factory=list)


class Bench:
    def __init__(self, program, work):
        self.program, self.work, self.place = program, work, work / "run"
        self.kept, self.references = 0, {}
        self.materials = Materials(work / "materials", lambda command: Attempt([program, *command]).finish(600))

    def say(self, text):
        print(text, flush=True)

    def progress(self, text):
        """What is being done, on a terminal."""
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def fresh(self, kind):
        """Empties the folder and puts there what the command reads."""
        self.place.mkdir(exist_ok=True)
        for entry in self.place.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        kind.prepare(self.materials, self.place)

    def start(self, kind, resume=False):
        return Attempt([self.program, *kind.arguments(self.materials, self.place), "--quiet", *(kind.again if resume else ())], kind.ranks)

    def patience(self, kind):
        """How long a run may take before it hangs, on a machine that has other work."""
        return 120 + 20 * self.references[kind.name].seconds if kind.name in self.references else 600

    def undisturbed(self, kind):
        """The reference of a kind, made when it is first asked for: twice, which must leave the same."""
        if kind.name not in self.references:
            expected = self.undisturbed(next(other for other in KINDS if other.name == kind.same_as)).contents if kind.same_as else None
            self.fresh(kind)
            attempt = self.start(kind)
            while not attempt.have_met and not attempt.is_over:
                attempt.pause()
            output = attempt.finish(self.patience(kind))
            found = expected or contents(self.place)
            if not found:
                raise Fault("it left nothing", attempt)
            met_at = attempt.met_at or attempt.began
            self.references[kind.name] = Reference(found, attempt.seconds, attempt.began + attempt.seconds - met_at, tokens(output))
            if not expected:
                self.fresh(kind)
                self.start(kind).finish(self.patience(kind))
            self.compare(kind, f"undisturbed, against {kind.same_as}" if expected else "undisturbed a second time")
        return self.references[kind.name]

    def compare(self, kind, what, attempt=None):
        """Holds what is in the folder against the undisturbed run."""
        found = differences(self.references[kind.name].contents, self.place)
        if found:
            raise Fault(f"{what}: {'; '.join(found[:6])}{f'; {len(found) - 6} more' if len(found) > 6 else ''}", attempt)

    def keep(self, report, fault, where=""):
        """Tells and remembers a fault, and copies the folder to where it can be looked at."""
        self.kept += 1
        place = self.work / "kept" / f"{report.kind}-{self.kept}"
        if self.place.exists():
            shutil.copytree(self.place, place, symlinks=True)
        report.faults.append(f"{where}{fault}")
        self.progress("")
        self.say(f"  FAULT {report.kind}: {where}{fault}\n    {f'by {fault.attempt}; ' if fault.attempt else ''}kept: {place}")


def tokens(output):
    try:
        value = json.loads(output)
    except ValueError:
        return None
    return value.get("tokens") if isinstance(value, dict) else None
