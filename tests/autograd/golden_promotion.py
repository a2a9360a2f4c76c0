#!/usr/bin/env python3
"""Writes golden_promotion.txt: torch.result_type of all pairs of Norma's dtypes, with dimensions and without.

Lines `dtype rank dtype rank result` for tensors and `dtype rank scalar result` for numbers.
Usage: golden_promotion.py > golden_promotion.txt
"""
import torch

TYPES = {"bool": torch.bool, "uint8": torch.uint8, "int32": torch.int32, "int64": torch.int64, "float32": torch.float32, "float64": torch.float64}
NAMES = {v: k for k, v in TYPES.items()}
for a in TYPES:
    for rank_a in (0, 1):
        x = torch.ones([1] * rank_a, dtype=TYPES[a])
        for b in TYPES:
            for rank_b in (0, 1):
                y = torch.ones([1] * rank_b, dtype=TYPES[b])
                print(a, rank_a, b, rank_b, NAMES[torch.result_type(x, y)])
        for name, value in [("True", True), ("2", 2), ("2.5", 2.5)]:
            print(a, rank_a, name, NAMES[torch.result_type(x, value)])
