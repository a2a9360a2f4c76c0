"""Tensors of int32, also with other types, at the ends of their range, and as indices."""
import numpy as np
import torch

from cases import define

FAMILY = "integers"
BEFORE_2 = torch.__version__.startswith("1.")
EXTREMES = {"int32": [2**31 - 1, -2**31, 2**31 - 2, 2**30, -2**30, 65536, 46341, -65537],
            "int64": [2**31, -2**31 - 1, 2**32 + 5, -2**33, 2**31 - 1, 2**40], "uint8": [255, 128, 254]}
# What becomes floating is compared as some digits of it.
INT64 = torch.int64


def other_type(d):
    return d.choice(["int32", "int32", "int32", "int64", "uint8", "bool"])


def numbers(d, shape, dtype="int32", extremes=0.5):
    if dtype == "bool":
        return d.bools(shape)
    values = np.asarray(d.integers(shape, 0 if dtype == "uint8" else -9, 10)).astype(dtype)
    if values.size and d.maybe(extremes):
        for _ in range(d.randint(1, 4)):
            values.reshape(-1)[d.randrange(values.size)] = d.choice(EXTREMES[dtype])
    return values


def pair(d, second=None):
    a, b = d.broadcast_pair(most=3)
    x, y = numbers(d, a), numbers(d, b, second or other_type(d))
    return [x, y] if d.maybe() else [y, x]


def digits(x):
    """Of a floating result."""
    return (x.double() * 1000).to(INT64)


@define(FAMILY, "arithmetic", 8)
def _(d):
    x = pair(d)
    return [d.laid_out(v) for v in x], {}, lambda x: [
        x[0] + x[1], x[0] * x[1], torch.maximum(*x), torch.minimum(*x), torch.where(x[0] > x[1], *x)]


@define(FAMILY, "subtraction", 4)
def _(d):
    x = pair(d, d.choice(["int32", "int32", "int64", "uint8"]))
    return [d.laid_out(v) for v in x], {}, lambda x: [x[0] - x[1], torch.addcmul(*x, x[0], value=3), -x[0], x[0].abs()]


@define(FAMILY, "comparisons", 5)
def _(d):
    x = pair(d)
    return [d.laid_out(v) for v in x], {}, lambda x: [
        x[0] == x[1], x[0] != x[1], x[0] < x[1], x[0] <= x[1], x[0] > x[1], x[0] >= x[1],
        torch.logical_and(*x), torch.logical_or(*x), torch.logical_xor(*x), ~x[0].logical_not()]


@define(FAMILY, "by_number", 6)
def _(d):
    """Numbers that int32 does not hold wrap around."""
    n = d.choice([0, 1, -3, 7, 2**31 - 1, -2**31] + ([] if BEFORE_2 else [3000000000, 2**32 + 3, -2**33 + 1]))
    return [d.laid_out(numbers(d, d.shape()))], {"number": n}, lambda x: [
        x[0] + n, x[0] - n, n - x[0], x[0] * n, x[0] == n, x[0] != n, x[0] < n, x[0] <= n, x[0] > n, x[0] >= n]


@define(FAMILY, "by_fraction", 3)
def _(d):
    n = d.choice([0.5, -1.25, 2.0])
    x = d.laid_out(numbers(d, d.shape(), extremes=0))
    return [x], {"number": n}, lambda x: [digits(y) for y in (
        x[0] + n, x[0] - n, n - x[0], x[0] * n, x[0] / n, x[0].clamp(n), x[0].clamp(-n, n), x[0] / 7,
        torch.fmod(x[0], n), torch.remainder(x[0], n))] + [x[0] < n, x[0] >= n, x[0] == n]


@define(FAMILY, "division", 6)
def _(d):
    x, y = pair(d, d.choice(["int32", "int32", "int64", "uint8"]))
    y[y.astype("uint8") == 0] = 1  # also of what is left in a smaller type
    n = d.choice([1, -1, 3, -7, 2**31 - 1, 65537] + ([] if BEFORE_2 else [3000000000, 2**32 + 3]))
    if BEFORE_2:  # the lowest number has no opposite
        y[abs(y) == 1] = 2
        n = 3 if abs(n) == 1 else n
    whole = x.dtype == np.int32
    return [d.laid_out(x), d.laid_out(y)], {"number": n if whole else None}, lambda x: [
        torch.fmod(*x), torch.remainder(*x), digits(x[0] / x[1])] + (
            [torch.fmod(x[0], n), torch.remainder(x[0], n)] if whole else [])


@define(FAMILY, "powers", 4)
def _(d):
    a, b = d.broadcast_pair(most=3)
    p = d.randint(0, 5)
    return [d.laid_out(numbers(d, a)), d.laid_out(abs(numbers(d, b, d.choice(["int32", "uint8"]), 0)))], \
        {"power": p}, lambda x: [x[0].pow(p), x[0].square(), x[0].pow(x[1])]


@define(FAMILY, "of_each", 5)
def _(d):
    x = d.laid_out(numbers(d, d.shape(), extremes=0.3))
    return [x], {}, lambda x: [
        x[0].abs(), -x[0], x[0].sign(), x[0].relu(), torch.nn.functional.relu6(x[0]), x[0].floor(), x[0].round(),
        x[0].logical_not(), x[0].isnan(), x[0].isfinite(), *[digits(f(x[0] % 8)) for f in (
            torch.sin, torch.exp, torch.tanh, torch.sigmoid, torch.sqrt, torch.reciprocal)]]


@define(FAMILY, "clamp", 4)
def _(d):
    low, high = d.choice([-4, 0, -2**31]), d.choice([2, 5, 2**31 - 1])
    if not BEFORE_2:
        low, high = d.choice([low, -3000000000]), d.choice([high, 3000000000])
    bound = numbers(d, d.choice([[], [1]]), extremes=0)
    return [d.laid_out(numbers(d, d.shape(least=1))), d.plain(bound)], {"low": low, "high": high}, lambda x: [
        x[0].clamp(low, high), x[0].clamp_min(low), x[0].clamp_max(high), torch.maximum(x[0], x[1])]


@define(FAMILY, "conversions", 5)
def _(d):
    shape = d.shape()
    x = np.asarray(d.odd(d.uniform(shape, -5, 5)))
    if x.size and not BEFORE_2:
        for _ in range(d.randint(0, 4)):
            x.reshape(-1)[d.randrange(x.size)] = d.choice([np.inf, np.nan, 3e9, -3e9, 2.0**31, -2.0**31, 1e20])
    of = other_type(d)
    return [d.laid_out(x, grad=False), d.laid_out(numbers(d, shape, of)), d.laid_out(numbers(d, shape))], {}, \
        lambda x: [x[0].to(torch.int32), x[1].to(torch.int32), x[2].to(INT64), x[2].to(torch.uint8),
                   x[2].to(torch.bool), digits(x[2].to(torch.float64)), x[2].to(torch.float32).to(torch.int32)]


@define(FAMILY, "reductions", 6)
def _(d):
    shape = d.shape(least=1, most=3, empty=False)
    dim, keepdim = d.randint(-len(shape), len(shape) - 1), d.maybe()
    return [d.laid_out(numbers(d, shape))], {"dim": dim, "keepdim": keepdim}, lambda x: [
        x[0].sum(), x[0].sum(dim, keepdim), x[0].prod(dim, keepdim), x[0].amax(dim, keepdim),
        x[0].amin(dim, keepdim), x[0].max(), x[0].min(), *x[0].max(dim, keepdim), *x[0].min(dim, keepdim),
        x[0].argmax(dim, keepdim), x[0].argmin(), x[0].any(), x[0].all(dim, keepdim), x[0].count_nonzero(dim),
        x[0].median(), x[0].sum(dim, keepdim, dtype=torch.int32), x[0].prod(dim, keepdim, dtype=torch.int32)]


@define(FAMILY, "scans", 3)
def _(d):
    shape = d.shape(least=1)
    dim = d.randint(-len(shape), len(shape) - 1)
    return [d.laid_out(numbers(d, shape))], {"dim": dim}, lambda x: [
        x[0].cumsum(dim), x[0].cumprod(dim), x[0].cumsum(dim, dtype=torch.int32), *x[0].cummax(dim),
        *x[0].cummin(dim)]


@define(FAMILY, "order", 4)
def _(d):
    shape = d.shape(least=1, most=2, empty=False, sizes=(1, 3, 7, 20))
    dim, descending, size = d.randint(-len(shape), len(shape) - 1), d.maybe(), int(np.prod(shape))
    x = d.numpy.permutation(size).reshape(shape).astype("int32") - size // 2
    x.reshape(-1)[d.randrange(size)] = d.choice(EXTREMES["int32"])
    ties = numbers(d, shape)
    k = d.randint(1, shape[dim])
    return [d.laid_out(x), d.laid_out(ties)], {"dim": dim, "descending": descending, "k": k}, lambda x: [
        *x[1].sort(dim=dim, descending=descending, stable=True), x[0].argsort(dim, descending),
        *x[0].topk(k, dim, descending), *x[0].kthvalue(k, dim), x[0].median(dim)[0],
        *torch.unique(x[1], return_inverse=True, return_counts=True)]


@define(FAMILY, "counting", 3)
def _(d):
    a = np.sort(numbers(d, [d.randint(1, 9)], extremes=0.3))
    kind = "int32" if BEFORE_2 else d.choice(["int32", "int64"])
    v = numbers(d, d.shape(most=2), kind, 0.5 if kind == "int32" else 0)
    small = d.integers([d.randint(0, 9)], 0, 6).astype("int32")
    weights = d.integers(small.shape, 0, 6).astype("int32")
    return [d.plain(a), d.laid_out(v), d.laid_out(small), d.laid_out(weights)], {}, lambda x: [
        torch.searchsorted(x[0], x[1]), torch.searchsorted(x[0], 3, right=True),
        torch.bincount(x[2], minlength=4), digits(torch.bincount(x[2], x[3])), x[2].nonzero()]


@define(FAMILY, "matmul", 4)
def _(d):
    m, k, n = (d.choice([1, 2, 3, 5]) for _ in range(3))
    batch = d.choice([[], [2]])
    shapes = [batch + [m, k], batch + [k, n], [m, n]]
    return [d.laid_out(numbers(d, s)) for s in shapes], {}, lambda x: [x[0] @ x[1], x[2] + x[0] @ x[1]] + (
        [torch.addmm(x[2], x[0], x[1]), torch.einsum("ij,jk->ik", x[0], x[1])] if not batch else [])


@define(FAMILY, "shapes", 4)
def _(d):
    shape = d.shape(least=1, most=3)
    dim = d.randint(0, len(shape) - 1)
    inputs = [d.laid_out(numbers(d, shape)), d.laid_out(numbers(d, shape, other_type(d)))]
    return inputs, {"dim": dim}, lambda x: [
        torch.cat([x[0], x[1]], dim), torch.stack([x[1], x[0]], dim), x[0].flip(dim), x[0].roll(1, dim),
        x[0].transpose(0, dim).contiguous(), x[0].repeat_interleave(2, dim),
        torch.nn.functional.pad(x[0], [1, 2], value=7), torch.tril(x[0] if len(shape) > 1 else x[0].expand(2, -1))]


@define(FAMILY, "in_place", 5)
def _(d):
    shape = d.shape()
    part = [1 if d.maybe(0.3) else n for n in shape]
    value = d.choice([2, -7, 2.7, -2.7])

    def run(x):
        y, z, mask = x[0].clone(), x[0].clone(), x[0] > x[1]
        filled = [x[0].masked_fill(mask, value), y.clone().fill_(value), y.clone().masked_fill_(mask, value)]
        return [*filled, y.add_(x[1]), y.mul_(x[1]), z.copy_(x[1]), z.clamp_(-3, 3), z.sub_(1)]
    return [d.laid_out(numbers(d, shape)), d.laid_out(numbers(d, part, other_type(d)))], {"value": value}, run


@define(FAMILY, "pooling", 2)
def _(d):
    x = numbers(d, [d.randint(1, 2), d.randint(1, 2), d.randint(3, 6), d.randint(3, 6)])
    stride = d.choice([1, 2])
    if BEFORE_2:  # takes no integers
        return [d.laid_out(x)], {"stride": stride}, lambda x: [
            torch.nn.functional.max_pool2d(x[0].double(), 2, stride).to(torch.int32)]
    return [d.laid_out(x)], {"stride": stride}, lambda x: [torch.nn.functional.max_pool2d(x[0], 2, stride)]


@define(FAMILY, "as_indices", 6)
def _(d):
    rows, columns, count = d.randint(1, 6), d.randint(1, 4), d.randint(0, 7)
    index = d.integers([count], 0, rows).astype("int32")
    wide = d.integers([d.randint(0, rows), columns], 0, rows).astype("int32")
    signed = (d.integers([count], -rows, rows)).astype("int32")
    repeats = d.integers([rows], 0, 3).astype("int32")
    # Multiples of 1/8, whose sums are exact in any order.
    table = (d.integers([rows, columns], -40, 40) / 8).astype("float32")
    inputs = [d.laid_out(table), *[d.laid_out(i) for i in (index, wide, signed, repeats)]]

    def run(x):
        i, w, s = (v.long() if BEFORE_2 else v for v in x[1:4])
        source = x[0][:w.shape[0]]
        return [x[0].index_select(0, i), torch.nn.functional.embedding(i, x[0]), x[0][s], x[0].t()[:, s],
                x[0].gather(0, w), x[0].scatter_add(0, w, source), x[0].scatter_add(0, w, source * 2),
                x[0].index_add(0, i, x[0].index_select(0, i)), x[0].repeat_interleave(x[4], 0)]
    return inputs, {}, run


@define(FAMILY, "writing", 4)
def _(d):
    """Into tensors of int32."""
    rows, columns, count = d.randint(1, 6), d.randint(1, 4), d.randint(0, 7)
    index = d.integers([count], 0, rows)
    wide = d.integers([d.randint(0, rows), columns], 0, rows)
    x, source = numbers(d, [rows, columns]), numbers(d, [rows, columns])
    inputs = [d.laid_out(v) for v in (x, source, index, wide)]

    def run(x):
        picked = x[1].index_select(0, x[2])
        mask = x[0] > x[1]
        put = x[0].clone()
        put[mask] = 5
        out = [x[0].scatter_add(0, x[3], x[1]), x[0].index_add(0, x[2], picked, alpha=3),
               x[0].index_fill(0, x[2], 7), put, x[0][mask], x[0].take(x[2]), x[0].gather(0, x[3])]
        return out if BEFORE_2 else out + [
            x[0].scatter_reduce(0, x[3], x[1], how, include_self=own)
            for how in ("sum", "prod", "amax", "amin") for own in (True, False)]
    return inputs, {"reduce": not BEFORE_2}, run


@define(FAMILY, "made", 3)
def _(d):
    start, end, step = d.randint(-9, 9), d.randint(-9, 9), d.randint(1, 4)
    if end < start:
        step = -step
    low, high, n = d.randint(-9, 9), d.randint(-9, 9), d.randint(0, 6)
    value = d.choice([3, -4, 2.9, -2.9, True])
    return [d.laid_out(numbers(d, d.shape(most=2)))], {
        "start": start, "end": end, "step": step, "low": low, "high": high, "n": n, "value": value}, lambda x: [
            torch.arange(start, end, step, dtype=torch.int32), torch.linspace(low, high, n, dtype=torch.int32),
            torch.full([2, 2], value, dtype=torch.int32), torch.eye(3, 2, dtype=torch.int32),
            torch.tensor([value, 1, 0], dtype=torch.int32), torch.zeros_like(x[0]), torch.ones_like(x[0]),
            torch.full_like(x[0], value), torch.zeros([2], dtype=torch.int32)]
