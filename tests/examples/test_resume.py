"""Interrupts the examples that train, and lets them go on: the numbers are those of a run that nobody interrupted.

usage: test_resume.py FOLDER_OF_PROGRAMS CLASS
"""

import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

import test_examples
from test_examples import PROGRAMS, TINY, Example

# Long enough to be interrupted in the middle, several times.
LONGER = {
    "cifar_resnet": "--epochs 2 --train-size 64 --test-size 16 --batch-size 8",
    "digits_cnn": "--epochs 2 --train-size 600 --test-size 64 --batch-size 16",
    "mnist_mlp": "--epochs 3 --train-size 4000 --test-size 64 --batch-size 16",
    "spirals_mlp": "--epochs 10 --train-size 4000 --test-size 64 --batch-size 16",
}
SAVED = re.compile(r"interrupted in epoch \d+/\d+, batch \d+/\d+, saved (\S+); --resume goes on from there")
GOING_ON = re.compile(r"going on in epoch \d+/\d+, batch \d+/\d+")


def catches(process, number):
    """Whether the process has a handler for the signal yet."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return found is not None and int(found.group(1), 16) >> (number - 1) & 1 == 1


class Resume(Example):
    program = ""

    def setUp(self):
        super().setUp()
        self.arguments = LONGER[self.program] + " --threads 2"

    def begin(self, arguments):
        return subprocess.Popen([PROGRAMS / self.program, *arguments.split()], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def interrupted(self, arguments, number, delay):
        """The lines of a run that gets the signal so many seconds after it began to train."""
        with self.begin(arguments) as process:
            while process.poll() is None and not catches(process, number):
                time.sleep(0.001)
            time.sleep(delay)
            process.send_signal(number)
            out, err = process.communicate(timeout=300)
        self.assertEqual((process.returncode, err), (0, ""), out)
        return out.splitlines()

    def straight(self):
        """The lines and the model of a run that nobody interrupts, and the seconds that it took."""
        started = time.monotonic()
        lines = self.lines(self.arguments + " --save model.st")
        seconds = time.monotonic() - started
        model = (self.folder / "model.st").read_bytes()
        (self.folder / "model.st").unlink()
        return lines, model, seconds

    def test_interrupted_again_and_again(self):
        expected, model, seconds = self.straight()
        moments = random.Random(7)
        arguments, lines, stops = self.arguments + " --save model.st", [], 0
        for attempt in range(20):
            signal_now = [signal.SIGINT, signal.SIGTERM][attempt % 2]
            new = self.interrupted(arguments, signal_now, moments.uniform(0, seconds / 4))
            if stops == 0:
                lines = []  # it was through before the signal came, and begins again
            lines += [line for line in new[1 if stops else 0 :] if not GOING_ON.fullmatch(line)]
            saved = SAVED.fullmatch(lines[-1])
            if saved:
                self.assertFalse((self.folder / "model.st").exists())
                self.assertEqual(saved.group(1), f"{self.program}.checkpoint")
                lines.pop()
                stops += 1
                arguments = self.arguments + " --save model.st --resume"
            elif stops > 0:
                break
            else:
                (self.folder / "model.st").unlink()
            if stops == 3:
                new = self.lines(arguments)
                self.assertRegex(new[1], GOING_ON)
                lines += new[2:]
                break
        self.assertGreater(stops, 0)
        self.assertEqual(lines, expected)
        self.assertEqual((self.folder / "model.st").read_bytes(), model)

    def test_killed_behind_a_checkpoint(self):
        expected, model, _ = self.straight()
        path = self.folder / "run.st"
        with self.begin(self.arguments + " --checkpoint run.st --checkpoint-every 3") as process:
            while process.poll() is None and not path.exists():
                time.sleep(0.001)
            process.kill()
            process.communicate(timeout=300)
        self.assertTrue(path.exists())
        new = self.lines(self.arguments + " --resume run.st --save model.st")
        self.assertRegex(new[1], r"going on in epoch \d+/\d+, batch \d+/\d+")
        self.assertEqual(new[2:], expected[len(expected) - len(new) + 2 :])
        self.assertEqual((self.folder / "model.st").read_bytes(), model)
        # Other options would lead elsewhere.
        self.refused(self.arguments + " --resume run.st --lr 0.005", "run.st", "--lr 0.005", "--lr 0.")
        self.refused(self.arguments.replace("--threads 2", "--threads 1") + " --resume run.st", "run.st",
                     "--threads 2", "--threads 1")


class ResumeCifarResnet(Resume):
    program = "cifar_resnet"


class ResumeDigitsCnn(Resume):
    program = "digits_cnn"


class ResumeMnistMlp(Resume):
    program = "mnist_mlp"

    def test_where_it_saves(self):
        self.interrupted(self.arguments + " --epochs 100000 --checkpoint here.st", signal.SIGTERM, 0.05)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["here.st"])
        lines = self.interrupted(
            self.arguments + " --epochs 100000 --checkpoint here.st --resume", signal.SIGTERM, 0.05)
        self.assertRegex(lines[1], GOING_ON)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["here.st"])

    def test_a_checkpoint_of_another_program(self):
        self.lines(TINY["spirals_mlp"] + " --checkpoint-every 1", program="spirals_mlp")
        self.refused(self.arguments + " --resume spirals_mlp.checkpoint", "spirals_mlp.checkpoint",
                     "size mismatch")


class ResumeSpiralsMlp(Resume):
    program = "spirals_mlp"


if __name__ == "__main__":
    test_examples.main()
