"""scripts/exercise.sh, with a cmake that compiles nothing: of its programs, the first two pass.

usage: test_script.py ROOT
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()

# Says what the third one is to do: fail, crash, not compile, or not be known to ninja.
CMAKE = """#!/bin/bash
[ "$1" = --build ] || exit 0
case $4 in
  exercise_0[12]_*) printf '#!/bin/bash\\necho Passed' >"$2/$4" ;;
  *) case $THIRD in
       fails) printf '#!/bin/bash\\necho what is missing\\nexit 1' >"$2/$4" ;;
       crashes) printf '#!/bin/bash\\nkill -SEGV $$' >"$2/$4" ;;
       "is unknown") echo "ninja: error: unknown target"; exit 1 ;;
       *) echo "relu.h:1: error: no"; exit 1 ;;
     esac ;;
esac
chmod +x "$2/$4"
"""


class Script(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("scripts", "exercises"):
            shutil.copytree(ROOT / name, self.root / name)
        (self.root / "build" / "exercises").mkdir(parents=True)
        (self.root / "bin").mkdir()
        cmake = self.root / "bin" / "cmake"
        cmake.write_text(CMAKE)
        cmake.chmod(0o755)

    def run_script(self, *arguments, third="fails"):
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        result = subprocess.run(
            [self.root / "scripts" / "exercise.sh", *arguments],
            env={**os.environ, "PATH": path, "THIRD": third},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        return result.returncode, result.stdout

    def test_the_next_one_is_the_first_that_fails(self):
        status, said = self.run_script()
        self.assertEqual(status, 0)
        for part in ("Next: 3 ReLU", "exercises/03_relu/README.md", "exercises/03_relu/relu.h", "what is missing"):
            self.assertIn(part, said)

    def test_one_by_number(self):
        self.assertEqual(self.run_script("3")[0], 1)
        for number in ("2", "02"):
            status, said = self.run_script(number)
            self.assertEqual(status, 0)
            self.assertIn("2 A linear layer", said)
            self.assertIn("Passed", said)

    def test_a_crash_and_an_error_of_the_compiler(self):
        status, said = self.run_script("3", third="crashes")
        self.assertEqual(status, 1)
        self.assertIn("ended by signal 11", said)
        status, said = self.run_script("3", third="does not compile")
        self.assertEqual(status, 1)
        self.assertIn("relu.h:1: error: no\nIt does not compile yet", said)
        self.assertIn("It does not compile yet", self.run_script(third="does not compile")[1])

    def test_an_error_of_ninja(self):
        status, said = self.run_script("3", third="is unknown")
        self.assertEqual(status, 1)
        self.assertIn("ninja: error: unknown target\nIt does not compile yet", said)

    def test_a_solution(self):
        status, said = self.run_script("--solution", "3")
        self.assertEqual((status, said), (0, (ROOT / "exercises/03_relu/solution/relu.h").read_text()))

    def test_help(self):
        status, said = self.run_script("--help")
        self.assertEqual(status, 0)
        self.assertIn("scripts/exercise.sh --solution 4", said)
        script = ["./exercise.sh", "--help"]
        beside = subprocess.run(script, cwd=self.root / "scripts", stdout=subprocess.PIPE, text=True)
        self.assertEqual((beside.returncode, beside.stdout), (0, said))

    def test_wrong_arguments(self):
        for arguments in (["0"], ["15"], ["-1"], ["relu"], ["3.5"], [""], ["--solution", "99"]):
            status, said = self.run_script(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(f"expected the number of an exercise, 1 to 14, got {arguments[-1]}", said)
        for arguments in (["1", "2"], ["--solution", "1", "2"]):
            status, said = self.run_script(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn("--help says more", said)


if __name__ == "__main__":
    unittest.main()
