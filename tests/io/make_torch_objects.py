"""Writes the files of torch_files/ that test_torch_skipped reads: what training scripts save beside tensors.

usage: python3 make_torch_objects.py FOLDER   (torch_files/ was made with PyTorch 1.13, float8.safetensors with ml_dtypes 0.6)
       python3 make_torch_objects.py FOLDER --float8
"""
import argparse
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import json
import pathlib
import pickle
import random
import re
import struct
import sys
import types
import uuid
import warnings
import zipfile

FLOAT8 = {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E4M3FNUZ": "float8_e4m3fnuz",
          "F8_E5M2FNUZ": "float8_e5m2fnuz", "F8_E8M0": "float8_e8m0fnu"}


def write_float8(path):
    """All 256 values of each kind, and beside them what ml_dtypes makes of them."""
    import ml_dtypes
    import numpy

    data, header = b"", {}
    codes = numpy.arange(256, dtype=numpy.uint8)
    for name, kind in FLOAT8.items():
        wide = codes.view(getattr(ml_dtypes, kind)).astype(numpy.float32)
        for key, dtype, part in [(name, name, codes.tobytes()), (name + ".wide", "F32", wide.tobytes())]:
            header[key] = {"dtype": dtype, "shape": [256], "data_offsets": [len(data), len(data) + len(part)]}
            data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Meter:
    """Slots, a dict, and itself."""
    __slots__ = ("value", "__dict__")

    def __init__(self):
        self.value, self.history, self.me = 0.5, [1, 2], self

    def update(self):
        pass


class Registered:
    pass


class Config(dict):
    pass


class History(list):
    pass


@dataclasses.dataclass
class Options:
    lr: float = 0.1


Point = collections.namedtuple("Point", "x y")


def objects(torch, numpy):
    """Nothing of this is a tensor that Norma can hold."""
    torch.manual_seed(4)
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    loop, ring = {"n": 1}, [1]
    loop["self"] = loop
    ring.append(ring)
    parser = argparse.Namespace(lr=0.1, layers=[1, 2], path=pathlib.PurePosixPath("a/b"))
    return {
        "counter": collections.Counter("abca"), "empty deque": collections.deque(maxlen=3), "namespace": parser,
        "simple namespace": types.SimpleNamespace(a=1), "path": pathlib.PurePosixPath("runs/1"), "set": {1, 2},
        "frozen set": frozenset([1]), "bytes": b"\0\xff\n", "byte array": bytearray(b"abc"), "complex": 1 + 2j,
        "numpy number": numpy.float64(0.25), "numpy integer": numpy.int32(3), "numpy bool": numpy.bool_(True),
        "numpy array": numpy.arange(3.0), "numpy dtype": numpy.dtype("f4"), "numpy state": numpy.random.RandomState(1),
        "big": 2**100, "bigger": -(2**3000), "date": datetime.datetime(2024, 2, 3, 4, 5), "span": datetime.timedelta(1),
        "color": Color.RED, "level": Level.HIGH, "flag": re.IGNORECASE, "fraction": fractions.Fraction(1, 3),
        "decimal": decimal.Decimal("0.1"), "uuid": uuid.UUID(int=5), "pattern": re.compile("a+"), "point": Point(1, 2),
        "options": Options(), "meter": Meter(), "bound method": Meter().update, "function": json.dumps,
        "builtin": len, "class": torch.nn.Linear, "partial": functools.partial(int, base=2), "range": range(3),
        "slice": slice(1, 2), "ellipsis": ..., "type": type(None), "random": random.Random(1), "module": net,
        "optimizer": torch.optim.SGD(net.parameters(), lr=0.1), "criterion": torch.nn.CrossEntropyLoss(),
        "device": torch.device("cpu"), "size": torch.Size([2, 3]), "extension": Registered(),
        "sparse": torch.eye(2).to_sparse(), "csr": torch.eye(2).to_sparse_csr(),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "complex tensor": torch.ones(1, dtype=torch.complex64), "conjugated": torch.ones(1, dtype=torch.complex64).conj(),
        "meta": torch.ones(2, device="meta"),
        "storage": torch.ones(2).storage(), "nine dimensions": torch.ones(1, 1, 1, 1, 1, 1, 1, 1, 1),
        "loop": loop, "ring": ring, "keys": {(1, 2): 3, Color.RED: torch.ones(1), b"k": 4},
    }


def readable(torch):
    """Beside them: what is read, in classes of its own, under keys of every simple kind."""
    twice = {"b": 1}
    return {
        "dict": Config(a=torch.tensor([1.0]), n=2), "list": History([torch.tensor([2.0]), 3]),
        "default": collections.defaultdict(dict, {"x": torch.tensor([3.0])}), "deque": collections.deque([4, 5], 9),
        "ordered": collections.OrderedDict(inner=collections.OrderedDict(w=torch.tensor([5.0]))),
        "keyed": {None: 1, True: 2, 0.5: 3, -1: torch.tensor([6.0])}, "same": [twice, twice], "dtype": torch.bfloat16,
        "one.name": 1, "one": {"name": 2},
    }


def save_objects(torch, path, protocol):
    import numpy

    torch.manual_seed(5)
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    content = {"first": objects(torch, numpy), "model": net.state_dict(), **readable(torch)}
    if protocol < 2:  # slots need protocol 2
        del content["first"]["meter"], content["first"]["bound method"]
    torch.save(content, path, pickle_protocol=protocol)


def as_newer(torch, path, content, storages):
    """`content` holds Call(name, arguments) and Stored(key, type, count); written as PyTorch 2 does."""
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Stored):
                return "storage", obj.type, obj.key, "cpu", obj.count

    data = io.BytesIO()
    Pickler(data, protocol=2).dump(content)
    with zipfile.ZipFile(path, "w") as out:
        for name, part in [("data.pkl", data.getvalue()), ("byteorder", b"little"), ("version", b"3\n"),
                           *((f"data/{key}", part) for key, part in storages.items())]:
            out.writestr(zipfile.ZipInfo(f"newer/{name}"), part)


class Stored:
    def __init__(self, key, type, count):
        self.key, self.type, self.count = key, type, count


class Name:
    """Pickled as the global module.name, which this PyTorch may not have."""
    def __init__(self, module, name):
        self.name, self.__module__ = name, module.__name__
        setattr(module, name, self)

    def __reduce__(self):
        return self.name

    def __call__(self, *args):
        raise AssertionError("not called")


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def newer_files(torch, folder):
    hooks = collections.OrderedDict
    v2, v3 = torch._utils._rebuild_tensor_v2, Name(torch._utils, "_rebuild_tensor_v3")
    parameter, with_state = torch._utils._rebuild_parameter, Name(torch._utils, "_rebuild_parameter_with_state")
    from_type, buffer = torch._tensor._rebuild_from_type_v2, Name(torch.nn.parameter, "Buffer")
    storage = Stored("0", torch.FloatStorage, 6)
    arguments = (storage, 0, (2, 3), (3, 1), False, hooks())
    hooked = collections.OrderedDict({0: Color.RED})
    plain = Call(v2, *arguments)
    as_newer(torch, folder / "attributes.pt", {
        "tensor": Call(from_type, v2, torch.Tensor, arguments, {"tag": "x"}),
        "slots": Call(from_type, v2, torch.Tensor, arguments, ({"tag": "x"}, {"slot": Meter()})),
        "buffer": Call(from_type, v2, buffer, arguments, {"persistent": True, "_is_buffer": True}),
        "own class": Call(from_type, v2, Color, arguments, {}),
        "old": Call(torch._tensor._rebuild_from_type, v2, torch.Tensor, arguments, {}),
        "parameter": Call(with_state, plain, True, hooks(), {"tag": Color.RED}),
        "both": Call(with_state, Call(from_type, v2, torch.Tensor, arguments, {"a": 1}), True, hooks(), {"b": 2}),
        "around": Call(from_type, parameter, torch.nn.Parameter, (plain, True, hooks()), {"tag": "x"}),
        "hooked": Call(v2, *arguments[:5], hooked),
        "hooked parameter": Call(parameter, plain, True, hooked),
        "sparse": Call(from_type, torch._utils._rebuild_sparse_tensor, torch.Tensor, (torch.sparse_coo, ()), {"a": 1}),
        "sparse parameter": Call(parameter, Call(torch._utils._rebuild_sparse_tensor, torch.sparse_coo, ()), True, hooks()),
    }, {"0": struct.pack("<6f", *range(6))})

    raw = {str(i): bytes(range(256)) for i in range(len(FLOAT8))}
    stored = [Stored(key, torch.storage.UntypedStorage, 256) for key in raw]
    dtypes = [Name(torch, kind) for kind in FLOAT8.values()]
    as_newer(torch, folder / "float8.pt", {
        **{name: Call(v3, stored[i], 0, (256,), (1,), False, hooks(), dtypes[i]) for i, name in enumerate(FLOAT8)},
        "u64": Call(v3, stored[0], 0, (2,), (1,), False, hooks(), Name(torch, "uint64")),
        "f4": Call(v3, stored[0], 0, (2,), (1,), False, hooks(), Name(torch, "float4_e2m1fn_x2"), {}),
    }, raw)


def main(folder):
    import torch

    copyreg.add_extension("__main__", "Registered", 7)
    # As a script that ran under its own name would have them.
    for protocol in [1, 2, 4, 5]:
        save_objects(torch, folder / f"objects{protocol}.pt", protocol)
    newer_files(torch, folder)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--float8"]:
        write_float8(target / "float8.safetensors")
    else:
        main(target)
