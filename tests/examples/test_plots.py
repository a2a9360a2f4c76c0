"""What the examples draw with --plot.

usage: test_plots.py FOLDER_OF_PROGRAMS WithPlot|WithoutPlot
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest
import unittest.mock

import test_examples
from test_examples import PROGRAMS, TINY, Example

sys.path.append(str(pathlib.Path(__file__).parent.parent / "plot"))
import check_picture

CURVES = {"loss.svg", "accuracy.svg", "history.csv"}
DRAWN = {
    "batchnorm_tour": {"before.svg", "after.svg", "boundary.png", "loss.svg", "history.csv"},
    "cifar_resnet": CURVES | {"confusion.svg", "images.png", "filters.png"},
    "digits_cnn": CURVES | {"confusion.svg", "images.png", "filters.png"},
    "mnist_mlp": CURVES | {"confusion.svg", "images.png"},
    "resnet18": {"images.png", "filters.png"},
    "spirals_mlp": CURVES | {"boundary.png"},
}
OPTIONS = {program: TINY.get(program, "") + " --threads 2" for program in DRAWN}
OPTIONS["resnet18"] += " --test-size 2"


class WithPlot(Example):
    maxDiff = 1000

    def setUp(self):
        super().setUp()
        if not shutil.which("gnuplot"):
            self.skipTest("there is no gnuplot here")

    def test_every_example_draws_what_suits_it(self):
        for program, names in DRAWN.items():
            with self.subTest(program=program):
                folder = self.folder / program / "plots"
                plain = self.lines(OPTIONS[program], program)
                self.assertEqual(self.lines(f"{OPTIONS[program]} --plot {folder}", program), plain)
                self.assertEqual({path.name for path in folder.iterdir()}, names)
                for path in folder.glob("*.svg"):
                    size, texts = check_picture.read_svg(path)
                    self.assertGreater(size[0], 400)
                    self.assertGreater(len(texts), 5)
                for path in folder.glob("*.png"):
                    self.assertGreater(check_picture.png_size(path.read_bytes())[0], 400)

    def test_a_model_that_is_only_tested(self):
        self.lines(TINY["mnist_mlp"] + " --save a.st", "mnist_mlp")
        self.lines("--epochs 0 --load a.st --test-size 9 --train-size 64 --plot drawn", "mnist_mlp")
        drawn = {path.name for path in (self.folder / "drawn").iterdir()}
        self.assertEqual(drawn, {"confusion.svg", "images.png", "history.csv"})

    def test_the_history_of_a_run_that_stopped_at_the_end_of_an_epoch(self):
        options = "--epochs 3 --train-size 256 --test-size 64 --batch-size 16"
        self.lines(f"{options} --plot straight", "mnist_mlp")
        self.lines(f"{options} --plot halting --checkpoint run.st --checkpoint-every 48", "mnist_mlp")
        self.lines(f"{options} --plot halting --resume run.st", "mnist_mlp")
        straight, halting = (self.folder / name / "history.csv" for name in ("straight", "halting"))
        self.assertEqual(halting.read_text(), straight.read_text())

    def test_a_second_run_in_the_same_folder_begins_anew(self):
        for _ in range(2):
            self.lines("--plot again", "batchnorm_tour")

    def test_the_history_of_a_run_that_goes_on(self):
        options = "--epochs 3 --train-size 4000 --test-size 64 --batch-size 16 --threads 2"
        self.lines(f"{options} --plot straight", "mnist_mlp")
        begun = options + " --plot halting --checkpoint run.st --checkpoint-every 30"
        command = [PROGRAMS / "mnist_mlp", *begun.split()]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE) as process:
            while process.poll() is None and not (self.folder / "run.st").exists():
                time.sleep(0.001)
            process.kill()
            process.communicate(timeout=300)
        self.lines(f"{options} --plot halting --resume run.st", "mnist_mlp")
        straight, halting = (self.folder / name / "history.csv" for name in ("straight", "halting"))
        self.assertEqual(halting.read_text(), straight.read_text())
        # Another run in the same folder begins anew.
        self.lines(f"{options} --plot halting", "mnist_mlp")
        self.assertEqual(halting.read_text(), straight.read_text())

    def test_without_gnuplot(self):
        with unittest.mock.patch.dict(os.environ, PATH="/none"):
            self.refused(OPTIONS["mnist_mlp"] + " --plot here --save net.st", "apt-get install gnuplot-nox",
                         "the numbers are in here/loss.svg.csv", program="mnist_mlp")
        self.assertTrue((self.folder / "here/loss.svg.csv").exists())
        self.assertTrue((self.folder / "net.st").exists())

    def test_a_folder_that_cannot_be(self):
        (self.folder / "file").write_text("")
        self.refused(OPTIONS["mnist_mlp"] + " --plot file/in", "[--plot] file/in: cannot make the folder: ",
                     program="mnist_mlp")


class WithoutPlot(Example):
    def test_it_says_what_to_build(self):
        for program in DRAWN:
            with self.subTest(program=program):
                self.refused(OPTIONS[program] + " --plot here", "[--plot] ", "norma::plot", "install gnuplot-nox",
                             "-DNORMA_BUILD_PLOT=ON", program=program)
                self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    test_examples.main()
