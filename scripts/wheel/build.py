#!/usr/bin/env python3
"""Builds the wheel: the native program for `pip install`, with its Python functions, completions and manual page.

    scripts/wheel/build.py          (make wheel, which lays down libtorch and Arrow first)

The program has the Swift runtime in it and is stripped; libtorch and Arrow are those of the packages torch and pyarrow, which the wheel requires. On Linux
every file's needs are read before the wheel gets its name (policy.py): the tag says what glibc they really ask for, and a library from elsewhere or a
folder of this machine is refused. Runs on macOS, too, where the program links everything. Ends with the sizes of what was packed.
"""
import base64, hashlib, os, pathlib, platform, shutil, stat, subprocess, sys, tempfile, zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import elf, policy  # noqa: E402, E401

BUILD = ROOT / ".build-wheel"
LIBRARIES = ["libHeadwayTorch.so", "libHeadwayArrow.so"]
# torch changes its C++ ABI between minor versions, and Arrow the names of its libraries.
REQUIRED = ["torch==2.15.*", "pyarrow==26.*,<26.1", "numpy"]
METADATA = """\
Metadata-Version: 2.4
Name: headway
Version: {version}
Summary: Shows which attention heads a fine-tune puts to work, and chooses training data by them.
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.10
{required}
Description-Content-Type: text/markdown

# Headway

Shows which attention heads a fine-tune puts to work: a Hugging Face model folder and a dataset in, how much the loss depends on every layer, head and
sample out. `headway demo` shows all of it in minutes, `headway --help` lists the commands, `man headway` has every option, and `import headway` runs them
and reads their files from Python.
"""


def say(text):
    print(f"wheel: {text}", file=sys.stderr, flush=True)


def build():
    """Builds the program and its libraries, and returns the folder that they lie in."""
    is_linux = platform.system() == "Linux"
    command = ["swift", "build", "-c", "release", "--product", "headway", "--scratch-path", str(BUILD), "--disable-local-rpath"]
    # A folder of its own, since a statically linked runtime compiles everything anew.
    command += ["--static-swift-stdlib", "-Xlinker", "-s"] if is_linux else []
    environment = dict(os.environ, HEADWAY_WHEEL="1")
    say("building the program with its runtime in it, to .build-wheel/ (a first build takes several minutes)")
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    shown = subprocess.run([*command, "--show-bin-path"], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(shown.stdout.strip())


def gather(built, tree):
    """Lays down the package below `tree`, as it will lie in an environment, and what goes to share/ elsewhere."""
    shutil.copytree(ROOT / "Python/headway", tree / "headway", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tree / "headway/bin"
    folder.mkdir()
    for name in ["headway", *(LIBRARIES if platform.system() == "Linux" else [])]:
        shutil.copy2(built / name, folder / name)
    if platform.system() == "Darwin":
        subprocess.run(["strip", "-x", folder / "headway"], check=True)
        subprocess.run(["codesign", "--force", "--sign", "-", folder / "headway"], check=True)


def tag(tree):
    """The platform that the program really needs."""
    machine = platform.machine()
    if platform.system() == "Darwin":
        return f"macosx_15_0_{machine}"
    files = {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    needs = {name: elf.needs(data) for name, data in files.items() if data.startswith(elf.MAGIC)}
    for name, need in needs.items():
        versions = ", ".join(f"{family} {'.'.join(map(str, need.highest(family)))}" for family in ("GLIBC", "GLIBCXX", "CXXABI", "GCC") if need.highest(family))
        say(f"{name}: {versions}; {' '.join(need.libraries)}; looks in {':'.join(need.folders) or 'no folder of its own'}")
    return f"manylinux_2_{policy.glibc_minor(needs)}_{machine}"


def licenses():
    """The texts that go with what is linked into the program."""
    found = {"LICENSE": ROOT / "LICENSE"}
    for folder in sorted((BUILD / "checkouts").iterdir()):
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name.upper().startswith(("LICENSE", "NOTICE")):
                found[f"{folder.name}/{path.name}"] = path
    toolchain = pathlib.Path(shutil.which("swift") or "swift").resolve().parents[1] / "share/swift/LICENSE.txt"
    if toolchain.exists():
        found["swift/LICENSE.txt"] = toolchain
    return found


def pack(tree, share, version, platform_tag, folder):
    """Writes the wheel (the binary distribution format of the Python packaging guide), with the same bytes for the same files."""
    name = f"headway-{version}-py3-none-{platform_tag}.whl"
    about = f"headway-{version}.dist-info"
    files = {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    files |= {f"headway-{version}.data/data/share/{path.relative_to(share)}": path.read_bytes() for path in sorted(share.rglob("*")) if path.is_file()}
    files |= {f"{about}/licenses/{name}": path.read_bytes() for name, path in licenses().items()}
    files[f"{about}/METADATA"] = METADATA.format(version=version, required="\n".join(f"Requires-Dist: {line}" for line in REQUIRED)).encode()
    files[f"{about}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: headway\nRoot-Is-Purelib: false\nTag: py3-none-{platform_tag}\n".encode()
    files[f"{about}/entry_points.txt"] = b"[console_scripts]\nheadway = headway.__main__:main\n"
    record = f"{about}/RECORD"
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() for path, data in files.items()}
    files[record] = ("".join(f"{path},sha256={digests[path]},{len(data)}\n" for path, data in files.items()) + f"{record},,\n").encode()
    folder.mkdir(exist_ok=True)
    partial = folder / f".{name}.part"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)
            is_program = path.startswith("headway/bin/")
            entry.external_attr = (stat.S_IFREG | (0o755 if is_program else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    partial.replace(folder / name)
    with zipfile.ZipFile(folder / name) as archive:
        for entry in archive.infolist():
            if entry.file_size > 1 << 20:
                say(f"{entry.filename}: {entry.file_size / 1e6:.1f} MB, {entry.compress_size / 1e6:.1f} MB packed")
    return folder / name


def main():
    built = build()
    with tempfile.TemporaryDirectory() as scratch:
        tree, share = pathlib.Path(scratch) / "tree", pathlib.Path(scratch) / "share"
        gather(built, tree)
        program = tree / "headway/bin/headway"
        version = subprocess.run([program, "-v"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        subprocess.run([ROOT / "scripts/share", program, share], check=True, stdout=subprocess.DEVNULL)
        try:
            platform_tag = tag(tree)
        except ValueError as error:
            sys.exit("\n".join(f"wheel: error: {line}" for line in str(error).splitlines()))
        wheel = pack(tree, share, version, platform_tag, ROOT / "dist")
    say(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
