"""Starts a command, as one process or as several ranks, and kills it at a moment."""
import os, pathlib, shlex, signal, socket, subprocess, tempfile, time

# How long the other ranks may take to notice that one is gone (the program's own watch takes 20 seconds).
PATIENCE = 60
running = set()


class Fault(Exception):
    """What a run did that it must not do, and the command."""

    def __init__(self, text, attempt=None):
        super().__init__(text)
        self.attempt = attempt


class End:
    """How a process ended."""

    def __init__(self, status, output, errors):
        self.status, self.output = status, output
        # What it says beside warnings, which are no reason to end.
        self.sentence = "\n".join(line for line in errors.splitlines() if line.strip() and not line.startswith(("warning: ", "note: ")))

    def __str__(self):
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}, saying {self.sentence!r}"
        return f"status {self.status}, saying {self.sentence!r}"


class Attempt:
    """A command that runs: one process, or one for each rank."""

    def __init__(self, command, ranks=1):
        self.command, self.began, self.met_at = [str(part) for part in command], time.perf_counter(), None
        self.victim = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.files = [(tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")) for _ in range(ranks)]
        own = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")}
        self.processes = []
        for rank, (out, errors) in enumerate(self.files):
            place = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)} if ranks > 1 else {}
            self.processes.append(subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=own | place))
        running.update(self.processes)

    def __str__(self):
        """How to do it again by hand."""
        return shlex.join(self.command) + (f" (as {len(self.processes)} ranks)" if len(self.processes) > 1 else "")

    @property
    def is_over(self):
        return all(process.poll() is not None for process in self.processes)

    @property
    def have_met(self):
        """Whether a killed rank is missed: before they have met, ranks wait for others that may still be started.

        Three connections to rank 0's store: its own, another rank's, and the first of a watch, which begins when all are there.
        """
        if self.met_at is None and (len(self.processes) == 1 or connections(self.port) >= 3):
            self.met_at = time.perf_counter()
        return self.met_at is not None

    def pause(self):
        """Leaves the processor to the command, for a moment shorter than a write."""
        time.sleep(0.0003 if self.met_at else 0.005)

    def kill(self, rank):
        """Kills one process; False where it had ended."""
        if self.processes[rank].poll() is not None:
            return False
        self.victim = rank
        self.processes[rank].send_signal(signal.SIGKILL)
        self.processes[rank].wait()
        return self.processes[rank].returncode == -signal.SIGKILL

    def ends(self, seconds):
        """Waits for all processes; how each ended."""
        until, hung = time.perf_counter() + seconds, []
        for rank, process in enumerate(self.processes):
            try:
                process.wait(max(0.01, until - time.perf_counter()))
            except subprocess.TimeoutExpired:
                hung.append(f"rank {rank}" if len(self.processes) > 1 else "it")
                process.kill()
                process.wait()
        self.seconds = time.perf_counter() - self.began
        running.difference_update(self.processes)
        result = []
        for process, files in zip(self.processes, self.files):
            texts = []
            for file in files:
                file.seek(0)
                texts.append(file.read())
                file.close()
            result.append(End(process.returncode, *texts))
        if hung:
            raise Fault(f"{' and '.join(hung)} had not ended after {seconds:.0f} seconds", self)
        return result

    def finish(self, seconds):
        """Waits for all processes, which must end well; rank 0's output."""
        ends = self.ends(seconds)
        for rank, end in enumerate(ends):
            if end.status != 0:
                raise Fault(f"{f'rank {rank}: ' if len(ends) > 1 else ''}{end}", self)
        return ends[0].output


def connections(port):
    """How many connections a local port has taken (Linux)."""
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            count += fields[3] == "01" and int(fields[1].rsplit(":", 1)[1], 16) == port
    return count


def half_written(folder):
    """A file or folder that is being written, or that a killed run left so; None where there is none."""
    try:
        with os.scandir(folder) as entries:
            entries = list(entries)
        for entry in entries:
            if entry.name.endswith(".part"):
                return entry.name
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and (found := half_written(entry.path)):
                return found
    except OSError:
        pass  # it went away in between
    return None


def stop_all():
    """Ends what still runs, where this script itself ends."""
    for process in list(running):
        process.kill()
        process.wait()
