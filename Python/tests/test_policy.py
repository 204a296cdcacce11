"""What the wheel's builder makes of the needs of its files (scripts/wheel/policy.py)."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/wheel"))
import elf  # noqa: E402
import policy  # noqa: E402

FOLDERS = ["$ORIGIN/../../torch/lib", "$ORIGIN/../../pyarrow"]


def needing(*versions, libraries=("libc.so.6",), folders=()):
    return elf.Needs(list(libraries), list(folders), {"libc.so.6": set(versions)})


class Policy(unittest.TestCase):
    def test_the_tag_is_what_the_symbols_need(self):
        self.assertEqual(policy.glibc_minor({"a": needing("GLIBC_2.17")}), 28)
        self.assertEqual(policy.glibc_minor({"a": needing("GLIBC_2.17"), "b": needing("GLIBC_2.4", "GLIBC_2.34")}), 34)
        self.assertEqual(policy.glibc_minor({"a": needing("GLIBC_2.17", "GLIBCXX_3.4.30")}), 35)
        self.assertEqual(policy.glibc_minor({"a": needing("GLIBC_2.37", "GLIBCXX_3.4.9", "CXXABI_1.3.13", "CXXABI_TM_1")}), 37)

    def test_what_no_system_promises_is_refused(self):
        refused = {
            "newer than any system known": needing("GLIBCXX_3.4.99"),
            "which neither the system nor torch and pyarrow bring": needing(libraries=["libgomp.so.1"]),
            "looks for libraries in '/opt/torch/lib'": needing(folders=["/opt/torch/lib", *FOLDERS]),
            "does not say where the libraries of torch": needing(libraries=["libtorch_cpu.so"]),
        }
        for problem, needs in refused.items():
            with self.assertRaisesRegex(ValueError, problem):
                policy.glibc_minor({"program": needs})
        self.assertEqual(policy.glibc_minor({"a": needing("GLIBC_2.28", libraries=["libtorch_cpu.so"], folders=FOLDERS)}), 28)

    @unittest.skipUnless(sys.platform == "linux", "programs of other systems are not ELF files")
    def test_this_python_is_read(self):
        needs = elf.needs(pathlib.Path(sys.executable).resolve().read_bytes())
        self.assertIn("libc.so.6", needs.libraries)
        self.assertEqual(needs.highest("GLIBC")[0], 2)
        with self.assertRaises(ValueError):
            elf.needs(b"text")


if __name__ == "__main__":
    unittest.main()
