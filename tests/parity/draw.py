"""Random shapes, values, layouts and options."""
import random

import numpy as np

from cases import Input


class Draw(random.Random):
    """Everything a case is drawn from: `Draw(seed)` gives the same case for the same seed."""

    def __init__(self, seed):
        super().__init__(seed)
        self.numpy = np.random.default_rng(self.getrandbits(64))

    def maybe(self, probability=0.5):
        return self.random() < probability

    def uniform_number(self, low, high):
        """One with few digits."""
        return round(super().uniform(low, high), 3)

    def shape(self, least=0, most=4, sizes=(1, 2, 3, 4, 5, 7), empty=True, long=True):
        """`least` to `most` dimensions; now and then one of them is 0, or long and the others short."""
        sizes = [self.choice(sizes) for _ in range(self.randint(least, most))]
        if long and sizes and self.maybe(0.06):
            sizes = [min(n, 2) for n in sizes]
            sizes[self.randrange(len(sizes))] = self.choice([17, 33, 70, 150])
        if empty and sizes and self.maybe(0.06):
            sizes[self.randrange(len(sizes))] = 0
        return sizes

    def normal(self, shape, scale=1.0, shift=0.0):
        return (self.numpy.standard_normal(shape) * scale + shift).astype(np.float32)

    def uniform(self, shape, low=-1.0, high=1.0):
        return self.numpy.uniform(low, high, shape).astype(np.float32)

    def integers(self, shape, low, high):
        """int64 in [low, high)."""
        return self.numpy.integers(low, high, shape)

    def bools(self, shape):
        return self.numpy.integers(0, 2, shape).astype(bool)

    def distinct(self, shape, step=0.01):
        """Values that are at least `step` apart: no ties, and no kink within reach of rounding."""
        count = int(np.prod(shape, dtype=np.int64))
        values = self.numpy.permutation(count) - (count - 1) / 2 + self.numpy.uniform(0.1, 0.4, count)
        return (values * step).reshape(shape).astype(np.float32)

    def odd(self, values, large=40.0):
        """Now and then infinities, NaN, zeros of both signs and others that are special stand among them."""
        values = np.array(values)
        if values.size and self.maybe(0.15):
            special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-6, -1e-6, 1.0, -1.0, large, -large]
            for _ in range(self.randint(1, 4)):
                values.reshape(-1)[self.randrange(values.size)] = self.choice(special)
        return values

    def plain(self, values, grad=True):
        return Input(values, grad=grad)

    def laid_out(self, values, grad=True):
        """`values`, half of the time in memory that is permuted, has gaps, or starts elsewhere."""
        values = np.asarray(values)
        if self.maybe(0.5):
            return Input(values, grad=grad)
        views = []
        for kind in self.sample(["select", "slice", "permute"], self.randint(1, 3)):
            if kind == "permute" and values.ndim >= 2:
                order = list(range(values.ndim))
                self.shuffle(order)
                views.insert(0, ["permute", order])
                values = np.transpose(values, np.argsort(order))
            elif kind == "slice" and values.ndim >= 1:
                dim, start, step = self.randrange(values.ndim), self.randint(0, 2), self.randint(1, 3)
                end = start + values.shape[dim] * step
                wide = list(values.shape)
                wide[dim] = end + self.randint(0, 1)
                base = np.ones(wide, values.dtype)
                base[(slice(None),) * dim + (slice(start, end, step),)] = values
                views.insert(0, ["slice", dim, start, end, step])
                values = base
            elif kind == "select":
                dim = self.randint(0, values.ndim)
                base = np.stack([np.ones_like(values), values], axis=dim)
                views.insert(0, ["select", dim, 1])
                values = base
        return Input(np.ascontiguousarray(values).reshape(values.shape), views, grad)

    def broadcast_pair(self, **options):
        """Two shapes that broadcast with each other."""
        whole = self.shape(**options)

        def part():
            sizes = [1 if self.maybe(0.25) else n for n in whole]
            return sizes[self.randint(0, len(sizes)) if self.maybe(0.3) else 0:]
        return (whole, part()) if self.maybe() else (part(), whole)
