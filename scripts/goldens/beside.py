"""Makes packages importable beside the environment of scripts/python.

They are installed once, in the versions of a list of requirements and without further dependencies, into a folder beside that environment.
"""
import hashlib, pathlib, subprocess, sys


def packages(name, requirements):
    """Installs what `requirements` (a file) pins where it is not there yet, and makes it importable; gives the folder, which is called after `name`."""
    folder = pathlib.Path(sys.prefix).parent / f"{name}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    if not (folder / ".complete").exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target", folder, "-r", requirements],
            check=True)
        (folder / ".complete").touch()
    sys.path.insert(0, str(folder))
    return folder
