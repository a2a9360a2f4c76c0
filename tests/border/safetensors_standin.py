"""Reads and writes safetensors files where the package of that name is absent.

`load_file` and `save_file` take, return and refuse what `safetensors.torch`'s do, and `save_file` writes the same
bytes; they need PyTorch. `deserialize` and `serialize` work on `Tensor(dtype, shape, data)` with the standard library
alone. test_standin.py holds all of them to the format's rules.
"""
import collections
import ctypes
import json
import struct

MAX_HEADER_BYTES = 100_000_000
METADATA = "__metadata__"
# Bits per element, in the order by which a writer sorts: the last come first, so that every tensor is aligned.
DTYPES = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}
RANK = {name: rank for rank, name in enumerate(DTYPES)}

Tensor = collections.namedtuple("Tensor", "dtype shape data")


class SafetensorError(Exception):
    pass


def _require(condition, message):
    if not condition:
        raise SafetensorError(message)


def _byte_count(name, dtype, shape):
    _require(dtype in DTYPES, f"{name}: unknown dtype {dtype!r}")
    bits = 1
    for size in (*shape, DTYPES[dtype]):
        bits *= size
        _require(bits < 2**64, f"{name}: shape {shape} overflows")
    _require(bits % 8 == 0, f"{name}: shape {shape} of {dtype} ends within a byte")
    return bits // 8


# --- Writing


def serialize(tensors, metadata=None):
    """The bytes of a file with these tensors: {name: Tensor}, each with its data packed in row-major order."""
    header, parts, end = {}, [], 0
    if metadata is not None:
        for key, value in metadata.items():
            if not (isinstance(key, str) and isinstance(value, str)):
                raise TypeError(f"metadata takes strings to strings, got {key!r}: {value!r}")
        header[METADATA] = dict(metadata)
    _require(METADATA not in tensors, f"{METADATA} is no name for a tensor")
    for name, tensor in sorted(tensors.items(), key=lambda item: (-RANK.get(item[1].dtype, 0), item[0].encode())):
        begin, end = end, end + len(tensor.data)
        expected = _byte_count(name, tensor.dtype, tensor.shape)
        _require(len(tensor.data) == expected, f"{name}: {len(tensor.data)} bytes, expected {expected}")
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        parts.append(tensor.data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    _require(len(text) <= MAX_HEADER_BYTES, "the header is too large")
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


# --- Reading


def _no_duplicates(pairs):
    names = [name for name, _ in pairs]
    _require(len(names) == len(set(names)), f"a name appears twice: {names}")
    return dict(pairs)


def _whole(text):
    # Sizes are unsigned: not even -0 is one.
    _require(not text.startswith("-"), f"{text} is no size")
    return int(text)


def _no_constant(text):
    raise SafetensorError(f"{text} is no JSON")


def _parse(text):
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_int=_whole,
                            parse_constant=_no_constant)
        json.dumps(header, ensure_ascii=False).encode("utf-8")  # a half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise SafetensorError(f"the header is no valid JSON: {error}") from error
    _require(isinstance(header, dict), "the header is no JSON object")
    return header


def _is_size(value):
    return isinstance(value, int) and not isinstance(value, bool) and value < 2**64


def _sizes(name, entry, field):
    value = entry.get(field)
    _require(isinstance(value, list) and all(map(_is_size, value)), f"{name}: {field} is {value!r}")
    return value


def deserialize(file):
    """The bytes of a file as ({name: Tensor}, metadata), every rule of the format checked."""
    _require(len(file) >= 8, "the file is too short for a header")
    (length,) = struct.unpack("<Q", file[:8])
    _require(length <= MAX_HEADER_BYTES, f"a header of {length} bytes is too large")
    _require(8 + length <= len(file), f"a header of {length} bytes does not fit into the file")
    header, data = _parse(file[8:8 + length]), memoryview(file)[8 + length:]

    metadata = header.pop(METADATA, {})
    _require(isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()),
             "metadata takes strings to strings")
    entries = []
    for name, entry in header.items():
        _require(isinstance(entry, dict), f"{name}: {entry!r} is no object")
        dtype, shape, offsets = entry.get("dtype"), _sizes(name, entry, "shape"), _sizes(name, entry, "data_offsets")
        _require(isinstance(dtype, str) and len(offsets) == 2, f"{name}: dtype {dtype!r}, data_offsets {offsets}")
        entries.append((*offsets, name, dtype, shape))
    tensors, previous = {}, 0
    for begin, end, name, dtype, shape in sorted(entries, key=lambda entry: entry[:2]):
        _require(begin == previous and end >= begin, f"{name}: [{begin}, {end}] does not follow {previous}")
        expected = _byte_count(name, dtype, shape)
        _require(end - begin == expected, f"{name}: {end - begin} bytes, expected {expected}")
        _require(end <= len(data), f"{name}: the file ends before byte {end}")
        tensors[name] = Tensor(dtype, tuple(shape), bytes(data[begin:end]))
        previous = end
    _require(previous == len(data), f"{len(data) - previous} bytes belong to no tensor")
    return tensors, metadata


def read_file(path):
    with open(path, "rb") as file:
        return deserialize(file.read())


def metadata_of(path):
    return read_file(path)[1]


# --- PyTorch


def _torch_dtypes():
    import torch
    names = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "F16": "float16", "BF16": "bfloat16",
             "I32": "int32", "F32": "float32", "C64": "complex64", "F64": "float64", "I64": "int64"}
    return {name: getattr(torch, torch_name) for name, torch_name in names.items()}


def _refuse_shared_memory(tensors):
    ends = sorted((t.data_ptr(), t.data_ptr() + t.numel() * t.element_size(), name)
                  for name, t in tensors.items() if t.numel())
    for (_, end, name), (begin, _, other) in zip(ends, ends[1:]):
        if begin < end:
            raise RuntimeError(f"{name} and {other} share memory, which a file cannot say; clone() one")


def save_file(tensors, filename, metadata=None):
    """Writes {name: torch.Tensor}, without metadata unless some are given."""
    import torch
    dtypes = {dtype: name for name, dtype in _torch_dtypes().items()}
    if not isinstance(tensors, dict):
        raise ValueError(f"expected a dict of tensors, got {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{name}: expected a torch.Tensor, got {type(tensor)}")
        if tensor.layout != torch.strided:
            raise ValueError(f"{name}: sparse tensors cannot be saved")
        if not tensor.is_contiguous():
            raise ValueError(f"{name} is not contiguous; call contiguous() first")
    _refuse_shared_memory(tensors)
    raw = {name: Tensor(dtypes[t.dtype], tuple(t.shape), ctypes.string_at(t.data_ptr(), t.numel() * t.element_size()))
           for name, t in tensors.items()}
    contents = serialize(raw, metadata)
    with open(filename, "wb") as file:
        file.write(contents)


def load_file(filename, device="cpu"):
    """Reads {name: torch.Tensor}."""
    import torch
    dtypes = _torch_dtypes()
    loaded = {}
    for name, (dtype, shape, data) in read_file(filename)[0].items():
        _require(dtype in dtypes, f"{name}: PyTorch has no {dtype}")
        values = torch.frombuffer(bytearray(data), dtype=dtypes[dtype]) if data else torch.empty(0, dtype=dtypes[dtype])
        loaded[name] = values.reshape(shape).to(device)
    return loaded
