#!/usr/bin/env python3
"""Installs the newest wheel of dist/ into an environment of its own and tries it there: make wheel-test.

    scripts/wheel/test.py [--full] [--standard] [--keep]

Without --full only what the program loads of the required packages is installed: torch without its dependencies, and of these the two libraries that
libtorch_cpu.so itself asks for (scripts/setup pins them). --full installs everything that the wheel requires, CUDA for several GB included.

Tried are: doctor, demo (of a tiny world; --standard for the one that README shows, minutes each), what completions and manual page are installed, that one OpenMP library
is loaded, the Python functions' tests, and docs/Python.ipynb. Then torch's CUDA libraries are deleted, and doctor and demo tried again.
"""
import argparse, json, os, pathlib, re, shutil, subprocess, sys, tempfile  # noqa: E401

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLACE = ROOT / ".build-wheel/test"


def say(text):
    print(f"wheel-test: {text}", flush=True)


def die(text):
    sys.exit(f"wheel-test: error: {text}")


class Environment:
    """A virtual environment with the wheel in it."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "bin/python"
        self.headway = folder / "bin/headway"

    def call(self, *command, variables=None, cwd=None, quiet=False):
        """Runs a command without what this process's environment says of Python and of libraries, and returns what it printed."""
        hidden = ("PYTHONPATH", "PYTHONHOME", "HEADWAY_PROGRAM", "LD_LIBRARY_PATH", "LD_PRELOAD", "LIBTORCH", "PYARROW")
        environment = {name: value for name, value in os.environ.items() if name not in hidden} | (variables or {})
        errors = subprocess.DEVNULL if quiet else None
        done = subprocess.run([str(word) for word in command], env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=errors, text=True)
        if done.returncode != 0:
            die(f"{' '.join(map(str, command))} left with status {done.returncode}: {done.stdout[-2000:]}")
        return done.stdout

    def install(self, *requirements):
        self.call(self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)


def make_environment(folder, wheel, full):
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    environment = Environment(folder)
    if full:
        environment.install(wheel)
        return environment
    # The versions that the program was built with.
    pins = sorted(set(re.findall(r"\b(?:torch|pyarrow|nvidia-[a-z-]+)==[\w.]+", pinned_versions())))
    say(f"installing {', '.join(pins)} and numpy, without what only CUDA needs")
    environment.install("--no-deps", *pins)
    environment.install("numpy")
    environment.install("--no-deps", wheel)
    return environment


def pinned_versions():
    """The pins of scripts/setup, its variables filled in."""
    text = (ROOT / "scripts/setup").read_text()
    for name, value in re.findall(r"^(\w+_version)=([\w.]+)$", text, re.MULTILINE):
        text = text.replace(f"${name}", value)
    return text


def check_doctor(environment, what):
    report = json.loads(environment.call(environment.headway, "doctor", "--json"))
    say(f"doctor {what}: headway {report['headway']}, libtorch {report['libtorch']} ({report['vector_code']}), Arrow {report['arrow']}")
    for device in report["devices"]:
        say(f"  {device['name']}: {'ready' if device['available'] else device['remedy']}")


def check_demo(environment, what, size):
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "demo"
        environment.call(environment.headway, "demo", "--size", size, "--out", out, quiet=True)
        page = (out / "report.html").stat().st_size
        say(f"demo {what}: {sum(path.is_file() for path in out.rglob('*'))} files, a page of {page} bytes")


def check_share(environment):
    share = environment.folder / "share"
    files = ["bash-completion/completions/headway", "zsh/site-functions/_headway", "fish/vendor_completions.d/headway.fish", "man/man1/headway.1"]
    for name in files:
        if not (share / name).read_text():
            die(f"{share / name} is empty")
    subprocess.run(["bash", "-n", share / files[0]], check=True)
    say(f"share: {', '.join(files)}")


def check_openmp(environment):
    """Libraries as the dynamic loader starts them, in a run that computes."""
    with tempfile.TemporaryDirectory() as scratch:
        log = pathlib.Path(scratch) / "log"
        examples = ROOT / "Examples"
        command = ["pattern", examples / "model", "--data", examples / "problems.jsonl", "--limit", "4", "--out", pathlib.Path(scratch) / "p.safetensors"]
        environment.call(environment.headway, *command, variables={"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(log)}, quiet=True)
        text = "".join(path.read_text(errors="replace") for path in pathlib.Path(scratch).glob("log.*"))
    started = {os.path.realpath(path) for path in re.findall(r"calling init: (\S+)", text)}
    found = sorted(path for path in started if re.search(r"lib(gomp|iomp5|omp)[-.]", path))
    if len(found) != 1 or "/torch/lib/" not in found[0]:
        die(f"not one OpenMP library, of torch, is loaded, but {found}")
    say(f"OpenMP: {found[0].split('site-packages/')[-1]} alone, among {len(started)} libraries")


def check_python(environment):
    variables = {"HEADWAY_PROGRAM": str(native(environment)), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.call(environment.python, "-m", "unittest", "discover", "-s", ROOT / "Python/tests", variables=variables)
    say(environment.call(environment.python, HERE / "notebook.py", ROOT / "docs/Python.ipynb").strip())


def packages(environment):
    return next((environment.folder / "lib").glob("python*/site-packages"))


def native(environment):
    return packages(environment) / "headway/bin/headway"


def remove_cuda(environment):
    """Deletes torch's CUDA libraries, and of those that it requires all that libtorch_cpu.so does not ask for itself."""
    kept = re.compile(r"libcudart\.so|libcupti\.so")
    places = [*(packages(environment) / "torch/lib").glob("*.so*"), *(packages(environment) / "nvidia").rglob("*.so*")]
    gone = [path for path in places if ("nvidia" in path.parts and not kept.search(path.name)) or re.search(r"cuda|nvshmem|nvrtc", path.name) and not kept.search(path.name)]
    size = sum(path.stat().st_size for path in gone if not path.is_symlink())
    for path in gone:
        path.unlink()
    say(f"deleted {len(gone)} CUDA libraries of {size / 1e6:.0f} MB")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--full", action="store_true", help="install everything that the wheel requires")
    a.add_argument("--standard", action="store_true", help="demos as README shows them, in place of tiny ones in which nothing can be learned")
    a.add_argument("--keep", action="store_true", help=f"leave the environment in {PLACE.relative_to(ROOT)}")
    o = a.parse_args()
    wheels = sorted((ROOT / "dist").glob("headway-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        die("there is no wheel in dist/; build it with make wheel")
    wheel = wheels[-1]
    size = "standard" if o.standard else "tiny"
    environment = make_environment(PLACE, wheel, o.full)
    version = environment.call(environment.headway, "-v").strip()
    if version != wheel.name.split("-")[1]:
        die(f"{wheel.name} holds headway {version}")
    what = "with all that torch requires" if o.full else "with torch alone"
    check_doctor(environment, what)
    check_demo(environment, what, size)
    check_share(environment)
    if sys.platform == "linux":
        check_openmp(environment)
    check_python(environment)
    remove_cuda(environment)
    check_doctor(environment, "without CUDA libraries")
    check_demo(environment, "without CUDA libraries", size)
    if not o.keep:
        shutil.rmtree(PLACE)
    say(f"{wheel.name} works")


if __name__ == "__main__":
    main()
