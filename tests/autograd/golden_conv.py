#!/usr/bin/python3
"""Writes golden_conv.h and golden_conv1d.h: PyTorch's results for convolution, padding and pooling in
float64, in two dimensions and in one.

Run beside the headers:  python3 golden_conv.py > golden_conv.h; python3 golden_conv.py 1d > golden_conv1d.h
Inputs are wave(shape, frequency): sin(frequency * (i + 1)) over the flat index i; the gradient that
is sent back is a wave of frequency 0.7.
"""
import sys

import torch
import torch.nn.functional as F


def wave(shape, frequency):
    count = 1
    for size in shape:
        count *= size
    return torch.sin(frequency * torch.arange(1, count + 1, dtype=torch.float64)).reshape(shape)


def case(name, function, *shapes):
    inputs = [wave(s, f).requires_grad_() for s, f in zip(shapes, (0.9, 0.53, 0.31))]
    out = function(*inputs)
    out.backward(wave(out.shape, 0.7))
    print(f"inline const Golden {name}{{")
    for tensor in [out] + [x.grad for x in inputs]:
        flat = tensor.detach().flatten().tolist()
        print("    {{%s},\n     {" % ", ".join(map(str, tensor.shape)))
        for i in range(0, len(flat), 6):
            print("      " + ", ".join(f"{v:.13g}" for v in flat[i : i + 6]) + ",")
        print("     }},")
    print("};\n")


def two_dimensional():
    print("""#pragma once
#include <vector>

#include "norma/core/shape.h"

// clang-format off
namespace golden {

struct Values {
  norma::Shape sizes;
  std::vector<double> values;
};
// The output, then the gradient of every input.
using Golden = std::vector<Values>;
""")
    case("conv_strided", lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
         (2, 2, 5, 6), (3, 2, 3, 2), (3,))
    case("conv_grouped", lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=2),
         (1, 4, 3, 4), (4, 2, 3, 3), (4,))
    case("conv_same_even", lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=(1, 3)),
         (1, 1, 4, 5), (2, 1, 2, 4), (2,))
    for mode in ("reflect", "replicate", "circular"):
        case(f"pad_{mode}", lambda x: F.pad(x, (1, 2, 2, 0), mode=mode), (1, 2, 3, 4))
    case("pad_zeros", lambda x: F.pad(x, (1, 2, 2, 0)), (1, 2, 3, 4))
    case("max_pool", lambda x: F.max_pool2d(x, (3, 2), stride=(2, 1), padding=(1, 1), dilation=(1, 2)),
         (1, 2, 6, 5))
    case("max_pool_ceil", lambda x: F.max_pool2d(x, 2, ceil_mode=True), (2, 1, 5, 5))
    case("max_pool_ceil_padded", lambda x: F.max_pool2d(x, 3, stride=3, padding=1, ceil_mode=True),
         (1, 1, 5, 7))
    case("avg_pool", lambda x: F.avg_pool2d(x, (3, 2), stride=(2, 1), padding=(1, 1)), (1, 2, 5, 4))
    case("avg_pool_uncounted", lambda x: F.avg_pool2d(
        x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), (1, 1, 6, 6))
    case("avg_pool_ceil", lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True),
         (1, 1, 6, 6))
    case("avg_pool_divisor", lambda x: F.avg_pool2d(x, 2, padding=1, divisor_override=3), (1, 1, 4, 5))
    case("adaptive_avg_pool", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), (1, 2, 7, 5))
    case("adaptive_avg_pool_larger", lambda x: F.adaptive_avg_pool2d(x, (3, 5)), (1, 1, 2, 4))


def one_dimensional():
    print("""#pragma once
#include "norma/tests/autograd/golden_conv.h"

// clang-format off
namespace golden {
""")
    case("conv1d_strided", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=3, dilation=2),
         (2, 2, 9), (3, 2, 3), (3,))
    case("conv1d_grouped", lambda x, w, b: F.conv1d(x, w, b, padding=1, groups=2),
         (1, 4, 5), (4, 2, 3), (4,))
    case("conv1d_same_even", lambda x, w, b: F.conv1d(x, w, b, padding="same", dilation=3),
         (2, 1, 7), (2, 1, 4), (2,))
    for mode in ("reflect", "replicate", "circular"):
        case(f"pad1d_{mode}", lambda x: F.pad(x, (1, 3), mode=mode), (2, 1, 4))
    case("pad1d_zeros", lambda x: F.pad(x, (1, 3)), (2, 1, 4))
    case("max_pool1d", lambda x: F.max_pool1d(x, 3, stride=2, padding=1, dilation=2), (2, 2, 9))
    case("max_pool1d_ceil", lambda x: F.max_pool1d(x, 2, ceil_mode=True), (1, 2, 7))
    case("max_pool1d_ceil_padded", lambda x: F.max_pool1d(
        x, 3, stride=3, padding=1, ceil_mode=True), (1, 1, 7))


print(f"// Written by golden_conv.py with PyTorch {torch.__version__}; see there.")
if sys.argv[1:] == ["1d"]:
    one_dimensional()
else:
    two_dimensional()
print("}  // namespace golden")
