"""Dropout: PyTorch multiplies by the mask that Norma's generator gives for the seed."""
import sys
import pathlib

import numpy as np
import torch

from cases import define

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from philox import block  # noqa: E402

FAMILY = "dropout"
GROUP, LANES = 256, 64


def mask(seed, count, p):
    """Value 256 q + 64 j + l comes from word j of block 64 q + l; 1 where it is not below p 2^32."""
    words = np.zeros((-(-count // GROUP), 4, LANES), np.uint64)
    for q in range(len(words)):
        for lane in range(LANES):
            words[q, :, lane] = block(seed, q * LANES + lane)
    return words.reshape(-1)[:count] >= int(p * 2**32)


def dropout(planes):
    def draw(d):
        shape = [d.randint(1, 4), d.randint(1, 5)] + d.shape(most=2) if planes else d.shape()
        o = {"p": d.choice([0.0, 0.1, 0.25, 0.5, 0.9, 1.0, d.uniform_number(0, 1)]),
             "seed": d.getrandbits(40), "training": d.maybe(0.85)}
        rows = shape[:2] + [1] * (len(shape) - 2) if planes else shape
        drawn = mask(o["seed"], int(np.prod(rows, dtype=np.int64)), o["p"]).reshape(rows)

        def run(x):
            if not o["training"] or o["p"] == 0:
                return [x[0] * 1]
            if o["p"] == 1:
                return [x[0] * 0]
            return [x[0] * (torch.from_numpy(drawn).to(x[0].dtype) / (1 - o["p"]))]
        return [d.laid_out(d.normal(shape))], o, run
    define(FAMILY, "dropout2d" if planes else "dropout", 5)(draw)


dropout(planes=False)
dropout(planes=True)
