"""PyTorch opens what Norma saves, Norma opens what PyTorch saves, and both give the same answers.

usage: test_torch.py BORDER_PROGRAM FOLDER_OF_EXAMPLES CLASS      (exit code 77: no PyTorch here)

The class Examples alone needs the folder.
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import torch
except ImportError:
    print("skipped: no PyTorch")
    sys.exit(77)

import models
import safetensors_standin as standin

try:
    import safetensors.torch as package
    from safetensors.torch import load_file, save_file
except ImportError:
    package = None
    from safetensors_standin import load_file, save_file

BORDER = sys.argv[1]
EXAMPLES = pathlib.Path(sys.argv[2])
# Relative to the largest element of each tensor, from the same weights and batches: what a forward pass makes, running
# statistics among it, and what has a gradient in it.
FORWARD = {torch.float32: 1e-5, torch.float64: 1e-10}
TRAINED = {torch.float32: 1e-4, torch.float64: 1e-10}
STEPS = {torch.float32: 1, torch.float64: 3}


class WithFolder(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def border(self, *arguments):
        run = subprocess.run([BORDER, *arguments], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""), arguments)
        return run.stdout.splitlines()

    def assert_near(self, ours, theirs, tolerance, name):
        self.assertEqual((ours.dtype, ours.shape), (theirs.dtype, theirs.shape), name)
        if ours.is_floating_point():
            error = (ours - theirs).abs().max() / theirs.abs().max()
            self.assertLessEqual(error.item(), tolerance, name)
        else:
            self.assertTrue(torch.equal(ours, theirs), name)

    def cross(self, name, path, dtype):
        """Both sides load the file and do what models.h describes."""
        model = models.make(name).to(dtype)
        loaded = load_file(path)
        self.assertEqual({key: t.dtype for key, t in loaded.items()},
                         {key: t.dtype for key, t in model.state_dict().items()})
        model.load_state_dict(loaded)
        drawn = models.clear_batches(model, name, STEPS[dtype], 8 if name == "mlp" else 4)
        save_file(drawn, self.folder / "batches")
        self.border("follow", name, path, *(self.folder / part for part in ("batches", "answers", "state")))
        ours, theirs = load_file(self.folder / "answers"), models.follow(model, **drawn)
        self.assertEqual(ours.keys(), theirs.keys())
        parameters = {prefix + key for key, _ in model.named_parameters() for prefix in ("state1.", "state.")}
        for key in theirs:
            trained = key in parameters or key == "eval_after"
            self.assert_near(ours[key], theirs[key], (TRAINED if trained else FORWARD)[dtype], key)
        # What Norma trained and saved goes on in PyTorch where it was.
        trained = models.make(name).to(dtype)
        trained.load_state_dict(load_file(self.folder / "state"))
        trained.eval()
        with torch.no_grad():
            self.assert_near(trained(drawn["input"][0]), ours["eval_after"], FORWARD[dtype], "after training")


class Crossing:
    """What holds for every model."""

    name = ""

    def test_keys_dtypes_shapes_and_their_order(self):
        self.assertEqual(self.border("names", self.name), models.names(models.make(self.name)))

    def test_from_pytorch(self):
        for dtype in STEPS:
            with self.subTest(dtype=dtype):
                save_file(models.fresh(self.name, dtype).state_dict(), self.folder / "pytorch")
                self.cross(self.name, self.folder / "pytorch", dtype)

    def test_what_torch_save_writes(self):
        model = models.fresh(self.name)
        save_file(model.state_dict(), self.folder / "file.safetensors")
        torch.save(model.state_dict(), self.folder / "file.pt")
        save_file(models.batches(self.name, 1, 4), self.folder / "batches")
        answers = []
        for path in (self.folder / "file.safetensors", self.folder / "file.pt"):
            self.border("follow", self.name, path, *(self.folder / part for part in ("batches", "answers", "state")))
            answers.append((self.folder / "answers").read_bytes())
        self.assertEqual(*answers)

    def test_from_norma(self):
        for dtype in STEPS:
            with self.subTest(dtype=dtype):
                self.border("make", self.name, "1", str(dtype).replace("torch.", ""), self.folder / "norma")
                self.cross(self.name, self.folder / "norma", dtype)


class Mlp(Crossing, WithFolder):
    name = "mlp"

    def test_half_precision_is_widened(self):
        for dtype in (torch.float16, torch.bfloat16):
            with self.subTest(dtype=dtype):
                model = models.fresh("mlp").to(dtype)
                save_file(model.state_dict(), self.folder / "half")
                model = model.float().eval()
                drawn = models.batches("mlp", 1, 8)
                save_file(drawn, self.folder / "batches")
                self.border("follow", "mlp", *(self.folder / part for part in ("half", "batches", "answers", "state")))
                answer = load_file(self.folder / "answers")["eval"]
                with torch.no_grad():
                    self.assert_near(answer, model(drawn["input"][0]), 1e-5, "eval")


    def test_integers_stay_what_they_are(self):
        state = {f"{dtype}": torch.tensor([[0, 1], [5, 127]]).to(dtype)
                 for dtype in (torch.int32, torch.int64, torch.uint8, torch.bool)}
        state["ends"] = torch.tensor([2**31 - 1, -2**31], dtype=torch.int32)
        state["none"], state["one"] = torch.zeros(0, 3, dtype=torch.int32), torch.tensor(-7, dtype=torch.int32)
        save_file(state, self.folder / "file.safetensors")
        torch.save(state, self.folder / "file.pt")
        for path in (self.folder / "file.safetensors", self.folder / "file.pt"):
            with self.subTest(path=path.name):
                self.border("copy", path, self.folder / "copy")
                copy = load_file(self.folder / "copy")
                self.assertEqual(copy.keys(), state.keys())
                for name, tensor in state.items():
                    self.assert_near(copy[name], tensor, 0, name)


class Cnn(Crossing, WithFolder):
    name = "cnn"


class Resnet20(Crossing, WithFolder):
    name = "resnet20"


class Sequences(Crossing, WithFolder):
    name = "sequences"


class Resnet18(Crossing, WithFolder):
    name = "resnet18"

    def test_the_definition_here_is_torchvisions(self):
        theirs = models.torchvision_resnet18()
        if theirs is None:
            self.skipTest("no torchvision")
        ours = models.ResNet18(64, 1000)
        self.assertEqual(models.names(ours), models.names(theirs))
        ours.load_state_dict(theirs.state_dict())
        x = models.batches("resnet18", 1, 2)["input"][0]
        with torch.no_grad():
            self.assert_near(ours(x), theirs(x), 1e-6, "output")


class Examples(WithFolder):
    """Norma's example programs and PyTorch."""

    def start(self, *arguments):
        program, *options = arguments
        run = subprocess.run([EXAMPLES / program, *options], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""), arguments)
        return run.stdout.splitlines()

    def test_resnet18_with_pytorchs_weights(self):
        for classes in (1000, 5):
            model = models.fresh("resnet18")
            model.fc = torch.nn.Linear(512, classes)
            model.eval()
            save_file(model.state_dict(), self.folder / "weights")
            images = torch.randint(0, 256, (3, 3, 224, 200), dtype=torch.uint8)
            mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
            normalised = (images / 255 - mean[:, None, None]) / std[:, None, None]
            with torch.no_grad():
                expected = model(normalised)
            for given in (images, normalised, normalised.double()):
                save_file({"images": given}, self.folder / "images")
                lines = self.start("resnet18", "--weights", "weights", "--data", "images", "--classes", str(classes),
                                   "--scores", "scores", "--batch-size", "2", "--save", "again")
                self.assertEqual(lines[0], f"images: 3 pictures of 224 x 200, {classes} classes")
                self.assert_near(load_file(self.folder / "scores")["scores"], expected, 1e-5, "scores")
                shares, best = expected.softmax(1).topk(5)
                for i, line in enumerate(lines[1:]):
                    place, answer = line.split(": ")
                    self.assertEqual(place, f"picture {i}")
                    for j, part in enumerate(answer.split(", ")):
                        name, share = part.rsplit(" ", 1)
                        self.assertEqual(name, f"class {best[i, j]}")
                        self.assertAlmostEqual(float(share), shares[i, j].item(), delta=6e-5)
            torch.save(model.state_dict(), self.folder / "weights")
            torch.save({"images": images, "from": "the net"}, self.folder / "images")
            self.start("resnet18", "--weights", "weights", "--data", "images", "--classes", str(classes),
                       "--scores", "scores")
            self.assert_near(load_file(self.folder / "scores")["scores"], expected, 1e-5, "scores")
            again = load_file(self.folder / "again")
            self.assertTrue(all(torch.equal(again[key], value) for key, value in model.state_dict().items()))

    def test_a_fresh_resnet18_opens_in_pytorch(self):
        self.start("resnet18", "--save", "weights", "--scores", "scores", "--test-size", "1")
        model = models.make("resnet18")
        model.load_state_dict(load_file(self.folder / "weights"))
        self.assertEqual(load_file(self.folder / "scores")["scores"].shape, (1, 1000))

    def test_trained_ones_open_in_pytorch(self):
        tiny = "--epochs 1 --train-size 16 --test-size 16 --batch-size 8 --save weights".split()
        for program, name in (("cifar_resnet", "resnet20"), ("digits_cnn", "cnn")):
            self.start(program, *tiny)
            model = models.make(name)
            model.load_state_dict(load_file(self.folder / "weights"))
            counters = {value.item() for key, value in model.state_dict().items() if key.endswith("tracked")}
            self.assertEqual(counters, {2}, program)


class Standin(WithFolder):
    """The stand-in's functions for PyTorch."""

    def tensors(self):
        integers = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
        return {
            **{f"float.{dtype}": torch.randn(3, 2).to(dtype)
               for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)},
            **{f"int.{dtype}": torch.randint(0, 127, (2, 1, 3)).to(dtype) for dtype in integers},
            "bool": torch.tensor([True, False]), "scalar": torch.tensor(3), "empty": torch.zeros(0, 3),
            "special": torch.tensor([float("nan"), float("-inf"), -0.0, 1e-45]),
            "parameter": torch.nn.Parameter(torch.randn(2)),
            "part of a larger one": torch.arange(10)[3:7],
        }

    def assert_same(self, ours, theirs):
        self.assertEqual(ours.keys(), theirs.keys())
        for name, tensor in theirs.items():
            self.assertEqual((ours[name].dtype, ours[name].shape), (tensor.dtype, tensor.shape))
            self.assertEqual(repr(ours[name].tolist()), repr(tensor.tolist()), name)
            self.assertFalse(ours[name].requires_grad)

    def test_there_and_back(self):
        path = self.folder / "file"
        standin.save_file(self.tensors(), path, {"note": "x"})
        torch.manual_seed(0)
        self.assert_same(standin.load_file(path), self.tensors())
        self.assertEqual(standin.read_file(path)[1], {"note": "x"})
        standin.save_file({}, str(path))
        self.assertEqual((standin.load_file(str(path)), standin.read_file(path)[1]), ({}, {}))

    def test_parts_of_one_tensor_are_fine_unless_they_overlap(self):
        rows = torch.randn(4, 3)
        standin.save_file({"a": rows[:2], "b": rows[2:]}, self.folder / "file")
        self.assert_same(standin.load_file(self.folder / "file"), {"a": rows[:2], "b": rows[2:]})
        for a, b in ((rows, rows), (rows[:3], rows[2:]), (rows, rows[3])):
            with self.assertRaisesRegex(RuntimeError, "share memory"):
                standin.save_file({"a": a, "b": b}, self.folder / "file")

    def test_what_is_refused(self):
        path, square = self.folder / "file", torch.randn(3, 3)
        for tensors, word in (({"x": square.t()}, "contiguous"), ({"x": square.to_sparse()}, "sparse"),
                              ({"x": [1.0]}, "torch.Tensor"), ([square], "dict")):
            with self.assertRaisesRegex(ValueError, word):
                standin.save_file(tensors, path)
        with self.assertRaises(TypeError):
            standin.save_file({"x": square}, path, {"epoch": 3})
        self.assertFalse(path.exists())
        path.write_bytes(standin.serialize({"x": standin.Tensor("U64", (1,), bytes(8))}))
        with self.assertRaisesRegex(standin.SafetensorError, "U64"):
            standin.load_file(path)

    @unittest.skipIf(package is None, "no package safetensors, for which the stand-in stands in")
    def test_the_package_does_the_same(self):
        tensors = self.tensors()
        for metadata in (None, {"format": "pt"}):
            package.save_file(tensors, self.folder / "theirs", metadata)
            standin.save_file(tensors, self.folder / "ours", metadata)
            self.assertEqual((self.folder / "ours").read_bytes(), (self.folder / "theirs").read_bytes())
        self.assert_same(package.load_file(self.folder / "ours"), standin.load_file(self.folder / "theirs"))
        for tensors in ({"x": torch.randn(3, 3).t()}, {"x": [1.0]}, {"a": tensors["bool"], "b": tensors["bool"]}):
            self.assertRaises((ValueError, RuntimeError), package.save_file, tensors, self.folder / "theirs")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
