#!/usr/bin/env python3
"""bench/compare.py with programs of known times: test_compare.py BENCH_FOLDER"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1))

# Prints the times planned for (--threads, OPENBLAS_NUM_THREADS), the n-th of them in the n-th call.
PROGRAM = """#!{python}
import os, pathlib, sys
log = pathlib.Path(__file__ + ".log")
words = sys.argv[1:]
threads = words[words.index("--threads") + 1] if "--threads" in words else "-"
variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY", "MARK")
line = " ".join([threads] + [os.environ.get(name, "-") for name in variables])
with log.open("a") as file:
    file.write(line + "\\n")
calls = log.read_text().splitlines().count(line) - 1
times = {times}[threads, os.environ.get("OPENBLAS_NUM_THREADS", "-")][calls]
assert words[words.index("--seconds") + 1] == "0.25", words
assert words[words.index("--blocks") + 1] == "3", words
print(words[-1] + ".train", times)
print(words[-1] + ".infer", times / 10)
"""

NORMA = {("1", "-"): [9.0, 2.0, 1.0], ("2", "-"): [1.0, 1.0, 1.0]}
LIBTORCH = {("1", "1"): [5.0, 5.0, 5.0], ("1", "2"): [1.0, 9.0, 9.0],
            ("2", "1"): [4.0, 3.0, 99.0], ("2", "2"): [8.0, 8.0, 8.0]}
DLIB = {("-", "1"): [20.0, 30.0, 40.0], ("-", "2"): [40.0, 40.0, 10.0]}


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def program(self, name, times):
        path = self.folder / name
        path.write_text(PROGRAM.format(python=sys.executable, times=times))
        path.chmod(0o755)
        return path

    def log(self, name):
        return (self.folder / f"{name}.log").read_text().splitlines()

    def compare(self, *arguments):
        # Variables of the caller must not reach the programs under another setting's name.
        return subprocess.run(
            ["env", "-u", "OPENBLAS_NUM_THREADS", "-u", "OMP_NUM_THREADS", "-u", "OMP_WAIT_POLICY",
             sys.executable, BENCH / "compare.py", "--seconds", "0.25", "--blocks", "3",
             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)

    def test_takes_medians_over_rounds_and_the_best_setting(self):
        result = self.compare(
            self.program("norma", NORMA), "--no-pytorch", "--rounds", "3",
            "--libtorch", self.program("libtorch", LIBTORCH), "--dlib", self.program("dlib", DLIB),
            "--workloads", "cnn")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines(), [
            "| ms | Norma, 1 thread | Norma, 2 threads | libtorch | dlib "
            "| Norma ÷ best peer, both on 1 thread | Norma ÷ best peer, both on up to 2 |",
            "|---|---:|---:|---:|---:|---:|---:|",
            "| `cnn` train | 2.00 | 1.00 | 4.00 (2, 1) | 30.0 (1, 1) | 0.40 | 0.25 |",
            "| `cnn` infer | 0.200 | 0.100 | 0.400 (2, 1) | 3.00 (1, 1) | 0.40 | 0.25 |",
            "",
            "In brackets: the peer's best setting, its own threads and OpenBLAS's. "
            "Medians over 3 rounds."])
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 3 * 8 * 2)
        self.assertEqual(lines[:2], ["round 1 Norma(1) cnn.train 9.00000",
                                     "round 1 Norma(1) cnn.infer 0.90000"])

    def test_a_workload_that_a_peer_lacks_is_left_out(self):
        result = self.compare(
            self.program("norma", NORMA), "--no-pytorch", "--rounds", "1",
            "--dlib", self.program("dlib", DLIB), "--workloads", "resnet20")
        self.assertIn("| `resnet20` train | 9.00 | 1.00 | – | – | – |", result.stdout.splitlines())
        self.assertFalse((self.folder / "dlib.log").exists())

    def test_every_setting_runs_with_its_threads_and_passive_waiting(self):
        result = self.compare(
            self.program("norma", NORMA), "--no-pytorch", "--rounds", "1", "--prefix",
            "env MARK=x", "--libtorch", self.program("libtorch", LIBTORCH),
            "--dlib", self.program("dlib", DLIB), "--workloads", "mlp_tiny")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.log("norma"), ["1 - - - x", "2 - - - x"])
        self.assertEqual(self.log("libtorch"), ["1 1 1 passive x", "1 1 2 passive x",
                                                "2 2 1 passive x", "2 2 2 passive x"])
        self.assertEqual(self.log("dlib"), ["- 1 1 passive x", "- 2 2 passive x"])

    def test_goes_on_without_pytorch(self):
        for python in ("false", self.folder / "missing"):
            result = self.compare(self.program("norma", NORMA), "--rounds", "1",
                                  "--python", python, "--workloads", "mlp_tiny")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"{python} cannot import torch: without PyTorch", result.stderr)
            self.assertEqual(result.stdout.splitlines()[0],
                             "| ms | Norma, 1 thread | Norma, 2 threads |")
            (self.folder / "norma.log").unlink()

    def test_a_program_that_fails_is_named(self):
        for program in ("false", "echo", self.folder / "missing"):
            result = self.compare(program, "--no-pytorch", "--workloads", "mlp_tiny")
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stdout, "")
            self.assertIn("expected mlp_tiny.train and mlp_tiny.infer from "
                          f"{program} --threads 1", result.stderr)

    def test_a_peer_that_fails_or_hangs_is_left_out_and_counted(self):
        for name, script in (("fails", "exit 3"), ("hangs", "exec sleep 60"), ("prints", "echo 1")):
            peer = self.folder / name
            peer.write_text(f"#!/bin/sh\n{script}\n")
            peer.chmod(0o755)
            result = self.compare(
                self.program("norma", NORMA), "--no-pytorch", "--rounds", "1", "--timeout", "3",
                "--dlib", peer, "--libtorch", self.program("libtorch", LIBTORCH),
                "--workloads", "cnn")
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = result.stdout.splitlines()
            self.assertIn("| `cnn` train | 9.00 | 1.00 | 1.00 (1, 2) | – | 1.80 | 1.00 |", lines)
            self.assertEqual(lines[-1], "Failed and left out: dlib(1,1) cnn, 1 of 1 runs, "
                                        "dlib(1,2) cnn, 1 of 1 runs.")
            self.assertIn(f"expected cnn.train and cnn.infer from {peer}", result.stderr)
            for log in self.folder.glob("*.log"):
                log.unlink()

    def test_refuses_options_that_measure_nothing(self):
        for option, value in (("--rounds", "0"), ("--blocks", "0"), ("--seconds", "0"),
                              ("--timeout", "0"), ("--pause", "-1"), ("--workloads", "mlp")):
            result = self.compare("true", option, value)
            self.assertEqual(result.returncode, 2)
            self.assertIn(option, result.stderr)

    def test_pytorch_bench_prints_the_same_lines(self):
        script = BENCH / "peers" / "pytorch_bench.py"
        if subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            self.skipTest(f"{sys.executable} cannot import torch")
        result = subprocess.run(
            [sys.executable, script, "--threads", "1", "--seconds", "0.01", "--blocks", "1",
             "mlp_tiny", "resnet20"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertRegex(result.stdout, r"^mlp_tiny\.train [0-9.]+\nmlp_tiny\.infer [0-9.]+\n"
                                        r"resnet20\.train [0-9.]+\nresnet20\.infer [0-9.]+\n$")


if __name__ == "__main__":
    unittest.main()
