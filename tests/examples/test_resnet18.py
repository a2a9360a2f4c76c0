"""Starts examples/resnet18 as a user would and reads what it prints and writes.

usage: test_resnet18.py FOLDER_OF_PROGRAMS
"""

import json
import pathlib
import random
import re
import struct
import sys
import unittest

from test_examples import Example, keys_of


class Resnet18(Example):
    program = "resnet18"

    def write(self, name, *tensors):
        """A safetensors file of (name, dtype, shape, bytes)."""
        header, end = {}, 0
        for key, dtype, shape, data in tensors:
            header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
            end += len(data)
        text = json.dumps(header).encode()
        parts = b"".join(data for *_, data in tensors)
        (self.folder / name).write_bytes(struct.pack("<Q", len(text)) + text + parts)

    def images(self, n=3, side=40):
        noise = random.Random(0).randbytes(n * 3 * side * side)
        self.write("images.safetensors", ("images", "U8", [n, 3, side, side], noise))
        return noise

    def test_guesses(self):
        lines = self.lines("--threads 2")
        self.assertEqual(lines[0], "drawn digits: 4 pictures of 224 x 224, 1000 classes")
        self.assertEqual(lines[1], "no --weights: the network knows nothing, and what follows are guesses")
        for i, line in enumerate(lines[2:]):
            self.assertRegex(line, rf"^picture {i}: (class \d+ [01]\.\d{{4}}(, |$)){{5}}$")
            shares = [float(share) for share in re.findall(r"[01]\.\d{4}", line)]
            self.assertEqual(shares, sorted(shares, reverse=True))
        self.assertEqual(len(lines), 6)
        self.assertEqual(lines, self.lines("--threads 2"))
        self.assertNotEqual(lines, self.lines("--threads 2 --seed 1"))

    def test_names_and_shapes_are_torchvisions(self):
        self.lines("--test-size 1 --save net.safetensors")
        contents = (self.folder / "net.safetensors").read_bytes()
        (length,) = struct.unpack("<Q", contents[:8])
        header = json.loads(contents[8 : 8 + length])
        names = pathlib.Path(__file__).resolve().parent.parent / "border" / "fixtures" / "resnet18.names"
        expected = {}
        for line in names.read_text().splitlines():
            key, dtype, shape = line.split(" ", 2)
            expected[key] = ({"float32": "F32", "int64": "I64"}[dtype], json.loads(shape))
        del header["__metadata__"]
        self.assertEqual({key: (e["dtype"], e["shape"]) for key, e in header.items()}, expected)

        def values(key):
            start, end = header[key]["data_offsets"]
            return struct.unpack(f"<{(end - start) // 4}f", contents[8 + length + start : 8 + length + end])

        for key, fan_out in (("conv1.weight", 64 * 49), ("layer3.0.conv1.weight", 256 * 9),
                             ("layer4.0.downsample.0.weight", 512)):
            weights = values(key)
            deviation = (sum(w * w for w in weights) / len(weights)) ** 0.5
            self.assertAlmostEqual(deviation / (2 / fan_out) ** 0.5, 1, delta=0.03)
        self.assertEqual(set(values("layer2.1.bn2.weight")), {1.0})
        self.assertEqual(set(values("layer2.1.bn2.bias")), {0.0})
        self.assertLessEqual(max(map(abs, values("fc.weight"))), 512**-0.5)

    def test_weights_from_a_file(self):
        self.images()
        saved = self.lines("--data images.safetensors --classes 7 --save a.safetensors")
        loaded = self.lines("--data images.safetensors --classes 7 --seed 5 --weights a.safetensors"
                            " --save b.safetensors --batch-size 2")
        self.assertEqual(saved[0], "images.safetensors: 3 pictures of 40 x 40, 7 classes")
        self.assertEqual([saved[0], *saved[2:]], loaded)
        self.assertEqual(*((self.folder / f"{name}.safetensors").read_bytes() for name in "ab"))
        self.refused("--weights a.safetensors", "a.safetensors", "fc.weight", "[7, 512]", "[1000, 512]")

    def test_images_and_scores(self):
        noise = self.images()
        bytes_given = self.lines("--data images.safetensors --scores a.safetensors")
        mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        channel = [i // 1600 % 3 for i in range(len(noise))]
        numbers = [(byte / 255 - mean[c]) / std[c] for byte, c in zip(noise, channel)]
        self.write("images.safetensors", ("labels", "I64", [1], bytes(8)),
                   ("images", "F64", [3, 3, 40, 40], struct.pack(f"<{len(numbers)}d", *numbers)))
        self.assertEqual(bytes_given, self.lines("--data images.safetensors --scores b.safetensors"))
        first = self.lines("--data images.safetensors --test-size 1")
        self.assertEqual(first[1:], bytes_given[1:3])
        scores = []
        for name in "ab":
            self.assertEqual(keys_of(self.folder / f"{name}.safetensors"), {"scores"})
            contents = (self.folder / f"{name}.safetensors").read_bytes()
            scores.append(struct.unpack("<3000f", contents[-12000:]))
        for a, b in zip(*scores):
            self.assertAlmostEqual(a, b, delta=1e-4)
        best = max(range(1000), key=lambda i: scores[0][i])
        self.assertIn(f"picture 0: class {best} ", bytes_given[2])

    def test_labels(self):
        (self.folder / "labels.txt").write_text("cat\ntabby, striped\ndog\n")
        line = self.lines("--classes 3 --labels labels.txt --test-size 1")[2]
        for name in ("cat 0.", "tabby, striped 0.", "dog 0."):
            self.assertIn(name, line)
        self.refused("--classes 4 --labels labels.txt", "labels.txt", "4 classes, got 3")

    def test_cifar(self):
        noise = random.Random(0)
        records = [bytes([noise.randrange(10)]) + noise.randbytes(3072) for _ in range(3)]
        (self.folder / "test_batch.bin").write_bytes(b"".join(records))
        lines = self.lines("--data . --classes 10 --test-size 3")
        self.assertEqual(lines[0], "CIFAR-10: 3 pictures of 224 x 224, 10 classes")
        self.assertEqual(len(lines), 5)
        self.refused("--data .", "--test-size", "4", "3")

    def test_files_without_images(self):
        for tensor, word in ((("pictures", "U8", [1, 3, 2, 2], bytes(12)), 'a tensor "images"'),
                             (("images", "U8", [1, 2, 2, 3], bytes(12)), "got [1, 2, 2, 3]"),
                             (("images", "U8", [3, 2, 2], bytes(12)), "got [3, 2, 2]"),
                             (("images", "U8", [0, 3, 2, 2], b""), "got [0, 3, 2, 2]"),
                             (("images", "I64", [1, 3, 1, 1], bytes(24)), "got int64")):
            self.write("images.safetensors", tensor)
            self.refused("--data images.safetensors", word)
        (self.folder / "notes.txt").write_text("No tensors at all, and rather long.")
        self.refused("--data notes.txt", "notes.txt")
        self.refused("--weights notes.txt", "notes.txt")

    def test_options(self):
        text = "\n".join(self.lines("--help"))
        for option in "weights classes labels data batch-size test-size scores save seed threads".split():
            self.assertIn(f"--{option} ", text)
        self.assertNotIn("--epochs", text)
        for arguments, word in (("--classes 0", "--classes"), ("--weights no/file", "no/file"),
                                ("--labels no/file", "no/file"), ("--epochs 1", "--epochs"),
                                ("--scores no/such/folder/a", "no/such/folder")):
            self.refused(arguments, word)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
