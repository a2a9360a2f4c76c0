#!/usr/bin/env python3
"""bench/compare.py with programs of known times: test_compare.py BENCH_FOLDER"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()

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
            lines = result.stdout.splitlines()
            self.assertEqual(lines[0], "| ms | Norma, 1 thread | Norma, 2 threads |")
            self.assertEqual(lines[-1], "Not installed: PyTorch; PyTorch, channels last; PyTorch, "
                                        "compiled; JAX; ONNX Runtime; OpenVINO.")
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

    def test_peers_in_python_take_part_where_they_can_be_imported(self):
        # An interpreter that has ONNX Runtime alone.
        python = self.folder / "python"
        python.write_text("""#!/bin/sh
case "$*" in
  *"import onnx, onnxruntime"*) exit 0 ;;
  *import*) exit 1 ;;
esac
echo "$OMP_NUM_THREADS $*" >> "$0.log"
echo "cnn.infer 0.3"
echo "cnn.one 0.02"
echo "cnn.one_p99 0.04"
""")
        python.chmod(0o755)
        norma = self.folder / "norma"
        norma.write_text("#!/bin/sh\nprintf 'cnn.train 1\\ncnn.infer 0.6\\ncnn.one 0.01\\n'\n")
        norma.chmod(0o755)
        result = self.compare(norma, "--rounds", "1", "--python", python, "--workloads", "cnn")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{python} cannot import jax: without JAX", result.stderr)
        self.assertEqual(result.stdout.splitlines(), [
            "| ms | Norma, 1 thread | Norma, 2 threads | ONNX Runtime "
            "| Norma ÷ best peer, both on 1 thread | Norma ÷ best peer, both on up to 2 |",
            "|---|---:|---:|---:|---:|---:|",
            "| `cnn` train | 1.00 | 1.00 | – | – | – |",
            "| `cnn` infer | 0.600 | 0.600 | 0.300 (1) | 2.00 | 2.00 |",
            "| `cnn` one sample | 0.0100 | 0.0100 | 0.0200 (1) | 0.50 | 0.50 |",
            "",
            "In brackets: the peer's best setting, its own threads and OpenBLAS's. "
            "Medians over 1 round.",
            "",
            "Not installed: PyTorch; PyTorch, channels last; PyTorch, compiled; JAX; OpenVINO."])
        script = BENCH / "peers" / "onnxruntime_bench.py"
        self.assertEqual(self.log("python"), [
            f"{n} -B {script} --threads {n} --seconds 0.25 --blocks 3 cnn" for n in (1, 2)])

    def test_peers_choose(self):
        norma = self.program("norma", NORMA)
        result = self.compare(norma, "--rounds", "1", "--python", "false", "--workloads",
                              "mlp_tiny", "--peers", "JAX", "OpenVINO")
        self.assertEqual(result.stdout.splitlines()[-1], "Not installed: JAX; OpenVINO.")

    def test_three_calls_at_least_warm_up(self):
        sys.path.insert(0, str(BENCH / "peers"))
        import workloads
        calls = []
        self.assertEqual(workloads.warm_up(lambda: calls.append(0), 0.0), 3)
        self.assertEqual(len(calls), 3)

    def test_peers_programs_print_the_same_lines(self):
        for imports, script, phases, *options in (
                ("torch", "pytorch_bench.py", ("train", "infer")),
                ("torch", "pytorch_bench.py", ("train", "infer"), "--channels-last"),
                ("jax", "jax_bench.py", ("train", "infer")),
                ("onnx, onnxruntime", "onnxruntime_bench.py", ("infer",)),
                ("onnx, openvino", "openvino_bench.py", ("infer",))):
            with self.subTest(script):
                if subprocess.run([sys.executable, "-c", f"import {imports}"], check=False,
                                  stderr=subprocess.DEVNULL).returncode != 0:
                    self.skipTest(f"{sys.executable} cannot import {imports}")
                result = subprocess.run(
                    [sys.executable, "-B", BENCH / "peers" / script, *options, "--threads", "1",
                     "--seconds", "0.01", "--blocks", "1", "mlp_tiny", "resnet20"],
                    stdout=subprocess.PIPE, text=True, check=True)
                self.assertRegex(result.stdout, "^" + "".join(
                    rf"{name}\.{phase} [0-9.]+\n" for name in ("mlp_tiny", "resnet20")
                    for phase in (*phases, "one", "one_p99")) + "$")


if __name__ == "__main__":
    unittest.main()
