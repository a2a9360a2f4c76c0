"""Starts the examples as a user would and reads what they print.

usage: test_examples.py FOLDER_OF_PROGRAMS CLASS
"""

import gzip
import json
import os
import pathlib
import pty
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

PROGRAMS = pathlib.Path(sys.argv[1])
LAST_LINE = re.compile(r"test accuracy ([01]\.\d{4})")
TINY = {
    "cifar_resnet": "--epochs 1 --train-size 16 --test-size 16 --batch-size 8",
    "digits_cnn": "--epochs 1 --train-size 256 --test-size 64 --batch-size 32",
    "mnist_mlp": "--epochs 2 --train-size 256 --test-size 64 --batch-size 32",
    "spirals_mlp": "--epochs 2 --train-size 256 --test-size 64 --batch-size 32",
}


class Example(unittest.TestCase):
    """Each test runs in an empty folder of its own."""

    program = ""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def start(self, arguments, program=None):
        command = [PROGRAMS / (program or self.program), *arguments.split()]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def lines(self, arguments, program=None):
        """What a run that succeeds prints."""
        run = self.start(arguments, program)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        return run.stdout.splitlines()

    def accuracy(self, arguments):
        last = self.lines(arguments)[-1]
        self.assertRegex(last, LAST_LINE)
        return float(LAST_LINE.fullmatch(last).group(1))

    def refused(self, arguments, *words, program=None):
        """A run that fails with a message on stderr that has these words."""
        run = self.start(arguments, program)
        self.assertGreater(run.returncode, 0, f"{arguments}: {run.stdout}")
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertNotIn("test accuracy", run.stdout)
        self.assertNotIn("terminate called", run.stderr)


class Training(Example):
    """What holds for every example that trains."""

    def tiny(self, more=""):
        return f"{TINY[self.program]} --threads 2 {more}"

    def test_a_short_run(self):
        lines = self.lines(self.tiny())
        sizes = re.findall(r"-size (\d+) ", TINY[self.program] + " ")[:2]
        self.assertRegex(lines[0], "{} training and {} test samples$".format(*sizes))
        self.assertRegex("\n".join(lines), r"epoch 1/\d+: loss \d+\.\d{4}, accuracy on test data 0\.")
        self.assertRegex(lines[-1], LAST_LINE)
        self.assertLess(len(lines), 12)

    def test_two_runs_print_the_same(self):
        first = self.lines(self.tiny("--seed 3"))
        self.assertEqual(first, self.lines(self.tiny("--seed 3")))
        self.assertNotEqual(first, self.lines(self.tiny("--seed 4")))

    def test_save_and_load(self):
        trained = self.lines(self.tiny("--save here.safetensors"))
        loaded = self.lines(self.tiny("--seed 9 --epochs 0 --load here.safetensors"))
        self.assertEqual(trained[-1], loaded[-1])
        fresh = self.lines(self.tiny("--seed 9 --save fresh.safetensors --lr 1e-9"))
        self.assertNotEqual((self.folder / "here.safetensors").read_bytes(),
                            (self.folder / "fresh.safetensors").read_bytes(), fresh)

    def test_a_file_that_is_no_model(self):
        (self.folder / "notes.txt").write_text("Not a model, but long enough to be one.")
        self.refused(self.tiny("--load notes.txt"), "notes.txt", "[")

    def test_a_place_that_cannot_be_written(self):
        self.refused(self.tiny("--save no/such/folder/a.safetensors"), "no/such/folder")

    def test_help(self):
        text = "\n".join(self.lines("--help"))
        for option in "data epochs batch-size lr seed threads save load".split():
            self.assertIn(f"--{option} ", text)


def keys_of(path):
    """The names in a safetensors file."""
    contents = path.read_bytes()
    (length,) = struct.unpack("<Q", contents[:8])
    return set(json.loads(contents[8 : 8 + length])) - {"__metadata__"}


def write_mnist(folder, train=300, test=100):
    """Pictures of noise in MNIST's format: one file plain, the others gzip."""
    folder.mkdir(parents=True)
    noise = random.Random(0)
    for name, count in (("train", train), ("t10k", test)):
        images = struct.pack(">4i", 2051, count, 28, 28) + noise.randbytes(count * 784)
        labels = struct.pack(">2i", 2049, count) + bytes(noise.choices(range(10), k=count))
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)


class MnistMlp(Training):
    program = "mnist_mlp"

    def test_it_learns(self):
        self.assertGreater(self.accuracy("--train-size 4000 --test-size 500 --epochs 3"), 0.7)

    def test_mnist(self):
        write_mnist(self.folder / "data" / "mnist")
        for folder in ("data", "data/mnist"):
            lines = self.lines(f"--epochs 1 --data {folder}")
            self.assertEqual(lines[0], "MNIST: 300 training and 100 test samples")
        lines = self.lines("--epochs 1 --data data --train-size 100 --test-size 50")
        self.assertEqual(lines[0], "MNIST: 100 training and 50 test samples")
        self.refused("--data data --train-size 301", "--train-size", "300", "301")

    def test_a_folder_without_mnist(self):
        (self.folder / "empty").mkdir()
        self.refused("--data empty", "empty", "train-images")


class DigitsCnn(Training):
    program = "digits_cnn"

    def test_it_saves_and_compares(self):
        lines = self.lines(self.tiny("--save net.safetensors"))
        self.assertEqual(
            lines[-2],
            "saved net.safetensors; loaded into a fresh model, it gives the same answers bit for bit",
        )
        names = keys_of(self.folder / "net.safetensors")
        norm = {f"1.{name}" for name in "weight bias running_mean running_var num_batches_tracked".split()}
        block = {"0.weight"} | norm
        expected = {f"{i}.block.{name}" for i in (0, 2) for name in block} | {"6.weight", "6.bias"}
        self.assertEqual(names, expected)

    def test_it_writes_nothing_without_being_told(self):
        self.lines(self.tiny())
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_model_of_another_shape(self):
        self.lines(TINY["mnist_mlp"] + " --save mlp.safetensors", program="mnist_mlp")
        self.refused(self.tiny("--load mlp.safetensors"), "mlp.safetensors", "0.block.0.weight",
                     "net.0.weight")

    def test_mnist(self):
        write_mnist(self.folder / "data" / "mnist")
        self.assertEqual(self.lines("--data data")[0], "MNIST: 300 training and 100 test samples")


class CifarResnet(Training):
    program = "cifar_resnet"

    def test_cifar(self):
        noise = random.Random(0)
        for name, count in (("data_batch_1.bin", 24), ("test_batch.bin", 8)):
            records = [bytes([noise.randrange(10)]) + noise.randbytes(3072) for _ in range(count)]
            (self.folder / name).write_bytes(b"".join(records))
        lines = self.lines("--data . --epochs 1 --batch-size 8")
        self.assertEqual(lines[0], "CIFAR-10: 24 training and 8 test samples")
        self.assertRegex(lines[-1], LAST_LINE)

    def test_names_are_those_of_the_modules(self):
        self.lines(self.tiny("--save net.safetensors"))
        names = keys_of(self.folder / "net.safetensors")
        convolutions = [name for name in names if re.search(r"(stem\.0|conv[12]|shortcut\.0)\.weight", name)]
        self.assertEqual(len(convolutions), 1 + 9 * 2 + 2)
        self.assertIn("blocks.3.shortcut.1.running_var", names)
        self.assertIn("head.2.weight", names)


class SpiralsMlp(Training):
    program = "spirals_mlp"

    def test_it_learns(self):
        self.assertGreater(self.accuracy(""), 0.97)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_points_of_ones_own(self):
        draw = random.Random(0)
        rows = [(draw.uniform(-3, 3), draw.uniform(-3, 3)) for _ in range(500)]
        text = "x,y,label\n" + "".join(f"{x},{y},{int(x > 0)}\n" for x, y in rows)
        (self.folder / "points.csv").write_text(text)
        self.assertGreater(self.accuracy("--data points.csv --epochs 20"), 0.9)

    def test_points_with_two_columns(self):
        (self.folder / "points.csv").write_text("x,y\n1,2\n3,4\n")
        self.refused("--data points.csv", "points.csv", "label")

    def test_labels_that_are_neither_0_nor_1(self):
        (self.folder / "points.csv").write_text("x,y,label\n1,2,0\n3,4,2\n")
        self.refused("--data points.csv", "points.csv", "0 or 1")


class BatchnormTour(Example):
    program = "batchnorm_tour"

    def test_every_topic(self):
        lines = self.lines("--threads 2")
        titles = [line for line in lines if re.match(r"\d+\. ", line)]
        self.assertEqual([int(line.split(".")[0]) for line in titles], list(range(1, len(titles) + 1)))
        text = "\n".join(lines)
        for said in (
            "input [4, 1, 10], output [4, 1, 10]",
            "gamma [3], beta [3]",
            "BatchNorm1d [32, 128]        -> [32, 128]",
            "BatchNorm1d [32, 128, 50]    -> [32, 128, 50]",
            "BatchNorm2d [32, 64, 56, 56] -> [32, 64, 56, 56]",
            "(5): ReLU()",
            "eval():  0 of 10 train",
            "train(): 10 of 10 train",
            "variance tensor([1.2500]) divided by n = 4, tensor([1.6667]) divided by n - 1",
            "variance tensor([1.0000]) by the first, running_var is tensor([1.6667])",
            "the same up to rounding: true",
            "still in eval(): 22 batches counted",
            "after train():   23",
            "Expected more than 1 value per channel when training, got input size [1, 64]",
            "(in net.1, a BatchNorm1d)",
            "transpose(1, 2)",
            "[32, 100, 128] -> [32, 128, 100] -> [32, 100, 128]",
            "expected 4D input (got 2D input)",
            "train(): two answers are equal: false",
            "eval():  two answers are equal: true",
            "buffer net.1.running_mean [32]",
            "saved and loaded, the answers are equal: true",
            "running_mean is as before: true",
        ):
            self.assertIn(said, text)
        self.assertNotIn("not refused", text)
        self.assertGreater(float(LAST_LINE.fullmatch(lines[-1]).group(1)), 0.95)

    def test_two_runs_print_the_same(self):
        first = self.lines("--threads 2")
        self.assertEqual(first, self.lines("--threads 2"))
        self.assertNotEqual(first, self.lines("--threads 2 --seed 1"))

    def test_help(self):
        text = "\n".join(self.lines("--help"))
        self.assertIn("--seed", text)
        self.assertNotIn("--epochs", text)


class PlainKernels(Example):
    program = "digits_cnn"

    def losses(self, level):
        with unittest.mock.patch.dict(os.environ, NORMA_SIMD=level):
            text = "\n".join(self.lines("--epochs 1 --train-size 64 --test-size 16 --batch-size 16"))
        return [float(loss) for loss in re.findall(r"loss (\d+\.\d{4})", text)]

    def test_they_train_as_the_fast_ones_do(self):
        plain, fast = self.losses("plain"), self.losses("")
        self.assertGreater(len(plain), 0)
        self.assertEqual(len(plain), len(fast))
        for one, other in zip(plain, fast):
            self.assertAlmostEqual(one, other, delta=2e-3)


class CommandLine(Example):
    def test_wrong_options(self):
        for program in TINY:
            for arguments, word in (
                ("--epochs -1", "--epochs"),
                ("--epochs two", "--epochs"),
                ("--batch-size 0", "--batch-size"),
                ("--lr 0", "--lr"),
                ("--lr high", "--lr"),
                ("--seed -1", "--seed"),
                ("--threads 0", "--threads"),
                ("--train-size 0", "--train-size"),
                ("--data no/such/folder", "no/such/folder"),
                ("--load no/such/file", "no/such/file"),
                ("--resume", f"{program}.checkpoint"),
                ("--resume no/such/run", "no/such/run"),
                ("--resume --load .", "--load"),
                ("--checkpoint-every 0", "--checkpoint-every"),
                ("--layers 3", "--layers"),
            ):
                with self.subTest(program=program, arguments=arguments):
                    self.refused(arguments, word, program=program)

    def test_more_samples_in_a_batch_than_there_are(self):
        # No batch is full, and the loaders drop what is left over.
        for program in TINY:
            with self.subTest(program=program):
                self.refused("--train-size 8 --batch-size 16", "--batch-size", "16", "8",
                             program=program)

    def test_the_last_of_two_wins(self):
        arguments = TINY["spirals_mlp"]
        first = self.lines(arguments + " --seed 5", program="spirals_mlp")
        self.assertEqual(first, self.lines(arguments + " --seed 4 --seed 5", program="spirals_mlp"))


class Terminal(Example):
    program = "mnist_mlp"

    def test_a_bar_where_there_is_a_terminal(self):
        try:
            outside, inside = pty.openpty()
        except OSError as error:
            self.skipTest(f"this machine has no pseudo-terminals: {error}")
        command = [PROGRAMS / self.program, *"--train-size 4000 --test-size 64 --epochs 2".split()]
        with subprocess.Popen(command, cwd=self.folder, stdout=inside) as process:
            os.close(inside)
            text = b""
            try:
                while part := os.read(outside, 4096):
                    text += part
            except OSError:  # the other end is closed
                pass
        os.close(outside)
        text = text.decode()
        self.assertEqual(process.returncode, 0, text)
        self.assertRegex(text, r"\repoch 1/2 \[#*\.*\] +\d+%  loss \d+\.\d{4}  \d+ samples/s  \d+:\d\d left")
        self.assertRegex(text, r"epoch 2/2: loss \d+\.\d{4}, accuracy on test data 0\.\d{4}  \(.* s, .* samples/s\)")
        self.assertRegex(text.split("\r\n")[-2], LAST_LINE)


class RealData(Example):
    """The accuracies that Norma promises on MNIST."""

    def setUp(self):
        super().setUp()
        self.data = os.environ.get("NORMA_DATA_DIR", "")
        if not self.data:
            self.skipTest("NORMA_DATA_DIR does not name a folder of real data")

    def test_mlp(self):
        self.program = "mnist_mlp"
        self.assertGreaterEqual(self.accuracy(f"--data {self.data}"), 0.975)

    def test_cnn(self):
        self.program = "digits_cnn"
        self.assertGreaterEqual(self.accuracy(f"--data {self.data}"), 0.985)


def main():
    result = unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2, exit=False).result
    if result.wasSuccessful() and len(result.skipped) == result.testsRun > 0:
        sys.exit(77)  # which ctest shows as skipped
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
