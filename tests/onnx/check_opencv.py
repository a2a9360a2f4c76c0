"""check_opencv.py FOLDER NAME...: OpenCV's DNN module computes of NAME.17.onnx what NAME.safetensors says, within 1e-5."""
import json
import pathlib
import struct
import sys

try:
    import cv2
    import numpy
except ImportError as error:
    print(f"skipped: {error}; on Debian or Ubuntu: apt-get install python3-opencv")
    sys.exit(77)


def load(path):
    """The float32 tensors of a safetensors file, whose package Debian does not have."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(body[begin:end], numpy.float32).reshape(entry["shape"])
    return tensors


folder = pathlib.Path(sys.argv[1])
failures = 0
for name in sys.argv[2:]:
    values = load(folder / f"{name}.safetensors")
    for samples in (3, 5):
        net = cv2.dnn.readNetFromONNX(str(folder / f"{name}.17.onnx"))
        net.setInput(values[f"in0@{samples}"])
        error = numpy.abs(net.forward() - values[f"out0@{samples}"]).max()
        print(f"{name}, {samples} samples: off by {error:.1e}")
        failures += not error <= 1e-5
sys.exit(1 if failures else 0)
