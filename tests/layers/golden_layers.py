#!/usr/bin/env python3
"""Writes golden_layers.h, what PyTorch's layers give: python3 golden_layers.py > golden_layers.h

Made with PyTorch 1.13.1. Numbers are float64 throughout.
"""
import math
import zlib

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
random = np.random.RandomState()


def seed(what):
    """Every case has its own: another one changes none of those that are there."""
    random.seed(zlib.crc32(what.encode()))
    torch.manual_seed(zlib.crc32(what.encode()))


def values(*shape):
    return torch.tensor(np.round(random.randn(*shape) * 1.5 + 0.5, 2))


def numbers(tensor):
    flat = tensor.detach().double().reshape(-1).tolist() if tensor is not None else []
    return "{" + ", ".join("NAN" if math.isnan(v) else repr(v) for v in flat) + "}"


def sizes(tensor):
    return "{" + ", ".join(map(str, tensor.shape)) + "}"


def boolean(value):
    return "true" if value else "false"


def text(string):
    return 'R"(' + string + ')"'


def batch_norm():
    cases = [
        ("features", (4, 2), {}),
        ("lengths", (3, 2, 3), {}),
        ("images", (2, 2, 2, 2), {}),
        ("small momentum", (4, 2), dict(momentum=0.01)),
        ("momentum 1", (2, 2, 2, 2), dict(momentum=1.0)),
        ("cumulative average", (3, 2, 2), dict(momentum=None)),
        ("large eps", (4, 2), dict(eps=0.5)),
        ("not affine", (3, 2, 2), dict(affine=False)),
        ("no running statistics", (4, 2), dict(track_running_stats=False)),
        ("neither", (2, 2, 2, 2), dict(affine=False, track_running_stats=False)),
        ("cumulative, not affine", (4, 2), dict(momentum=None, affine=False, eps=1e-3)),
    ]
    print("inline const std::vector<BatchNormCase> batch_norm_cases = {")
    for name, shape, options in cases:
        seed(name)
        bn = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(shape[1], **options)
        if bn.affine:
            bn.weight.data = torch.tensor([1.5, -0.75])
            bn.bias.data = torch.tensor([0.25, 2.0])
        momentum = "std::nullopt" if bn.momentum is None else repr(bn.momentum)
        print(f'{{"{name}", {{{", ".join(map(str, shape))}}},')
        print(f"{{.eps = {bn.eps}, .momentum = {momentum}, .affine = {boolean(bn.affine)},")
        print(f".track_running_stats = {boolean(bn.track_running_stats)}}}, {{")
        for training in (True, True, False, True, False, True):
            bn.train(training)
            bn.zero_grad()
            x = values(*shape).requires_grad_()
            out = bn(x)
            (out * torch.arange(1.0, out.numel() + 1).reshape(shape).sqrt()).sum().backward()
            count = bn.num_batches_tracked.item() if bn.track_running_stats else 0
            print(f"{{{boolean(training)}, {numbers(x)}, {numbers(out)}, {numbers(x.grad)},")
            print(f"{numbers(bn.weight.grad if bn.affine else None)},")
            print(f"{numbers(bn.bias.grad if bn.affine else None)},")
            print(f"{numbers(bn.running_mean)}, {numbers(bn.running_var)}, {count}}},")
        print("}},")
    print("};")


def losses():
    w = torch.tensor([0.5, 2.0, 1.25])
    y = torch.tensor([2, 0, -100, 1])
    z = torch.tensor([2, 0, 1, 1])
    seed("losses")
    soft = values(4, 3).softmax(1)
    bits = torch.tensor([[1.0, 0.0, 0.3], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    cases = [
        ("cross_entropy", nn.CrossEntropyLoss(), z),
        ("cross_entropy_all", nn.CrossEntropyLoss(w, ignore_index=-100, label_smoothing=0.1), y),
        ("cross_entropy_sum", nn.CrossEntropyLoss(ignore_index=1, reduction="sum"), z),
        ("cross_entropy_none", nn.CrossEntropyLoss(w, reduction="none"), y),
        ("cross_entropy_soft", nn.CrossEntropyLoss(w, label_smoothing=0.2), soft),
        ("nll", nn.NLLLoss(w, ignore_index=0), z),
        ("nll_none", nn.NLLLoss(reduction="none"), y),
        ("mse", nn.MSELoss(), bits),
        ("mse_sum", nn.MSELoss(reduction="sum"), bits),
        ("l1", nn.L1Loss(), bits),
        ("l1_none", nn.L1Loss(reduction="none"), bits),
        ("bce", nn.BCEWithLogitsLoss(), bits),
        ("bce_weights", nn.BCEWithLogitsLoss(weight=bits + 0.5, pos_weight=w), bits),
        ("bce_none", nn.BCEWithLogitsLoss(pos_weight=w, reduction="none"), bits),
    ]
    print(f"inline const std::vector<double> class_weights = {numbers(w)};")
    print(f"inline const std::vector<double> soft_targets = {numbers(soft)};")
    print(f"inline const std::vector<double> bit_targets = {numbers(bits)};")
    print("inline const std::map<std::string, LossCase> loss_cases = {")
    for name, loss, target in cases:
        seed(name)
        x = values(4, 3).requires_grad_()
        out = loss(x, target)
        (out * torch.arange(1.0, out.numel() + 1).reshape(out.shape).sqrt()).sum().backward()
        print(f'{{"{name}", {{{numbers(x)}, {numbers(out)}, {numbers(x.grad)}}}}},')
    print("};")


def layers():
    seed("layers")
    norm = nn.LayerNorm((2, 3), eps=1e-3)
    norm.weight.data = values(2, 3)
    norm.bias.data = values(2, 3)
    linear = nn.Linear(3, 2)
    groups = nn.GroupNorm(2, 2, eps=1e-3)
    groups.weight.data = torch.tensor([1.5, -0.75])
    groups.bias.data = torch.tensor([0.25, 2.0])
    cases = [
        ("relu", nn.ReLU()), ("leaky_relu", nn.LeakyReLU(0.2)), ("gelu", nn.GELU()),
        ("gelu_tanh", nn.GELU(approximate="tanh")), ("sigmoid", nn.Sigmoid()), ("tanh", nn.Tanh()),
        ("softmax", nn.Softmax(1)), ("log_softmax", nn.LogSoftmax(-1)), ("layer_norm", norm),
        ("linear", linear), ("group_norm", groups),
    ]
    print(f"inline const std::vector<double> layer_norm_weight = {numbers(norm.weight)};")
    print(f"inline const std::vector<double> layer_norm_bias = {numbers(norm.bias)};")
    print(f"inline const std::vector<double> linear_weight = {numbers(linear.weight)};")
    print(f"inline const std::vector<double> linear_bias = {numbers(linear.bias)};")
    print("// input [2, 2, 3]")
    print("inline const std::map<std::string, LossCase> layer_cases = {")
    for name, layer in cases:
        seed(name)
        x = values(2, 2, 3).requires_grad_()
        out = layer(x)
        (out * torch.arange(1.0, out.numel() + 1).reshape(out.shape).sqrt()).sum().backward()
        print(f'{{"{name}", {{{numbers(x)}, {numbers(out)}, {numbers(x.grad)}}}}},')
    print("};")


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("offset", torch.zeros(2))
        self.net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
        self.head = nn.Linear(3, 2, bias=False)


class Described(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Tanh())

    def extra_repr(self):
        return "first=1\nsecond=2"


def mixed():
    net = nn.Sequential(nn.Linear(2, 16, bias=False), nn.BatchNorm1d(16, eps=0.001, momentum=None),
                        nn.ReLU(), nn.LeakyReLU(0.2), nn.GELU(), nn.GELU(approximate="tanh"))
    net.add_module("tail", nn.Sequential(
        nn.Sigmoid(), nn.Tanh(), nn.Softmax(1), nn.LogSoftmax(-1), nn.Dropout(0.25), nn.Dropout2d(),
        nn.Flatten(), nn.Flatten(0, 2), nn.Identity(), nn.LayerNorm(10),
        nn.LayerNorm((10, 20), eps=1e-12, elementwise_affine=False),
        nn.BatchNorm2d(3, momentum=1e-4, affine=False, track_running_stats=False)))
    net.add_module("loss", nn.CrossEntropyLoss())
    for loss in (nn.NLLLoss(), nn.MSELoss(), nn.L1Loss(), nn.BCEWithLogitsLoss(), nn.Sequential()):
        net.append(loss)
    return net


def reprs():
    print(f"inline const char* const mixed_repr = {text(repr(mixed()))};")
    print(f"inline const char* const mlp_repr = {text(repr(MLP()))};")
    print(f"inline const char* const described_repr = {text(repr(Described()))};")
    two_lines = Described()
    del two_lines.inner
    print(f"inline const char* const two_lines_repr = {text(repr(two_lines))};")


def names():
    outer = nn.Sequential(MLP(), nn.ReLU(), nn.BatchNorm1d(2))
    for what in ("state_dict", "named_parameters", "named_buffers", "named_modules"):
        listed = getattr(outer, what)()
        keys = listed.keys() if what == "state_dict" else [name for name, _ in listed]
        print(f"inline const char* const {what}_names = {text(' '.join(keys))};")


def load_errors():
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    other = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2), nn.Linear(2, 2))
    try:
        model.load_state_dict(other.state_dict())
    except RuntimeError as error:
        lines = str(error).replace("torch.Size(", "").replace("])", "]").split("\n")
        message = "\n".join(line.rstrip() for line in lines)
        print(f"inline const char* const load_error = {text(message)};")


def init():
    """The arguments of the uniform_ and normal_ calls behind each initialiser."""
    seen = []
    uniform, normal = torch.Tensor.uniform_, torch.Tensor.normal_
    torch.Tensor.uniform_ = lambda t, a=0, b=1, **_: seen.append((a, b)) or uniform(t, a, b)
    torch.Tensor.normal_ = lambda t, a=0, b=1, **_: seen.append((a, b)) or normal(t, a, b)
    w = torch.empty(6, 3, 2, 5)
    cases = [
        ("kaiming_uniform", lambda: nn.init.kaiming_uniform_(w)),
        ("kaiming_uniform_out", lambda: nn.init.kaiming_uniform_(w, 0.3, "fan_out")),
        ("kaiming_uniform_relu", lambda: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        ("kaiming_normal", lambda: nn.init.kaiming_normal_(w)),
        ("kaiming_normal_tanh", lambda: nn.init.kaiming_normal_(w, 0, "fan_out", "tanh")),
        ("xavier_uniform", lambda: nn.init.xavier_uniform_(w)),
        ("xavier_uniform_gain", lambda: nn.init.xavier_uniform_(w, 2.5)),
        ("xavier_normal", lambda: nn.init.xavier_normal_(w, 0.5)),
        ("linear_weight", lambda: nn.Linear(70, 40)),
    ]
    print("inline const std::map<std::string, std::pair<double, double>> init_ranges = {")
    for name, run in cases:
        seen.clear()
        run()
        print(f'{{"{name}", {{{seen[0][0]!r}, {seen[0][1]!r}}}}},')
    print(f'{{"linear_bias", {{{seen[1][0]!r}, {seen[1][1]!r}}}}},')
    print("};")
    torch.Tensor.uniform_, torch.Tensor.normal_ = uniform, normal
    print("inline const std::map<std::string, double> gains = {")
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        print(f'{{"{name}", {nn.init.calculate_gain(name)!r}}},')
    print("};")
    print(f"inline const double gain_of_slope_half = {nn.init.calculate_gain('leaky_relu', 0.5)!r};")


print("""// Written by golden_layers.py with PyTorch 1.13.1. Do not edit.
#pragma once
// clang-format off
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "norma/layers/batch_norm.h"

namespace golden {

struct BatchNormStep {
  bool training;
  std::vector<double> input, output, input_grad, weight_grad, bias_grad, running_mean, running_var;
  int64_t batches;
};
struct BatchNormCase {
  const char* name;
  norma::Shape sizes;
  norma::nn::BatchNormOptions options;
  std::vector<BatchNormStep> steps;
};
// Gradients are those of sum(output * sqrt(1, 2, 3, ...)).
struct LossCase {
  std::vector<double> input, output, input_grad;
};
""")
batch_norm()
losses()
layers()
reprs()
names()
load_errors()
init()
print("\n}  // namespace golden")
