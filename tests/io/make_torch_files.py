"""Writes the files that test_torch_file and test_torch_refused read, or fresh ones for test_torch_live.

usage: python3 make_torch_files.py FOLDER              (torch_files/ was made with PyTorch 1.13)
       python3 make_torch_files.py FOLDER --live SEED  (exit code 77: no PyTorch here)

What a file should give is in a safetensors file beside it: views.pt and views.safetensors.
"""
import collections
import io
import json
import os
import pathlib
import pickle
import random
import struct
import sys
import warnings
import zipfile

try:
    import torch
except ImportError:
    print("no PyTorch")
    sys.exit(77)

from make_safetensors import DTYPES, make_model, save_file


def views():
    """Every way for a tensor to lie in a storage."""
    torch.manual_seed(1)
    base = torch.randn(4, 6)
    half = torch.randn(5, 3).half()
    alone = torch.arange(12).reshape(3, 4)
    return collections.OrderedDict([
        ("base", base), ("again", base), ("turned", base.t()), ("rows", base[1:3]), ("column", base[:, 2]),
        ("steps", base[::2, 1::3]), ("element", base[3, 5]), ("row", base[2].expand(5, 6)),
        ("one", base[0, 0].expand(2, 3, 4)), ("nothing", base[4:]), ("no columns", base[:, 6:]),
        ("diagonal", base.diagonal()), ("windows", base.flatten().unfold(0, 5, 3)),
        ("permuted", torch.randn(2, 3, 4).permute(2, 0, 1)), ("half turned", half.t()), ("half part", half[2:4, 1:]),
        ("wide", torch.randn(1, 1, 1, 1, 2, 1, 1, 1)), ("empty", torch.zeros(0, 3, 2)), ("scalar", torch.tensor(2.5)),
        ("parameter", torch.nn.Parameter(torch.randn(3, 2))), ("frozen", torch.nn.Parameter(base[:2], False)),
        ("integers", alone), ("last", alone[2, 3]), ("bits", alone.t() > 5), ("flipped", alone.flip(0)),
    ])


def rewrite(source, target, change=lambda name, data: data, extra=(), compress=zipfile.ZIP_STORED, folder=None):
    """The entries of a file that torch.save wrote, packed by another writer."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compress) as new:
        for info in old.infolist():
            top, name = info.filename.split("/", 1)
            new.writestr(zipfile.ZipInfo(f"{folder or top}/{name}"), change(name, old.read(info)), compress)
        for name, data in extra:
            new.writestr(zipfile.ZipInfo(f"{folder or top}/{name}" if name else f"{folder or top}/"), data, compress)


def save_as_newer(path):
    """A file as PyTorch 2.x writes it: more records, and tensors of dtypes without a storage class of their own."""

    def _rebuild_tensor_v3(*args):
        raise AssertionError("not called")

    class Name:  # pickled as the global torch.<name>
        def __init__(self, name):
            self.name, self.__module__ = name, "torch"

        def __reduce__(self):
            return self.name

    class Stored:
        def __init__(self, key, data):
            self.key, self.data = key, data

    class Untyped:
        def __init__(self, *args):
            self.args = args

        def __reduce__(self):
            return torch._utils._rebuild_tensor_v3, self.args

    _rebuild_tensor_v3.__module__, _rebuild_tensor_v3.__qualname__ = "torch._utils", "_rebuild_tensor_v3"
    torch._utils._rebuild_tensor_v3 = _rebuild_tensor_v3
    torch.uint16, torch.uint32 = Name("uint16"), Name("uint32")
    u16, u32 = Stored("0", bytes([0, 0, 255, 255, 1, 0, 2, 0])), Stored("1", bytes([255, 255, 255, 255]))
    hooks = collections.OrderedDict()
    state = collections.OrderedDict(
        u16=Untyped(u16, 0, (2,), (1,), False, hooks, torch.uint16),
        u16_view=Untyped(u16, 1, (3,), (1,), False, hooks, torch.uint16, {}),
        u32=Untyped(u32, 0, (1,), (1,), False, hooks, torch.uint32))

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Stored):
                return "storage", torch.storage.UntypedStorage, obj.key, "cuda:0", len(obj.data)

    data = io.BytesIO()
    Pickler(data, protocol=2).dump(state)
    with zipfile.ZipFile(path, "w") as out:
        for name, content in [
                ("data.pkl", data.getvalue()), (".format_version", "1"), (".storage_alignment", "64"),
                ("byteorder", "little"), ("data/0", u16.data), ("data/1", u32.data), ("version", "3\n"),
                (".data/serialization_id", "0" * 40)]:
            out.writestr(zipfile.ZipInfo("newer/" + name), content)


class Command:
    def __reduce__(self):
        return os.system, ("touch norma-executed-this",)


def good_files(folder):
    for name in ["dtypes", "model"]:
        # What make_safetensors.py wrote, so that both readers can be compared.
        state = collections.OrderedDict()
        for key, entry, data in read_safetensors(pathlib.Path(__file__).parent / f"{name}.safetensors"):
            dtype = {value: key for key, value in DTYPES.items()}.get(entry["dtype"])
            if dtype is not None:
                values = torch.frombuffer(data, dtype=dtype) if len(data) else torch.empty(0, dtype=dtype)
                state[key] = values.reshape(entry["shape"]).clone()
        if name == "model":
            model = make_model()
            model.load_state_dict(state)
            state = model.state_dict()  # with _metadata
        torch.save(state, folder / f"{name}.pt")

    save_file(views(), folder / "views.safetensors")
    torch.save(views(), folder / "views.pt")
    torch.save(dict(views()), folder / "protocol4.pt", pickle_protocol=4)
    rewrite(folder / "views.pt", folder / "deflated.pt", compress=zipfile.ZIP_DEFLATED, folder="any thing",
            extra=[("", b"")])
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT = 0
    rewrite(folder / "views.pt", folder / "zip64.pt")
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
    save_as_newer(folder / "newer.pt")

    torch.manual_seed(2)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.randn(4, 3)).square().mean().backward()
    optimizer.step()
    torch.save({
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.25, "small": 1e-300,
        "note": "ünï", "done": True, "more": None, "seed": 2**63 + 5, "least": -2**63, "negative": -7, "wide": 70000,
        "dtype": torch.float16, "sizes": (4, [5, {}]), "parallel": {"module": model.state_dict()},
    }, folder / "checkpoint.pt")
    torch.save({"weight": torch.ones(2), "epoch": 3}, folder / "mixed.pt")
    tied = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2, bias=False) for name in ["first", "second"]})
    tied["second"].weight = tied["first"].weight
    tied.load_state_dict({f"{name}.weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]) for name in tied})
    torch.save(tied.state_dict(), folder / "tied.pt")
    torch.save(torch.tensor([1.0, 2.0]), folder / "tensor.pt")
    torch.save([torch.tensor(1), (torch.tensor(2), {3: torch.tensor(3)})], folder / "list.pt")


def bad_files(folder):
    torch.save({"weight": torch.ones(2), "evil": Command()}, folder / "command.pt")
    torch.save(torch.nn.Linear(2, 1), folder / "whole_model.pt")
    torch.save({"z": torch.ones(1, dtype=torch.complex64)}, folder / "complex.pt")
    torch.save({"s": torch.eye(2).to_sparse()}, folder / "sparse.pt")
    torch.save({"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, folder / "quantised.pt")
    torch.save({"storage": torch.ones(2).storage()}, folder / "storage.pt")
    torch.save({"deep": torch.ones([1] * 13)}, folder / "thirteen_dimensions.pt")
    torch.save({"seen": {1, 2}}, folder / "set.pt")
    torch.save({"raw": b"bytes"}, folder / "bytes.pt")
    torch.save({"weight": torch.ones(2)}, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), str(folder / "script.pt"))
    plain = folder / "plain.pt"
    torch.save({"weight": torch.ones(2)}, plain)
    rewrite(plain, folder / "big_endian.pt", extra=[("byteorder", b"big")])
    rewrite(plain, folder / "version.pt", change=lambda name, data: b"11\n" if name == "version" else data)
    rewrite(plain, folder / "checksum.pt")
    (folder / "checksum.pt").write_bytes(
        (folder / "checksum.pt").read_bytes().replace(b"\0\0\x80?\0\0\x80?", b"\0\0\x80?\0\0\x80>"))
    plain.unlink()


def read_safetensors(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    for name, entry in json.loads(content[8:8 + length]).items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            yield name, entry, bytearray(content[8 + length + start:8 + length + end])


def live_files(folder, seed):
    """Random tensors in random layouts, many of them sharing storages."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    state, made = collections.OrderedDict(), []
    for i in range(80):
        if not made or rng.random() < 0.4:
            shape = [rng.choice([0, 1, 2, 3, 5]) if rng.random() < 0.9 else 40 for _ in range(rng.randint(0, 5))]
            tensor = (torch.randn(shape) * 100).to(rng.choice(list(DTYPES)))
        else:
            tensor = rng.choice(made)
        for _ in range(rng.randint(0, 3)):
            if tensor.dim() == 0:
                tensor = tensor.expand(rng.randint(1, 3), rng.randint(0, 3)) if rng.random() < 0.3 else tensor
                continue
            dim = rng.randrange(tensor.dim())
            size = tensor.shape[dim]
            action = rng.randrange(5)
            if action == 0:
                tensor = tensor.transpose(dim, rng.randrange(tensor.dim()))
            elif action == 1:
                start = rng.randint(0, size)
                tensor = tensor.narrow(dim, start, rng.randint(0, size - start))
            elif action == 2 and size > 0:
                tensor = tensor.select(dim, rng.randrange(size))
            elif action == 3 and tensor.dim() < 7:
                tensor = tensor.unsqueeze(dim).expand(*tensor.shape[:dim], 2, *tensor.shape[dim:])
            elif action == 4:
                index = [slice(None)] * dim + [slice(rng.randint(0, 1), None, rng.randint(1, 3))]
                tensor = tensor[tuple(index)]
        made.append(tensor)
        if tensor.is_floating_point() and rng.random() < 0.2:
            tensor = torch.nn.Parameter(tensor, rng.random() < 0.5)
        state[f"t{i}"] = tensor
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.LayerNorm(4))
    state.update(model.state_dict(prefix="model."))
    torch.save(state, folder / "live.pt")
    save_file(state, folder / "live.safetensors")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = pathlib.Path(sys.argv[1])
    if len(sys.argv) > 2:
        live_files(target, int(sys.argv[3]))
    else:
        good_files(target)
        bad_files(target)
