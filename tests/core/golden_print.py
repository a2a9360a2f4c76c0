#!/usr/bin/env python3
"""Writes golden_print.txt: tensors and what PyTorch's repr says of them.

    tensor DTYPE SIZES...[ | values]     without '|': arange(numel) * 0.5 - 3, cast
    > STATE                              plain, leaf (requires_grad) or mul (the result of x * 1)
    the text, every line after a '#'
    options [NAME=VALUE...]              for what follows: torch.set_printoptions(profile="default"), then of these

The one difference is taken out here, before lines are broken: PyTorch writes dtype=torch.float64 where Norma writes
dtype=float64.
Usage: golden_print.py > golden_print.txt
"""
import math

import torch

NAMES = {torch.float64: "float64", torch.float32: "float32", torch.int64: "int64", torch.int32: "int32", torch.bool: "bool",
         torch.uint8: "uint8"}
inf, nan = math.inf, math.nan
add_suffixes = torch._tensor_str._add_suffixes
torch._tensor_str._add_suffixes = lambda text, suffixes, *rest, **named: add_suffixes(
    text, [suffix.replace("dtype=torch.", "dtype=") for suffix in suffixes], *rest, **named)


def show(shape, values=None, dtype=torch.float32, states=("plain",)):
    n = math.prod(shape)
    if values is None:
        x = (torch.arange(n, dtype=torch.float64) * 0.5 - 3).to(dtype).reshape(shape)
    else:
        x = torch.tensor(values, dtype=torch.float64).to(dtype).reshape(shape)
    line = "tensor %s%s" % (NAMES[dtype], "".join(" %d" % s for s in shape))
    if values is not None:
        line += " |" + "".join(" %r" % float(v) for v in values)
    print(line)
    for state in states:
        y = x if state == "plain" else x.clone().requires_grad_()
        y = y * 1 if state == "mul" else y
        print("> " + state)
        for row in repr(y).split("\n"):
            print("#" + row)


all_states = ("plain", "leaf", "mul")
f64, i64, u8, boolean = torch.float64, torch.int64, torch.uint8, torch.bool
for values in [[1], [1.5], [-2], [0], [-0.0], [nan], [inf], [-inf], [1e9], [1e-5], [123456.789], [12345678], [123456789],
               [0.0001], [0.00009], [1e8], [100000001]]:
    show([], values, states=all_states)
    show([1], values)
show([], [2.5], f64)
show([], [3], i64)
show([], [1], boolean)
show([], [7], u8)
for values in [[1, 2, 3], [1, 2.5, -3], [1, inf, nan], [1.5, -inf, nan], [nan, inf], [0, 0, 0], [-0.0, 0], [1, 1000], [1, 1001],
               [1, 1001.5], [0.001, 1], [0.001, 1.001], [1e-5, 1], [1e-5, 2e-5], [1e5, 1e6, 1e7], [99999999, 1], [3e8, 4e8],
               [1e20, 1], [1e-20, 0], [0.5, nan], [0.1, 0.25, 0.333333], [1.00001, 2], [1e38, -1e38], [1e-45, 1], [1e9, inf],
               [-1, -22, 333], [-1.5, 22.25, -333], [16777216, 16777217], [0.99995, 0.99994], [12345.678, 1.5], [123456.5, 200000.25]]:
    show([len(values)], values, states=all_states)
    show([len(values)], values, f64)
show([3], [1e300, 1, nan], f64)
show([2], [1e-300, 0], f64)
for values in [[1, -2, 30], [0, 0], [2**40, -1], [-(2**53), 5]]:
    show([len(values)], values, i64)
show([3], [0, 255, 7], u8)
show([3], [1, 0, 1], boolean)
show([2, 2], [1, 1, 1, 1], boolean)
show([2], [0, 0], boolean)
for shape in [[2, 3], [3, 1], [1, 1, 1], [2, 2, 2], [2, 1, 3, 2], [1, 2, 1, 2, 1], [2, 1, 1, 1, 2, 2]]:
    show(shape, states=all_states)
    show(shape, dtype=i64)
for shape in [[0], [0, 3], [2, 0], [2, 3, 0], [0, 0, 0]]:
    show(shape, states=("plain", "leaf"))
    for dtype in [f64, i64, u8, boolean]:
        show(shape, dtype=dtype)
# Line wrapping.
for n in [8, 9, 10, 11, 12, 13, 17, 18, 19, 30]:
    show([n], states=all_states)
    show([2, n], dtype=i64)
    show([n], [i * 1.25 for i in range(n)], states=all_states)
    show([n], [10.0**i if i < 9 else 0.5 for i in range(n)], states=all_states)
show([40], dtype=boolean)
show([100], dtype=u8)
show([3, 30], dtype=i64)
show([2, 2, 25])
show([2, 12], [i * 1000.0 for i in range(24)], f64)
# Summaries.
for shape in [[1000], [1001], [10, 101], [101, 10], [7, 7, 30], [6, 6, 30], [1, 1001], [1001, 1], [2000, 0], [20, 20, 5], [3, 400], [4, 4, 4, 4, 5]]:
    show(shape, states=("plain", "leaf", "mul") if len(shape) < 3 else ("plain",))
    show(shape, dtype=i64)
show([2, 600], dtype=boolean)
show([1200], dtype=u8)
# A suffix that just fits on the line, or does not.
for width in range(1, 14):
    show([7], [10.0**width + 0.5 if width < 6 else float(10 ** (width - 5))] * 7, states=all_states)
    show([8], [float(10 ** (width % 7))] * 8, states=all_states)
    show([9], [float(10 ** (width % 6)) + (0.5 if width > 7 else 0)] * 9, states=all_states)


def options(**settings):
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**settings)
    print("options" + "".join(f" {name}={value}" for name, value in settings.items()))


def some(*shapes):
    for values in [[-0.0, 0, 0], [nan, inf, -inf], [1, 1001.5, nan], [0.5, 2.5, -1.5], [1, -2, 30], [0.0001, 1e-9, 3]]:
        show([3], values, states=("plain", "mul"))
    for dtype in [torch.float32, f64, i64, torch.int32, u8, boolean]:
        show([], [7], dtype, states=("plain",))
        for shape in shapes:
            show(shape, dtype=dtype)
    show([12], [i / 3 for i in range(12)], f64)
    show([3, 4], [10.0**i for i in range(12)], states=("plain", "leaf"))


for precision in [0, 2, 17]:
    options(precision=precision)
    some([2, 3])
    show([2], [1e300, 1], f64)
for sci_mode in [True, False]:
    options(sci_mode=sci_mode)
    some([2, 3])
    show([2], [1e300, 1], f64)
    show([2], [1e-300, 5e-324], f64)
    options(sci_mode=sci_mode, precision=1, linewidth=30)
    some([2, 7])
for linewidth in [0, 9, 40, 79, 81, 120]:
    options(linewidth=linewidth)
    some([13])
    show([2, 30], states=all_states)
for edgeitems in [0, 1, 5]:
    options(edgeitems=edgeitems, threshold=10)
    some([10], [11], [3, 4], [5, 5], [11, 1], [3, 2, 3])
    show([0, 12])
options(threshold=0)
some([1], [7], [2, 7])
options(threshold=inf, linewidth=200)
show([1001], dtype=i64)
options(threshold=999.5)
show([1000])
show([999])
options(edgeitems=2**40, threshold=1)
some([2, 3])
options(profile="short")
some([2, 3], [5, 300])
options(profile="short", precision=3, threshold=5)
some([2, 3], [5, 5])
options(profile="full")
show([1001], states=all_states)
options(profile="default")
some([2, 3])
