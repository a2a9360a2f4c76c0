#!/usr/bin/env python3
"""Writes golden_nonfinite.txt: what becomes of a parameter whose gradient is once not finite, in PyTorch.

    OPTIMISER GRADIENT | parameter after three steps with the gradients 1, GRADIENT, 1

Usage: golden_nonfinite.py > golden_nonfinite.txt
"""
import math

import torch

OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
}
for name, make in OPTIMISERS.items():
    for value in [math.nan, math.inf, -math.inf, 3e38, 1e-45]:
        p = torch.ones(1, requires_grad=True)
        optimiser = make([p])
        for g in [1.0, value, 1.0]:
            p.grad = torch.tensor([g])
            optimiser.step()
        print(name, repr(value), "|", repr(p.item()))
