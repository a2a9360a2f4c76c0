"""Holds the stand-in for Python's safetensors package to the format's rules, and Norma to the stand-in.

usage: test_standin.py BORDER_PROGRAM      (needs the standard library only)
"""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

import safetensors_standin as standin
from safetensors_standin import SafetensorError, Tensor, deserialize, serialize

BORDER = sys.argv[1]
FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
NAMES = ("mlp", "cnn", "resnet20", "resnet18", "sequences")


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype, shape, offsets):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def one(dtype, shape, offsets, data_bytes):
    return file_of({"x": entry(dtype, shape, offsets)}, bytes(data_bytes))


def two(a, b, data_bytes):
    return file_of({"a": entry("U8", [a[1] - a[0]], a), "b": entry("U8", [b[1] - b[0]], b)}, bytes(data_bytes))


F32 = json.dumps(entry("F32", [1], [0, 4]))
PADDED = '{"x":' + F32 + "}"

# What every reader has to take ...
GOOD = {
    "no tensors": file_of("{}"),
    "no tensors, spaces around": file_of("  {} \n\t\r"),
    "metadata alone": file_of({"__metadata__": {"format": "pt", "größe": "\u0000\"\\"}}),
    "empty metadata": file_of({"__metadata__": {}}),
    "scalar": one("I64", [], [0, 8], 8),
    "no elements": one("F32", [0, 3], [0, 0], 0),
    "no elements between others": file_of(
        {"a": entry("U8", [3], [0, 3]), "b": entry("F64", [2, 0], [3, 3]), "c": entry("U8", [1], [3, 4])}, bytes(4)),
    "the other order in the header": file_of({"b": entry("U8", [1], [2, 3]), "a": entry("U8", [2], [0, 2])}, bytes(3)),
    "fields in another order": file_of('{"x":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}}', bytes(4)),
    "a header that ends anywhere": file_of('{ "x" : ' + F32 + "}", bytes(4)),
    "tensors out of alignment": file_of({"a": entry("U8", [1], [0, 1]), "b": entry("F64", [1], [1, 9])}, bytes(9)),
    "escapes in a name": file_of('{"\\u00e9\\ud83d\\ude00\\n":' + F32 + "}", bytes(4)),
    "not a number": file_of({"x": entry("F32", [1], [0, 4])}, struct.pack("<I", 0x7FC00001)),
}

# ... and to refuse, with a word of the stand-in's reason.
BAD = {
    "nothing": (b"", "too short"),
    "seven bytes": (bytes(7), "too short"),
    "no header": (bytes(8), "JSON"),
    "header past the end": (file_of("{}", length=3), "does not fit"),
    "header too large": (file_of("{}", length=100_000_001), "too large"),
    "header of 2^64-1 bytes": (file_of("{}", length=2**64 - 1), "too large"),
    "cut short": (one("F32", [2], [0, 8], 7), "the file ends before byte 8"),
    "trailing bytes": (one("F32", [2], [0, 8], 12), "4 bytes belong to no tensor"),
    "bytes without tensors": (file_of("{}", b"x"), "1 bytes belong to no tensor"),
    "a list": (file_of("[]"), "no JSON object"),
    "nonsense": (file_of("{nonsense}"), "JSON"),
    "two values": (file_of("{}{}"), "JSON"),
    "a comment": (file_of("{/**/}"), "JSON"),
    "a comma too many": (file_of(PADDED[:-1] + ",}", bytes(4)), "JSON"),
    "a zero byte behind": (file_of(b"{}\0"), "JSON"),
    "a byte-order mark": (file_of(b"\xef\xbb\xbf{}"), "JSON"),
    "no UTF-8": (file_of(b'{"\xff":' + F32.encode() + b"}", bytes(4)), "JSON"),
    "half a surrogate pair": (file_of('{"\\ud800":' + F32 + "}", bytes(4)), "JSON"),
    "a control character": (file_of('{"a\nb":' + F32 + "}", bytes(4)), "JSON"),
    "nested without end": (file_of('{"x":' + "[" * 100_000), "JSON"),
    "not-a-number as size": (file_of('{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4)), "NaN"),
    "no object": (file_of('{"x":1}'), "no object"),
    "no dtype": (file_of('{"x":{"shape":[],"data_offsets":[0,4]}}', bytes(4)), "dtype None"),
    "no shape": (file_of('{"x":{"dtype":"F32","data_offsets":[0,4]}}', bytes(4)), "shape is None"),
    "no offsets": (file_of('{"x":{"dtype":"F32","shape":[1]}}', bytes(4)), "data_offsets is None"),
    "one offset": (one("F32", [1], [0], 4), "data_offsets"),
    "three offsets": (one("F32", [1], [0, 4, 8], 4), "data_offsets"),
    "negative size": (one("F32", [-1], [0, 4], 4), "no size"),
    "minus zero": (file_of('{"x":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), "no size"),
    "a size with a point": (file_of('{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', bytes(4)), "shape is"),
    "a size with an exponent": (file_of('{"x":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}', b"1"), "shape is"),
    "true as size": (one("F32", [True], [0, 4], 4), "shape is"),
    "null as size": (one("F32", [None], [0, 4], 4), "shape is"),
    "a string as size": (one("F32", ["1"], [0, 4], 4), "shape is"),
    "a list as size": (one("F32", [[1]], [0, 4], 4), "shape is"),
    "2^64 as size": (one("U8", [2**64], [0, 0], 0), "shape is"),
    "sizes overflow": (one("U8", [2**32, 2**32], [0, 0], 0), "overflows"),
    "bits overflow": (one("F64", [2**58], [0, 0], 0), "overflows"),
    "more bytes than the file": (one("U8", [2**40], [0, 2**40], 0), "the file ends before"),
    "too few bytes for the shape": (one("F32", [2], [0, 4], 4), "4 bytes, expected 8"),
    "too many bytes for the shape": (one("F32", [1], [0, 8], 8), "8 bytes, expected 4"),
    "half bytes": (one("F4", [3], [0, 2], 2), "ends within a byte"),
    "offsets reversed": (one("F32", [1], [4, 0], 4), "does not follow"),
    "a hole at the start": (one("U8", [1], [1, 2], 2), "[1, 2] does not follow 0"),
    "a hole": (two([0, 1], [2, 3], 3), "[2, 3] does not follow 1"),
    "an overlap": (two([0, 2], [1, 3], 3), "[1, 3] does not follow 2"),
    "the same bytes twice": (two([0, 2], [0, 2], 2), "[0, 2] does not follow 2"),
    "an unknown dtype": (one("F33", [1], [0, 4], 4), "unknown dtype 'F33'"),
    "a dtype in lower case": (one("f32", [1], [0, 4], 4), "unknown dtype 'f32'"),
    "a number as dtype": (one(32, [1], [0, 4], 4), "dtype 32"),
    "the same name twice": (file_of('{"x":' + F32 + ',"x":' + F32 + "}", bytes(4)), "appears twice"),
    "the same name, escaped": (file_of('{"x":' + F32 + ',"\\u0078":' + F32 + "}", bytes(4)), "appears twice"),
    "the same field twice": (
        file_of('{"x":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', bytes(4)), "appears twice"),
    "the same metadata twice": (file_of('{"__metadata__":{"a":"1","a":"2"}}'), "appears twice"),
    "a number in metadata": (file_of({"__metadata__": {"a": 1}}), "strings to strings"),
    "an object in metadata": (file_of({"__metadata__": {"a": {}}}), "strings to strings"),
    "a list as metadata": (file_of({"__metadata__": []}), "strings to strings"),
}


class Reading(unittest.TestCase):
    def test_a_file_spelt_by_hand(self):
        text = b'{"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[],' \
               b'"data_offsets":[8,9]}}'
        tensors, metadata = deserialize(struct.pack("<Q", len(text)) + text + b"\0\0\x80\x3f\0\0\0\xc0" + b"\x07")
        self.assertEqual(tensors, {"b": Tensor("F32", (2, 1), struct.pack("<2f", 1, -2)), "a": Tensor("U8", (), b"\7")})
        self.assertEqual((list(tensors), metadata), (["b", "a"], {}))

    def test_good_files(self):
        for name, contents in GOOD.items():
            with self.subTest(name):
                deserialize(contents)
        self.assertEqual(deserialize(GOOD["metadata alone"]), ({}, {"format": "pt", "größe": "\u0000\"\\"}))
        self.assertEqual(list(deserialize(GOOD["escapes in a name"])[0]), ["é😀\n"])
        self.assertEqual(list(deserialize(GOOD["the other order in the header"])[0]), ["a", "b"])
        self.assertEqual(deserialize(GOOD["not a number"])[0]["x"].data, b"\x01\x00\xc0\x7f")

    def test_bad_files(self):
        for name, (contents, reason) in BAD.items():
            with self.subTest(name), self.assertRaises(SafetensorError) as caught:
                deserialize(contents)
            self.assertIn(reason, str(caught.exception), name)

    def test_every_dtype_has_its_size(self):
        for dtype, bits in standin.DTYPES.items():
            for bytes_given in range(bits + 2):  # eight elements
                contents = one(dtype, [2, 4], [0, bytes_given], bytes_given)
                if bytes_given == bits:
                    self.assertEqual(deserialize(contents)[0]["x"].dtype, dtype)
                else:
                    self.assertRaises(SafetensorError, deserialize, contents)

    def test_every_prefix_is_refused(self):
        contents = serialize({"a": Tensor("F32", (2,), bytes(8)), "b": Tensor("I64", (), bytes(8))}, {"k": "v"})
        deserialize(contents)
        for length in range(len(contents)):
            self.assertRaises(SafetensorError, deserialize, contents[:length])


class Writing(unittest.TestCase):
    def test_a_file_spelt_by_hand(self):
        tensors = {"é": Tensor("U8", (3,), b"\1\2\3"), "b": Tensor("F32", (), b"\0\0\x80\x3f"),
                   "a": Tensor("F32", (0, 2), b"")}
        text = ('{"a":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[],"data_offsets"'
                ':[0,4]},"é":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}').encode()
        padded = text + b" " * 7
        self.assertEqual(len(padded) % 8, 0)
        self.assertEqual(serialize(tensors), struct.pack("<Q", len(padded)) + padded + b"\0\0\x80\x3f\1\2\3")
        with_metadata = b'{"__metadata__":{"k":"v"},' + text[1:]
        self.assertEqual(serialize(tensors, {"k": "v"})[8:].split(b"\0")[0].rstrip(), with_metadata)
        self.assertEqual(serialize({}), struct.pack("<Q", 8) + b"{}      ")

    def test_the_order_keeps_every_tensor_aligned(self):
        draw = random.Random(0)
        sizes = {name: bits // 8 for name, bits in standin.DTYPES.items() if bits % 8 == 0}
        for _ in range(50):
            tensors = {}
            for i in range(draw.randrange(12)):
                dtype, n = draw.choice(list(sizes)), draw.randrange(5)
                tensors[f"{draw.randrange(100)}.{i}"] = Tensor(dtype, (n,), draw.randbytes(n * sizes[dtype]))
            contents = serialize(tensors)
            (length,) = struct.unpack("<Q", contents[:8])
            header = json.loads(contents[8:8 + length])
            self.assertEqual(length % 8, 0)
            for name, fields in header.items():
                if fields["dtype"] != "C64":  # a pair of 4-byte numbers, and aligned as such
                    self.assertEqual(fields["data_offsets"][0] % sizes[fields["dtype"]], 0, header)
            order = [(-standin.RANK[fields["dtype"]], name) for name, fields in header.items()]
            self.assertEqual(order, sorted(order))
            self.assertEqual(deserialize(contents)[0], tensors)

    def test_what_is_refused(self):
        f32 = Tensor("F32", (1,), bytes(4))
        self.assertRaises(SafetensorError, serialize, {"x": Tensor("F32", (2,), bytes(4))})
        self.assertRaises(SafetensorError, serialize, {"x": Tensor("float32", (1,), bytes(4))})
        self.assertRaises(SafetensorError, serialize, {"__metadata__": f32})
        self.assertRaises(TypeError, serialize, {"x": f32}, {"epoch": 3})
        self.assertRaises(TypeError, serialize, {"x": f32}, {3: "epoch"})


class Norma(unittest.TestCase):
    """Norma's reader and writer against the stand-in's."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def border(self, *arguments):
        run = subprocess.run([BORDER, *arguments], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""), arguments)
        return run.stdout.splitlines()

    def verdicts(self, files):
        """For each: "ok", or why Norma refuses it."""
        paths = []
        for i, contents in enumerate(files):
            paths.append(self.folder / f"{i}.safetensors")
            paths[-1].write_bytes(contents)
        lines = self.border("check", *paths)
        self.assertEqual(len(lines), len(files))
        return lines

    def test_good_files(self):
        for name, verdict in zip(GOOD, self.verdicts(GOOD.values())):
            self.assertEqual(verdict, "ok", name)

    def test_bad_files(self):
        for name, verdict in zip(BAD, self.verdicts([contents for contents, _ in BAD.values()])):
            self.assertIn("[safetensors] ", verdict, name)

    def test_files_with_a_changed_byte(self):
        tensors = {"layer.weight": Tensor("F32", (2, 3), bytes(24)), "layer.bias": Tensor("F32", (2,), bytes(8)),
                   "steps": Tensor("I64", (), bytes(8)), "mask": Tensor("BOOL", (4,), bytes(4))}
        whole = serialize(tensors, {"format": "pt"})
        (length,) = struct.unpack("<Q", whole[:8])
        draw, files = random.Random(0), []
        for _ in range(600):
            changed = bytearray(whole)
            for _ in range(draw.choice((1, 1, 2))):
                changed[draw.randrange(8 + length)] = draw.choice((draw.randrange(256), *b'0123456789{}[],:" -.e\\'))
            files.append(bytes(changed))
        accepted = 0
        for contents, verdict in zip(files, self.verdicts(files)):
            try:
                tensors, _ = deserialize(contents)
            except SafetensorError as error:
                # An entry of a dtype that Norma does not know stands beside the others.
                if "unknown dtype" not in str(error):
                    self.assertNotEqual(verdict, "ok", (contents, error))
            else:
                accepted += 1
                # Norma also refuses fields that it does not know.
                if "unknown field" not in verdict:
                    self.assertEqual(verdict, "ok", contents)
        self.assertGreater(accepted, 20)
        self.assertLess(accepted, 500)

    def test_both_write_the_same_bytes(self):
        draw = random.Random(1)
        sizes = {"F32": 4, "F64": 8, "I64": 8, "U8": 1}
        for metadata in ({}, {"note": "ünï \"quoted\" \\ \n\t\u0001\u007f\u2028"}):
            tensors = {}
            for name in ("0.weight", "10.weight", "2.weight", "größe", "\u0001 \"\\\n\u007f", "😀", "", "Z", "a/b"):
                dtype, shape = draw.choice(list(sizes)), draw.choice(((), (0, 2), (3,), (2, 1, 5)))
                count = sizes[dtype]
                for size in shape:
                    count *= size
                tensors[name] = Tensor(dtype, shape, draw.randbytes(count))
            tensors["mask"] = Tensor("BOOL", (2,), b"\1\0")
            (self.folder / "from").write_bytes(serialize(tensors, metadata))
            self.border("copy", self.folder / "from", self.folder / "to")
            written = (self.folder / "to").read_bytes()
            self.assertEqual(deserialize(written), (tensors, {"format": "pt", **metadata}))
            in_order = dict(sorted({"format": "pt", **metadata}.items()))
            self.assertEqual(written, serialize(tensors, in_order))

    def test_models_that_norma_saves(self):
        for name in (*NAMES, *(f"narrow_{name}" for name in NAMES)):
            for dtype in ("float32", "float64"):
                if name == "resnet18" and dtype == "float64":
                    continue  # as the others, only larger
                with self.subTest(name, dtype=dtype):
                    path = self.folder / "model.safetensors"
                    self.border("make", name, "3", dtype, path)
                    contents = path.read_bytes()
                    tensors, metadata = deserialize(contents)
                    self.assertEqual(metadata, {"format": "pt"})
                    self.assertEqual(contents, serialize(tensors, metadata))
                    floats = {"float32": "F32", "float64": "F64"}[dtype]
                    got = {(key, t.dtype, t.shape) for key, t in tensors.items()}
                    if name in NAMES:
                        lines = (FIXTURES / f"{name}.names").read_text().splitlines()
                        expected = set()
                        for key, kind, shape in (line.split(" ", 2) for line in lines):
                            expected.add((key, {"float32": floats, "int64": "I64"}[kind], tuple(json.loads(shape))))
                    else:
                        theirs, _ = standin.read_file(FIXTURES / f"{name}.safetensors")
                        expected = {(key, floats if t.dtype == "F32" else t.dtype, t.shape)
                                    for key, t in theirs.items()}
                    self.assertEqual(got, expected)
                    counters = [t.data for key, t in tensors.items() if key.endswith("num_batches_tracked")]
                    norms = set() if "sequences" in name else {struct.pack("<q", 2)}
                    self.assertEqual(set(counters), norms)

    def test_the_program_refuses_what_it_does_not_know(self):
        for arguments, word in ((["names", "vgg"], "vgg"), ([], "usage"), (["copy", "no/such/file", "b"], "no/such")):
            run = subprocess.run([BORDER, *arguments], capture_output=True, text=True)
            self.assertGreater(run.returncode, 0)
            self.assertIn(word, run.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
