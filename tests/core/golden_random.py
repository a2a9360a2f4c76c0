#!/usr/bin/env python3
"""Writes golden_random.txt: Philox4x32-10 and what Norma draws from it, from an implementation of its own.

Normal numbers go through statistics.NormalDist().inv_cdf of the standard library.
Usage: golden_random.py > golden_random.txt
"""
import bisect
import itertools
import math
import pathlib
import statistics
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from philox import block  # noqa: E402


def float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def words64(w):
    return [w[1] << 32 | w[0], w[3] << 32 | w[2]]


def quantile(p):
    return statistics.NormalDist().inv_cdf(p)


class Generator:
    def __init__(self, seed):
        self.seed, self.next = seed, 0

    def block(self):
        self.next += 1
        return block(self.seed, self.next - 1)

    def words(self, n, per_block):
        out = []
        while len(out) < n:
            w = self.block()
            out += w if per_block == 4 else words64(w)
        return out[:n]

    def uniform(self):
        return (words64(self.block())[0] >> 11) * 2.0**-53

    def below(self, n):
        top = 2**64 - 1
        while True:
            v = words64(self.block())[0]
            if v < top - top % n:
                return v % n


def line(word, values):
    print(word + " | " + " ".join("%.17g" % v if isinstance(v, float) else str(v) for v in values))


for seed, index in [(0, 0), (1, 0), (0, 1), (5489, 7), (2**32 + 5, 2**33 + 9), (2**64 - 1, 2**64 - 1), (12345678901234567, 3)]:
    line("block %d %d" % (seed, index), block(seed, index))
SEED, N = 20150211, 11
CHANCES, WEIGHTS = [0.125, 0.5, 0.5, 0.875, 1.0, 0.0], [1.0, 2.0, 0.0, 5.0, 4.0]
line("uniform32", [(w >> 8) * 2.0**-24 for w in Generator(SEED).words(N, 4)])
line("uniform64", [(w >> 11) * 2.0**-53 for w in Generator(SEED).words(N, 2)])
line("range32", [float32(-2 + float32((w >> 8) * 2.0**-24 * 5)) for w in Generator(SEED).words(N, 4)])
line("normal32", [float32(quantile((w + 0.5) * 2.0**-32)) for w in Generator(SEED).words(N, 4)])
line("normal64", [quantile(((w >> 12) + 0.5) * 2.0**-52) for w in Generator(SEED).words(N, 2)])
line("bernoulli", [int((w >> 8) * 2.0**-24 < 0.3) for w in Generator(SEED).words(N, 4)])
g = Generator(SEED)
line("randint", [-5 + g.below(17) for _ in range(N)])
g = Generator(SEED)
order = list(range(N))
for i in range(N - 1, 0, -1):
    j = g.below(i + 1)
    order[i], order[j] = order[j], order[i]
line("randperm", order)
g = Generator(SEED)
line("draws", [(words64(g.block())[0] >> 11) * 2.0**-53, quantile(((words64(g.block())[0] >> 12) + 0.5) * 2.0**-52), float(g.below(1000))])
line("exponential64", [-math.log(1 - (w >> 11) * 2.0**-53) / 2 for w in Generator(SEED).words(N, 2)])
line("chances", [int((w >> 8) * 2.0**-24 < p) for w, p in zip(Generator(SEED).words(6, 4), CHANCES)])
g = Generator(SEED)
sums = list(itertools.accumulate(WEIGHTS))
line("again", [bisect.bisect_right(sums, g.uniform() * sums[-1]) for _ in range(N)])
g = Generator(SEED)
times = [-math.log(1 - g.uniform()) / (w or 1e-300) for w in WEIGHTS]
line("once", sorted(range(len(WEIGHTS)), key=times.__getitem__)[:4])
points = [2.0**-53, 1e-300, 1e-20, 1e-10, 1e-5, 0.001, 0.02425, 0.0749, 0.075, 0.0751, 0.1, 0.3, 0.5, 0.6, 0.925, 0.99, 1 - 1e-10, 1 - 2.0**-53]
line("points", points)
line("quantile", [quantile(p) for p in points])
