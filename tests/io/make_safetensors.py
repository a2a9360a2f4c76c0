"""Writes the files that test_python reads: what PyTorch and the safetensors format make of them.

usage: python3 make_safetensors.py FOLDER   (made with PyTorch 1.13, standard library otherwise)
"""
import json
import pathlib
import struct
import sys

import torch

DTYPES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.float16: "F16",
    torch.bfloat16: "BF16", torch.int32: "I32", torch.float32: "F32", torch.float64: "F64", torch.int64: "I64",
}


def raw(tensor):
    return bytes(tensor.detach().contiguous().clone().storage().untyped())


def save_file(tensors, path, metadata=None, extra=()):
    """`extra`: (name, dtype, shape, bytes) of dtypes that PyTorch does not have."""
    entries = [(name, DTYPES[t.dtype], list(t.shape), raw(t)) for name, t in tensors.items()] + list(extra)
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, data in entries:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(data for *_, data in entries))


def make_model():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, padding=1, bias=False), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(48, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.Linear(5, 2))


def main(folder):
    halves = [0.0, -0.0, 1.0, -2.5, 65504.0, 6.103515625e-05, 5.960464477539063e-08, -1.9073486328125e-06,
              float("inf"), float("-inf"), 0.333251953125]
    save_file({
        "f32": torch.tensor([[1.5, -2.25, 3e38], [1e-45, -0.0, float("inf")]]),
        "f64": torch.tensor([0.1, 1e300, -5e-324], dtype=torch.float64),
        "f16": torch.tensor(halves, dtype=torch.float16),
        "bf16": torch.tensor([1.0, -3.140625, 1e38, float("-inf")], dtype=torch.bfloat16),
        "i8": torch.tensor([-128, 127, -1], dtype=torch.int8),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i32": torch.tensor([[-2147483648], [2147483647]], dtype=torch.int32),
        "i64": torch.tensor([-9223372036854775808, 9223372036854775807]),
        "u8": torch.tensor([0, 200, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "größe \"1\"\\2": torch.tensor([4.0]),
    }, folder / "dtypes.safetensors", {"format": "pt", "note": "ünï \"quoted\""}, extra=[
        ("u16", "U16", [2], struct.pack("<2H", 0, 65535)), ("u32", "U32", [1], struct.pack("<I", 4294967295))])

    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(16, 1, 4, 4)).square().mean().backward()
        optimizer.step()
    model.eval()
    x = torch.randn(3, 1, 4, 4)
    save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})
    save_file({"input": x, "output": model(x)}, folder / "answers.safetensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
