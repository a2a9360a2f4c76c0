"""Deterministic algorithms: one program, the same bits under every condition that can be had here.

Usage: test_determinism.py BITS [sanitized]     BITS: the program, or a command that runs it
"""
import os
import shutil
import subprocess
import sys
import unittest

SANITIZED = sys.argv[2:] == ["sanitized"]
BITS, sys.argv[1:] = sys.argv[1], []

# Each stands for another processor: OpenBLAS's kernels, the C library's variants, the vectors.
CONDITIONS = {
    "one thread": {"NORMA_NUM_THREADS": "1"},
    "three threads": {"NORMA_NUM_THREADS": "3"},
    "avx2": {"NORMA_SIMD": "avx2"},
    "baseline": {"NORMA_SIMD": "baseline"},
    "plain": {"NORMA_SIMD": "plain"},
    "OpenBLAS for an old processor": {"OPENBLAS_CORETYPE": "Prescott"},
    "C library without fused multiply-add": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-AVX2,-FMA"},
}
EMULATED = ["core2duo", "Nehalem", "Haswell"]


def results(command, *arguments, **environment):
    names = ("NORMA_SIMD", "NORMA_NUM_THREADS", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES")
    clean = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run([*command, BITS, *arguments], env={**clean, **environment}, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} {environment}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


class Determinism(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.expected = results([])

    def test_there_is_something_to_compare(self):
        self.assertGreater(len(self.expected), 40)
        self.assertEqual(len(set(self.expected)), len(self.expected))

    def test_conditions(self):
        for name, environment in CONDITIONS.items():
            with self.subTest(name):
                self.assertEqual(results([], **environment), self.expected)

    def test_environment_alone(self):
        self.assertEqual(results([], "default", NORMA_SIMD="deterministic"), self.expected)

    def test_by_default_vectors_show(self):
        self.assertNotEqual(results([], "default", NORMA_SIMD="baseline"), self.expected)

    @unittest.skipIf(SANITIZED, "an emulator cannot run programs under AddressSanitizer")
    def test_emulated_processors(self):
        emulator = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
        if not emulator:
            self.skipTest("qemu-user is not installed")
        for cpu in EMULATED:
            with self.subTest(cpu):
                self.assertEqual(results([emulator, "-cpu", cpu], NORMA_NUM_THREADS="1"), self.expected)


unittest.main(verbosity=2)
