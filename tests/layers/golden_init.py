"""Writes golden_init.txt: the distributions from which PyTorch draws initial values, for test_init_distributions.

A line is a layer and its parameter, or an initialiser; then the kind of distribution and its two
numbers: the bounds of a uniform one, mean and standard deviation of a normal one.

usage: python3 golden_init.py > golden_init.txt   (made with PyTorch 1.13)
"""
import torch
from torch import nn

CALLS = []  # the tensors that were filled, and with what


def record(kind, function, *defaults):
    def recorded(tensor, *arguments, **_):
        CALLS.append((tensor.data_ptr(), kind, *arguments, *defaults[len(arguments):]))
        return function(tensor, *arguments)

    return recorded


torch.Tensor.uniform_ = record("uniform", torch.Tensor.uniform_, 0, 1)
torch.Tensor.normal_ = record("normal", torch.Tensor.normal_, 0, 1)

LAYERS = {
    "linear": lambda: nn.Linear(7, 2500),
    "linear_wide": lambda: nn.Linear(40, 1000),
    "conv2d": lambda: nn.Conv2d(2, 3000, (2, 3)),
    "conv2d_groups": lambda: nn.Conv2d(6, 3000, (3, 1), groups=3),
    "conv2d_depthwise": lambda: nn.Conv2d(500, 3000, 2, groups=500),
    "conv1d": lambda: nn.Conv1d(3, 2500, 4),
    "conv1d_groups": lambda: nn.Conv1d(6, 2500, 5, groups=2),
    "embedding": lambda: nn.Embedding(500, 40),
}

INITIALISERS = {
    "uniform": lambda w: nn.init.uniform_(w),
    "uniform_range": lambda w: nn.init.uniform_(w, -3, 0.5),
    "normal": lambda w: nn.init.normal_(w),
    "normal_shifted": lambda w: nn.init.normal_(w, -1.5, 0.02),
    "kaiming_uniform": lambda w: nn.init.kaiming_uniform_(w),
    "kaiming_uniform_out": lambda w: nn.init.kaiming_uniform_(w, 0.3, "fan_out"),
    "kaiming_uniform_tanh": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="tanh"),
    "kaiming_normal": lambda w: nn.init.kaiming_normal_(w),
    "kaiming_normal_out": lambda w: nn.init.kaiming_normal_(w, 0, "fan_out", "relu"),
    "xavier_uniform": lambda w: nn.init.xavier_uniform_(w),
    "xavier_uniform_gain": lambda w: nn.init.xavier_uniform_(w, 2.5),
    "xavier_normal": lambda w: nn.init.xavier_normal_(w),
    "xavier_normal_gain": lambda w: nn.init.xavier_normal_(w, 0.5),
}


def line(name, kind, first, second):
    print(name, kind, "|", repr(float(first)), repr(float(second)))


for name, make in LAYERS.items():
    CALLS.clear()
    layer = make()
    for parameter, value in layer.named_parameters():
        (call,) = [call for call in CALLS if call[0] == value.data_ptr()]
        line(f"{name}.{parameter}", *call[1:])
for name, fill in INITIALISERS.items():
    CALLS.clear()
    fill(torch.empty(60, 30, 2, 5))
    (call,) = CALLS
    line(name, *call[1:])
