"""Which systems a wheel of Linux runs on: the manylinux tag that its files really need (PEP 600), and what they must not need at all."""

from elf import Needs

#: What a distribution with this glibc has at least of libstdc++ and libgcc, as auditwheel's policies have it: glibc's minor version, then GLIBCXX, CXXABI, GCC.
SYSTEMS = [
    (28, (3, 4, 24), (1, 3, 11), (7, 0, 0)),
    (31, (3, 4, 28), (1, 3, 12), (7, 0, 0)),
    (34, (3, 4, 29), (1, 3, 13), (7, 0, 0)),
    (35, (3, 4, 30), (1, 3, 13), (12, 0, 0)),
    (39, (3, 4, 33), (1, 3, 15), (14, 0, 0)),
]
#: Libraries that every such system has, of those that a program without windows asks for (PEP 600).
SYSTEM_LIBRARIES = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2",
    "libgcc_s.so.1", "libstdc++.so.6", "libatomic.so.1", "libz.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
}  # fmt: skip
#: Libraries that the required packages bring. An OpenMP library is not among them: two in one process take each other's processors, so its functions
#: must come from the one that libtorch has loaded, whatever its name is.
BROUGHT_LIBRARIES = {"libtorch_cpu.so", "libc10.so", "libarrow.so.2600", "libparquet.so.2600"}
FOLDERS = ["$ORIGIN/../../torch/lib", "$ORIGIN/../../pyarrow"]


def glibc_minor(files: dict[str, Needs]) -> int:
    """The X of manylinux_2_X: the lowest glibc 2.X whose systems have every symbol version that a file asks for.

    Raises ValueError with a line for each thing that no system promises.
    """
    problems, lowest = [], 0
    for name, needs in files.items():
        for library in needs.libraries:
            if library not in SYSTEM_LIBRARIES | BROUGHT_LIBRARIES:
                problems.append(f"{name} needs {library}, which neither the system nor torch and pyarrow bring")
        for folder in needs.folders:
            if folder not in FOLDERS:
                problems.append(f"{name} looks for libraries in {folder!r}; a wheel may look in {' and '.join(FOLDERS)} alone")
        if BROUGHT_LIBRARIES & set(needs.libraries) and not needs.folders:
            problems.append(f"{name} does not say where the libraries of torch and pyarrow are")
        major, minor = (needs.highest("GLIBC") or (2, 0))[:2]
        wanted = [needs.highest(family) for family in ("GLIBCXX", "CXXABI", "GCC")]
        fitting = [glibc for glibc, *had in SYSTEMS if all(want <= have for want, have in zip(wanted, had))]
        if major != 2 or not fitting:
            problems.append(f"{name} needs GLIBC {major}.{minor}, GLIBCXX {wanted[0]}, CXXABI {wanted[1]}, GCC {wanted[2]}, newer than any system known here")
            continue
        # The oldest system known has more than most files ask for.
        lowest = max(lowest, minor, fitting[0] if fitting[0] > SYSTEMS[0][0] else 0)
    if problems:
        raise ValueError("\n".join(problems))
    return max(lowest, SYSTEMS[0][0])
