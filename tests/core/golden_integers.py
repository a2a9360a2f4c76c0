#!/usr/bin/env python3
"""Writes golden_integers.txt: PyTorch's (x86) conversions to integers and arithmetic of integers at the ends of their range.

    cast f32 i64 VALUE RESULT       refuse i64 VALUE        torch.tensor([VALUE], dtype=i64) raises, else `make i64 VALUE RESULT`
    add i64 A B RESULT              neg u8 A RESULT

Usage: golden_integers.py > golden_integers.txt
"""
import math
import warnings

import torch

warnings.filterwarnings("ignore")
DTYPES = {"f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8}

numbers = [math.nan, math.inf, -math.inf, 1e30, -1e30, 2.0**63, -2.0**63, 2.0**62, 9.2e18, -9.3e18, 2.0**31, -2.0**31 - 1,
           2.0**31 - 1, 2.0**31 - 0.5, -2.0**31, -2.0**31 - 0.5,
           2.0**32 + 1, 1e10, 300.7, 256.0, 255.5, 1.5, 0.5, -0.5, -0.0, -1.5, -255.0, -256.5]
for source in ["f32", "f64"]:
    for target in ["i64", "i32", "u8"]:
        for number in numbers:
            x = torch.tensor([number], dtype=DTYPES[source])
            print("cast", source, target, repr(x.double().item()), x.to(DTYPES[target]).item())
for target in ["i64", "i32", "u8"]:
    for number in numbers:
        if number == 2.0**63:  # PyTorch takes it for -2^63
            continue
        try:
            print("make", target, repr(number), torch.tensor([number], dtype=DTYPES[target]).item())
        except RuntimeError:
            print("refuse", target, repr(number))

most, least = 2**63 - 1, -2**63
pairs = {"i64": [most, least, -1, 1, 0, 3, 2**32], "i32": [2**31 - 1, -2**31, -1, 1, 0, 3, 2**16],
         "u8": [0, 1, 16, 200, 255]}
for dtype, values in pairs.items():
    for a in values:
        x = torch.tensor([a], dtype=DTYPES[dtype])
        for name, f in [("neg", torch.neg), ("abs", torch.abs), ("square", torch.square), ("pow_3", lambda x: x.pow(3)),
                        ("relu", torch.relu), ("sum_twice", lambda x: x.repeat(2).sum())]:
            print(name, dtype, a, f(x).item())
        for b in values:
            y = torch.tensor([b], dtype=DTYPES[dtype])
            for name, f in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("maximum", torch.maximum)]:
                print(name, dtype, a, b, f(x, y).item())
            print("div", dtype, a, b, repr(torch.div(x, y).item()))
