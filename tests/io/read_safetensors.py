"""Opens files that Norma wrote, as PyTorch users would: load_state_dict with all keys, the same answers in eval().

usage: python3 read_safetensors.py MODEL ANSWERS CHECKPOINT   (exit code 77: no PyTorch here)
"""
import json
import struct
import sys

try:
    import torch
except ImportError:
    print("no PyTorch")
    sys.exit(77)

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8, "BOOL": torch.bool}


def load_file(path):
    """What safetensors.torch.load_file does, with every rule of the format checked."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    text, body = data[8:8 + length], data[8 + length:]
    assert length % 8 == 0 and text.startswith(b"{"), "the header starts with { and is padded to 8 bytes"
    header = json.loads(text)
    metadata = header.pop("__metadata__")
    assert metadata["format"] == "pt" and all(isinstance(value, str) for value in metadata.values())
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype = DTYPES[entry["dtype"]]
        start, stop = entry["data_offsets"]
        size = torch.tensor([], dtype=dtype).element_size()
        count = 1
        for n in entry["shape"]:
            count *= n
        assert start == end and stop - start == count * size, name
        assert start % size == 0, f"{name} is not aligned"
        values = torch.frombuffer(bytearray(body[start:stop]), dtype=dtype) if count else torch.empty(0, dtype=dtype)
        tensors[name] = values.reshape(entry["shape"])
        end = stop
    assert end == len(body), "no byte without a tensor"
    return tensors, metadata


def make_model():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, padding=1, bias=False), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(48, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.Linear(5, 2))


def check(state, answers):
    model = make_model()
    model.load_state_dict(state)
    model.eval()
    assert model[1].num_batches_tracked.item() == 4 and model[1].num_batches_tracked.shape == ()
    torch.testing.assert_close(model(answers["input"]), answers["output"], rtol=1e-5, atol=1e-6)


def main(model_path, answers_path, checkpoint_path):
    answers, _ = load_file(answers_path)
    check(load_file(model_path)[0], answers)
    tensors, metadata = load_file(checkpoint_path)
    check({key[len("model."):]: value for key, value in tensors.items() if key.startswith("model.")}, answers)
    assert metadata["norma.optimizer"] == "SGD" and metadata["note"] == "four steps"
    assert tensors["optimizer.param_groups.0.lr"].item() == 0.1
    assert tensors["optimizer.param_groups.0.params"].tolist() == list(range(9))
    assert tensors["optimizer.state.0.momentum_buffer"].shape == (3, 1, 3, 3)
    assert tensors["epoch"].item() == 4
    print("read by PyTorch", torch.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
