#!/usr/bin/env python3
"""bench/compare_operations.py with programs of known times, and the list in PyTorch:
test_operations.py BENCH_FOLDER [norma_operations]"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()
NORMA_OPERATIONS = sys.argv.pop(1) if len(sys.argv) > 1 else None

# Answers the lines `relu 2` and `argmax 3` with times, the n-th of them in the n-th call.
PROGRAM = """#!{python}
import sys
words = sys.argv[1:]
for option in ("--list -", "--seconds 0.25", "--blocks 2", "--threads"):
    assert option in " ".join(words), words
times = {times}
for line in sys.stdin:
    print(line.strip(), *times[line.split()[0]].pop(0), sep="\\t", flush=True)
"""

NORMA = {"relu": [(3, 8), (1, 9), (2, 7)], "argmax": [(1, "-")] * 3}
PYTORCH = {"relu": [(4, 1), (4, 4), (5, 9)], "argmax": [(0.5, "-")] * 3}


def can_import_torch():
    return subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


class Operations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.list = self.folder / "list"
        self.list.write_text("# Two\n\nrelu 2\nargmax 3\n")

    def program(self, name, times):
        path = self.folder / name
        path.write_text(PROGRAM.format(python=sys.executable, times=times))
        path.chmod(0o755)
        return path

    def compare(self, *arguments):
        return subprocess.run(
            [sys.executable, BENCH / "compare_operations.py", "--seconds", "0.25", "--blocks", "2",
             "--threads", "1", "--list", self.list, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def test_takes_medians_over_rounds_and_names_the_worst_of_a_kind(self):
        times = self.folder / "times"
        result = self.compare(self.program("norma", NORMA), "--times", times,
                              "--python", self.program("python", PYTORCH))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines(), [
            "1 thread: 3 measurements, median ratio 2.00, 2 above 1.05.",
            "",
            "| operation | measured | median ratio, 1 thread | above 1.05, 1 thread "
            "| worst ratio | of |",
            "|---|---:|---:|---:|---:|---|",
            "| relu | 2 | 1.32 | 1 | 2.25 | `relu 2` forward and backward, 1 thread |",
            "| argmax | 1 | 2.00 | 1 | 2.00 | `argmax 3` forward, 1 thread |"])
        self.assertEqual(times.read_text().splitlines(), [
            "relu 2\tforward and backward\t1\t8.00000\t4.00000\t2.25",
            "argmax 3\tforward\t1\t1.00000\t0.50000\t2.00",
            "relu 2\tforward\t1\t2.00000\t4.00000\t0.40"])

    def test_words_choose_lines(self):
        result = self.compare(self.program("norma", NORMA),
                              "--python", self.program("python", PYTORCH), "arg")
        self.assertIn("1 thread: 1 measurements", result.stdout)
        result = self.compare("true", "tanh")
        self.assertEqual(result.returncode, 1)
        self.assertIn("expected lines of", result.stderr)

    def test_a_program_that_fails_is_named(self):
        for program in ("false", self.folder / "missing"):
            result = self.compare(program, "--python", self.program("python", PYTORCH))
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"expected times of 'relu 2' from {program} --list -", result.stderr)

    def test_both_sides_mean_the_same_by_every_line(self):
        if not NORMA_OPERATIONS or not can_import_torch():
            self.skipTest(f"no norma_operations, or {sys.executable} cannot import torch")
        norma, pytorch = (
            subprocess.run([*command, "--sizes"], stdout=subprocess.PIPE, text=True, check=True)
            .stdout.splitlines()
            for command in ([NORMA_OPERATIONS],
                            [sys.executable, "-B", BENCH / "peers" / "pytorch_operations.py"]))
        self.assertEqual(norma, pytorch)
        self.assertGreater(len(norma), 200)

    def test_pytorch_prints_what_norma_prints(self):
        if not NORMA_OPERATIONS or not can_import_torch():
            self.skipTest(f"no norma_operations, or {sys.executable} cannot import torch")
        for command in ([NORMA_OPERATIONS],
                        [sys.executable, "-B", BENCH / "peers" / "pytorch_operations.py"]):
            result = subprocess.run(
                [*command, "--threads", "1", "--seconds", "0.001", "--blocks", "1", "64x10 dim=1"],
                stdout=subprocess.PIPE, text=True, check=True)
            self.assertRegex(result.stdout, r"^argmax 64x10 dim=1\t[0-9.]+\t-\n"
                                            r"softmax 64x10 dim=1\t[0-9.]+\t[0-9.]+\n$")


if __name__ == "__main__":
    unittest.main()
