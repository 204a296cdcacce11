"""The Python functions, on committed fixtures and programs that are made here. HEADWAY_PROGRAM names the native one, for the tests that need it.

PYTHONPATH=Python python3 -m unittest discover -s Python/tests
"""

import contextlib
import io
import json
import os
import pathlib
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import headway
from headway import _program, _read, _run

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/ActivationPatternsTests/Fixtures"
NATIVE = os.environ.get(_program.VARIABLE)


def safetensors(path, tensors, metadata):
    """Writes F32, F64 and I64 arrays as the program does."""
    header, body = {"__metadata__": metadata}, b""
    for name, (kind, array) in tensors.items():
        data = array.tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)


class Import(unittest.TestCase):
    def test_numpy_is_imported_only_where_arrays_are_read(self):
        command = [sys.executable, "-c", "import sys, headway; sys.exit('numpy' in sys.modules)"]
        self.assertEqual(subprocess.run(command).returncode, 0)


class Executed:
    """What an array of objects would run when it is read."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (open, (self.place, "w"))


class Read(Folder):
    def test_nothing_in_a_file_is_run(self):
        import numpy as np

        mark = self.folder / "executed"
        objects = np.array([Executed(str(mark))], dtype=object)
        np.save(self.folder / "a.npy", objects, allow_pickle=True)
        np.savez(self.folder / "a.npz", mean=objects)
        for name in ["a.npy", "a.npz"]:
            with self.assertRaises(headway.HeadwayError):
                headway.read(self.folder / name)
        self.assertFalse(mark.exists())

    def test_a_pattern_is_its_arrays_and_where_they_came_from(self):
        pattern = headway.read(FIXTURES / "pattern.safetensors")
        expected = json.loads((FIXTURES / "files.json").read_text())
        self.assertIsInstance(pattern, headway.Pattern)
        self.assertEqual(pattern.mean["magnitude"].shape, (2, 4))
        self.assertEqual(pattern.mean["magnitude"].tolist(), expected["mean"])
        self.assertEqual(pattern.samples["magnitude"].tolist(), expected["samples"])
        self.assertEqual((len(pattern.loss), len(pattern.index)), (3, 3))
        self.assertEqual((pattern.provenance["task"], pattern.provenance["extra"]), ("算术", "kept"))
        ids = [json.loads(line) for line in (FIXTURES / "pattern.ids.jsonl").read_text().splitlines()]
        self.assertEqual(pattern.ids, [line["id"] for line in ids])
        self.assertEqual(repr(pattern), "<Pattern pattern.safetensors: 2 layers × 4 heads, magnitude, 3 samples>")

    def test_ids_of_another_pattern_are_not_taken(self):
        for name in ("pattern.safetensors", "pattern.ids.jsonl"):
            (self.folder / name).write_bytes((FIXTURES / name).read_bytes())
        ids = self.folder / "pattern.ids.jsonl"
        ids.write_text(ids.read_text().replace("gsm8k-0", "gsm8k-1"))
        self.assertIsNone(headway.read(self.folder / "pattern.safetensors").ids)
        ids.write_text("nothing\n")
        self.assert_refused(self.folder / "pattern.safetensors", "line 1 is not")

    def shards(self, sizes, name="p", **changes):
        """Writes shards of so many samples; returns their levels, all together."""
        import numpy

        levels = numpy.arange(sum(sizes) * 6, dtype="<f4").reshape(-1, 2, 3) ** 1.5
        facts = {"model": "m", "per_sample": "true", **changes}
        begin = 0
        for number, size in enumerate(sizes, 1):
            end, ids = begin + size, [f"e\u0301-{place}" for place in range(begin, begin + size)]
            tensors = {"magnitude.samples": ("F32", levels[begin:end]), "loss": ("F32", levels[begin:end, 0, 0]), "index": ("I64", numpy.arange(begin, end))}
            metadata = {
                "headway.kind": "pattern shard", "shard": f"{number}/{len(sizes)}", "shard.begin": str(begin), "shard.end": str(end),
                "shard.total": str(sum(sizes)), "shard.identity": json.dumps({"facts": [{"name": key, "value": text} for key, text in facts.items()]}),
                "task": "t", "samples": str(size), "skipped": "1", "tokens": str(10 * size),
            }  # fmt: skip
            path = self.folder / f"{name}.{number}-of-{len(sizes)}.safetensors"
            if size:
                metadata["ids_fingerprint"] = _read._fingerprint(ids)
                path.with_suffix(".ids.jsonl").write_text("".join(json.dumps({"id": text}) + "\n" for text in ids))
            safetensors(path, tensors, metadata)
            begin = end
        return levels

    def test_shards_are_read_as_one_pattern(self):
        import numpy

        levels = self.shards([3, 0, 1, 2])
        sums = numpy.zeros((2, 3))
        for row in levels:
            sums += row
        for name in ("p.safetensors", "p.1-of-4.safetensors", "p.3-of-4.safetensors"):
            pattern = headway.read(self.folder / name)
            self.assertEqual(pattern.mean["magnitude"].tobytes(), (sums / 6).astype("<f4").tobytes())
            self.assertEqual((pattern.loss.tolist(), pattern.index.tolist()), (levels[:, 0, 0].tolist(), list(range(6))))
            self.assertEqual(pattern.ids, [f"e\u0301-{place}" for place in range(6)])
            expected = {"task": "t", "samples": "6", "skipped": "4", "tokens": "60", "ids_fingerprint": _read._fingerprint(pattern.ids)}
            self.assertEqual(pattern.provenance, expected)
        rows = pattern.samples["magnitude"]
        self.assertEqual((rows.shape, rows.dtype, rows.ndim, len(rows)), ((6, 2, 3), levels.dtype, 3, 6))
        mask = numpy.arange(6) % 2 == 0
        keys = [
            0, -1, 5, slice(None), slice(1, 5), slice(None, None, -2), slice(9, 9), [4, 0, 4], [], mask, (3, 1), (slice(2, 4), 1, 2), ([0, 5], 1),
            ([0, 5], [1, 0]), ([0, 5], slice(None), 2), (slice(None), [0, 1], [2, 0]), Ellipsis, (Ellipsis, 1), None, (numpy.int64(2), slice(None), 0),
            (mask, 1), numpy.array([[0, 1], [5, 4]]),
        ]  # fmt: skip
        for key in keys:
            expected = levels[numpy.array(key, int) if key == [] else key] if isinstance(key, list) else levels[key]
            self.assertTrue(numpy.array_equal(rows[key], expected), key)
        for key in (6, -7):
            with self.assertRaises(IndexError):
                rows[key]
        self.assertTrue(numpy.array_equal(numpy.asarray(rows), levels) and numpy.array_equal(numpy.stack(list(rows)), levels))

    def test_shards_of_which_only_the_mean_is_kept(self):
        levels = self.shards([1, 1], per_sample="false")
        pattern = headway.read(self.folder / "p.safetensors")
        self.assertEqual((pattern.samples, pattern.loss, pattern.index, pattern.ids), ({}, None, None, None))
        self.assertEqual(pattern.mean["magnitude"].tolist(), ((levels[0].astype(float) + levels[1]) / 2).astype("<f4").tolist())

    def test_shards_that_do_not_belong_together_are_refused(self):
        whole = self.folder / "p.safetensors"
        self.shards([1, 1, 1])
        other = self.folder / "q"
        second = self.folder / "p.2-of-3.safetensors"
        second.rename(other)
        self.assert_refused(whole, 'p.2-of-3.safetensors: missing beside the pattern\'s other shards; run pattern with shard="2/3"')
        self.assert_refused(second, "missing")
        second.hardlink_to(self.folder / "p.1-of-3.safetensors")
        self.assert_refused(whole, "holds the shard 1/3, not 2/3")
        self.shards([1, 2], name="p")
        self.assert_refused(whole, "in 2 sets (of 2, of 3)")
        self.assertEqual(len(headway.read(self.folder / "p.2-of-2.safetensors").loss), 3)
        self.shards([1, 2], name="r", model="other")
        (self.folder / "r.1-of-2.safetensors").replace(self.folder / "p.1-of-2.safetensors")
        self.assert_refused(self.folder / "p.2-of-2.safetensors", "model: other → m")
        self.shards([2, 1], name="r")
        (self.folder / "r.1-of-2.safetensors").replace(self.folder / "p.1-of-2.safetensors")
        self.assert_refused(self.folder / "p.2-of-2.safetensors", "begins at sample 1")
        (self.folder / "r.2-of-2.safetensors").replace(self.folder / "alone.safetensors")
        self.assert_refused(self.folder / "alone.safetensors", "not called so")

    def test_numpy_files(self):
        import numpy

        pattern = headway.read(FIXTURES / "mean.npy")
        self.assertEqual((list(pattern.mean), pattern.mean["magnitude"].shape), (["magnitude"], (2, 4)))
        levels = numpy.arange(6, dtype="<f4").reshape(1, 2, 3)
        metadata = json.dumps({"headway.kind": "change", "relative": "true", "before": "a", "after": "b"})
        arrays = {"signed.mean": levels[0], "signed.before.samples": levels, "signed.after.samples": levels, "token-prompt.mean": levels[0]}
        numpy.savez(self.folder / "change.npz", metadata=metadata, **arrays)
        change = headway.read(self.folder / "change.npz")
        self.assertTrue(isinstance(change, headway.Change) and change.relative)
        self.assertEqual((change.before["signed"].tolist(), change.provenance["before"]), (levels.tolist(), "a"))
        self.assertEqual(list(change.mean), ["signed", "token-prompt"])
        self.assertIsNone(change.loss)

    def test_a_training_run(self):
        import numpy

        own = self.folder / "headway"
        own.mkdir()
        (own / "metrics.jsonl").write_text('{"step": 0, "gini": 0.3}\n{"step": 1, "loss": 2.5}\n')
        (own / "run.yaml").write_text('command: sft\nsettings:\n  lr: 0.1\nidentity:\n  dtype: "float32"\nversions:\n  libtorch: "2.15.0"\n')
        run = headway.read(self.folder)
        self.assertEqual((run.steps, len(run.metrics), run.provenance), (None, 2, {"dtype": "float32", "libtorch": "2.15.0"}))
        self.assertIsNone(run._repr_svg_())
        levels = numpy.arange(12.0).reshape(2, 2, 3)
        tensors = {"probe.steps": ("I64", numpy.array([0, 1])), "probe.magnitude": ("F64", levels)}
        safetensors(own / "patterns.safetensors", tensors, {"headway.kind": "tracked patterns"})
        run = headway.read(self.folder)
        self.assertEqual((run.steps.tolist(), run.patterns.tolist(), run.window_steps), ([0, 1], levels.tolist(), None))
        self.assert_refused(own / "patterns.safetensors", "give the run's folder")

    def test_a_fit(self):
        fit = self.folder / "fit.json"
        fit.write_text(json.dumps({"target": "t", "coefficients": {"a": 0.5, "b": -2}, "r2": None}))
        (self.folder / "fit.run.yaml").write_text('identity:\n  t: "0f"\n')
        read = headway.read(fit)
        self.assertEqual((read.coefficients, read.result["r2"], read.provenance), ({"a": 0.5, "b": -2}, None, {"t": "0f"}))
        self.assertEqual(repr(read), "<Fit fit.json: t = 0.5 a + -2 b, R² undefined>")
        fit.write_text("[]")
        self.assert_refused(fit, "is not a JSON object")
        fit.write_text("{}")
        self.assert_refused(fit, "is not a fit")

    def test_what_is_wrong_with_a_file_is_said(self):
        import numpy

        whole = (FIXTURES / "pattern.safetensors").read_bytes()
        header = {"magnitude.mean": {"dtype": "F32", "shape": [9, 9], "data_offsets": [0, 4]}}
        huge = struct.pack("<Q", 1 << 62)
        cases = [
            ("cut.safetensors", whole[:-20], "may have been cut short"),
            ("short.safetensors", b"PK", "no safetensors file, or was cut short"),
            ("huge.safetensors", huge + whole, "no safetensors file, or was cut short"),
            ("text.safetensors", struct.pack("<Q", 2) + b"[]", "are not JSON objects"),
            ("odd.safetensors", struct.pack("<Q", 13) + b'{"a": {"b":1}', "header is not JSON"),
            ("entry.safetensors", struct.pack("<Q", 10) + b'{"a": [1]}', "does not describe 'a' as a tensor"),
            ("size.safetensors", struct.pack("<Q", len(json.dumps(header))) + json.dumps(header).encode() + b"\0" * 4, "another size than its shape"),
            ("model.safetensors", struct.pack("<Q", 2) + b"{}", "was not written by Headway"),
            ("text.npz", b"hello", "no .npz archive"),
            ("text.npy", b"hello", "no .npy array"),
            ("latin.json", b'{"\xe9": 1}', "not UTF-8"),
            ("words.json", b"hello", "is not JSON"),
            ("notes.txt", b"hello", "of no kind that is read"),
        ]
        for name, data, problem in cases:
            (self.folder / name).write_bytes(data)
            self.assert_refused(self.folder / name, problem)
        numpy.save(self.folder / "line.npy", numpy.arange(3.0))
        self.assert_refused(self.folder / "line.npy", "2 dimensions are expected")
        self.assert_refused(self.folder / "missing.npy", "there is no such file or folder")
        self.assert_refused(self.folder, "not the folder of a run of sft")
        safetensors(self.folder / "r.safetensors", {}, {"headway.kind": "representation"})
        self.assert_refused(self.folder / "r.safetensors", "holds a representation")

    def assert_refused(self, path, problem):
        with self.assertRaises(headway.HeadwayError) as raised:
            headway.read(path)
        self.assertIn(problem, str(raised.exception))
        self.assertIn(str(self.folder), str(raised.exception))


class Run(Folder):
    def program(self, code):
        """Makes a Python program the native one."""
        path = self.folder / "program"
        path.write_text(f"#!{sys.executable}\nimport json, os, signal, sys, time\n{code}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.name_program(path)

    def name_program(self, path):
        patch = mock.patch.dict(os.environ, {_program.VARIABLE: str(path)})
        patch.start()
        self.addCleanup(patch.stop)

    def test_options_are_spelled_as_the_program_has_them(self):
        import numpy

        self.program("")
        options = {"data": ["a", pathlib.Path("b")], "batch_tokens": numpy.int64(5), "lr": 1e-6, "per_sample": True, "quiet": False, "limit": None, "prompt": "-x"}
        words = _run.command_line("study run", [pathlib.Path("m")], options)
        self.assertEqual(words[1:], ["study", "run", "m", "--data=a", "--data=b", "--batch-tokens=5", "--lr=1e-06", "--per-sample", "--prompt=-x", "--json"])
        for wrong in ({"a": "b"}, [True], object(), b"bytes", [["nested"]]):
            with self.assertRaises(TypeError):
                _run.command_line("pattern", [], {"data": wrong})

    def test_what_it_prints_is_returned_and_what_it_says_is_passed_on(self):
        self.program("sys.stderr.write('warning: odd\\n1/2 samples\\n'); print(json.dumps({'arguments': sys.argv[1:]}))")
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            result = headway.run("stats", "p.safetensors", strongest=2)
        self.assertEqual(result, {"arguments": ["stats", "p.safetensors", "--strongest=2", "--json"]})
        self.assertEqual(said.getvalue(), "warning: odd\n1/2 samples\n")

    def test_a_rank_of_a_training_runs_it_alone(self):
        self.program("print(json.dumps([os.environ.get('RANK'), os.environ.get('WORLD_SIZE')]))")
        with mock.patch.dict(os.environ, {"RANK": "1", "WORLD_SIZE": "4"}):
            self.assertEqual(headway.run("stats", "p.safetensors"), ["1", None])

    def test_its_error_is_the_exception(self):
        self.program("sys.stderr.write(\"note\\nerror: no; do yes\\nsee 'headway stats --help'\\n\"); sys.exit(64)")
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(headway.HeadwayError) as raised:
            headway.run("stats")
        self.assertEqual((str(raised.exception), raised.exception.status), ("no; do yes (see 'headway stats --help')", 64))
        self.assertEqual(said.getvalue(), "note\n")
        self.program("print('text')")
        with self.assertRaisesRegex(headway.HeadwayError, "printed no JSON"):
            headway.run("stats")
        self.program("os.kill(os.getpid(), signal.SIGKILL)")
        with self.assertRaisesRegex(headway.HeadwayError, "left with status -9"):
            headway.run("stats")

    def test_a_program_that_cannot_be_started(self):
        self.name_program(self.folder / "nothing")
        with self.assertRaisesRegex(headway.HeadwayError, "there is no such file"):
            headway.run("stats")
        (self.folder / "nothing").write_text("text")
        with self.assertRaisesRegex(headway.HeadwayError, "cannot be started"):
            headway.run("stats")

    def test_an_interrupt_is_passed_on_once_and_waited_for(self):
        marks = self.folder / "marks"
        self.program(
            f"marks = open({str(marks)!r}, 'a')\n"
            "def stop(number, frame):\n    marks.write('interrupted\\n'); marks.flush(); time.sleep(0.2); marks.write('stopped\\n'); marks.flush(); sys.exit(130)\n"
            "signal.signal(signal.SIGINT, stop)\nmarks.write('started\\n'); marks.flush()\ntime.sleep(30)\n"
        )

        # Shells start what they run in the background with interrupts ignored, Dispatch's threads what they start with interrupts blocked.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT}))

        def interrupt():
            while not marks.exists() or "started" not in marks.read_text():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with self.assertRaises(KeyboardInterrupt):
            headway.run("sft")
        self.assertEqual(marks.read_text(), "started\ninterrupted\nstopped\n")

    @unittest.skipUnless(NATIVE, f"{_program.VARIABLE} names no program")
    def test_the_native_program(self):
        examples = ROOT / "Examples"
        out = self.folder / "p.safetensors"
        result = headway.run(
            "pattern", examples / "model", data=[examples / "problems.jsonl"], limit=3, per_sample=True, dtype="float32", out=out, quiet=True
        )
        pattern = headway.read(out)
        self.assertEqual((result["samples"], pattern.samples["magnitude"].shape), (3, (3, result["layers"], result["heads"])))
        self.assertAlmostEqual(float(pattern.loss.mean()), result["loss"], places=5)
        self.assertTrue(pattern._repr_svg_().startswith("<svg"))
        with self.assertRaisesRegex(headway.HeadwayError, "did you mean '--limit'"):
            headway.run("pattern", examples / "model", data=examples / "problems.jsonl", limt=3, out=out)
        for number in range(1, 6):
            shard = self.folder / "s.safetensors"
            headway.run(
                "pattern", examples / "model", data=[examples / "problems.jsonl"], limit=3, per_sample=True, dtype="float32", batch_tokens=1,
                out=shard, shard=f"{number}/5", quiet=True,
            )  # fmt: skip
        shards = headway.read(shard)
        self.assertEqual((shards.ids, shards.index.tolist(), shards.provenance), (pattern.ids, pattern.index.tolist(), pattern.provenance))
        self.assertEqual(shards.samples["magnitude"].shape, pattern.samples["magnitude"].shape)
        self.assertTrue(shards._repr_svg_().startswith("<svg"))
        again = subprocess.run([sys.executable, "-m", "headway", "-v"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(again.stdout, subprocess.run([NATIVE, "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
