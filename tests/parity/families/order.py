"""Sorting, selecting, counting, and finding places."""
import numpy as np
import torch

from cases import define

FAMILY = "order"
BEFORE_2 = torch.__version__.startswith("1.")


def dim_of(d, shape):
    rank = max(1, len(shape))
    return d.randint(-rank, rank - 1)



def ties(d, shape):
    """Integers and infinities, now and then NaN and zeros of both signs."""
    return d.odd(d.integers(shape, 0, 5).astype("float32"))


def no_ties(d, shape):
    """Now and then of integers."""
    x = d.distinct(shape)
    return d.laid_out(x if d.maybe(0.8) else d.numpy.permutation(x.size).reshape(shape))


@define(FAMILY, "sort", 6)
def _(d):
    shape = d.shape()
    dim, descending = dim_of(d, shape), d.maybe()
    x = ties(d, shape)
    if not d.maybe(0.8):
        x = d.integers(shape, 0, 9).astype(d.choice(["int64", "uint8", "bool"]))
    return [d.laid_out(x)], {"dim": dim, "descending": descending}, lambda x: [
        *torch.sort(x[0], dim=dim, descending=descending, stable=True),
        torch.sort(x[0], dim=dim, descending=descending, stable=True)[1]]


@define(FAMILY, "sort_long", 2)
def _(d):
    """Lines that are sorted by digits."""
    n, descending = d.randint(1000, 1100), d.maybe()
    x = d.normal([n]) if d.maybe() else d.integers([n], -500, 500)
    if x.dtype.kind == "f" and d.maybe():
        x = (x * 100).round()
    if x.dtype.kind == "f":
        x = d.odd(x)
    return [d.laid_out(x)], {"dim": 0, "descending": descending}, lambda x: [
        *torch.sort(x[0], dim=0, descending=descending, stable=True),
        torch.sort(x[0], dim=0, descending=descending, stable=True)[1]]


@define(FAMILY, "topk", 5)
def _(d):
    shape = d.shape(sizes=(1, 3, 7, 40))
    dim, largest = dim_of(d, shape), d.maybe(0.6)
    k = d.randint(0 if d.maybe(0.2) else min(1, shape[dim]), shape[dim]) if shape else 1
    return [no_ties(d, shape)], {"dim": dim, "largest": largest, "k": k}, \
        lambda x: [*x[0].topk(k, dim, largest)]


@define(FAMILY, "kthvalue", 4)
def _(d):
    shape = d.shape(empty=False, sizes=(1, 3, 7, 40))
    dim, keepdim = dim_of(d, shape), d.maybe()
    k = d.randint(1, shape[dim]) if shape else 1
    return [no_ties(d, shape)], {"dim": dim, "keepdim": keepdim, "k": k}, \
        lambda x: [*x[0].kthvalue(k, dim, keepdim)]


@define(FAMILY, "unique", 4)
def _(d):
    x = ties(d, d.shape(most=3))
    if d.maybe(0.3):
        x = d.integers(x.shape, -3, 3).astype("int64")
    if BEFORE_2:  # there the order of NaN is any
        x = np.nan_to_num(x, nan=0.0)
    x = d.laid_out(x, grad=False)
    return [x], {}, lambda x: [*torch.unique(x[0], return_inverse=True, return_counts=True)]


@define(FAMILY, "unique_consecutive", 2)
def _(d):
    x = d.integers(d.shape(least=1, most=2), 0, 2).astype(d.choice(["float32", "int64"]))
    return [d.laid_out(x, grad=False)], {}, lambda x: [
        *torch.unique_consecutive(x[0], return_inverse=True, return_counts=True)]


@define(FAMILY, "searchsorted", 4)
def _(d):
    right, rows = d.maybe(), d.maybe()
    values = d.shape(least=1, most=3, empty=False) if rows else d.shape(most=3)
    shape = (values[:-1] if rows else []) + [d.randint(0, 8)]
    a, v = (d.integers(s, -4, 5).astype("float32" if d.maybe(0.7) else "int64") for s in (shape, values))
    if BEFORE_2:
        a, v = a.astype("float32"), v.astype("float32")
    a.sort(axis=-1)
    return [d.plain(a, grad=False), d.laid_out(v, grad=False)], {"right": right, "rows": rows}, lambda x: [
        torch.searchsorted(x[0], x[1], right=right)] + ([] if rows else [
            torch.bucketize(x[1], x[0], right=right), torch.searchsorted(x[0], 1, right=right)])


@define(FAMILY, "bincount", 3)
def _(d):
    x = d.integers([d.randint(0, 9)], 0, 6).astype(d.choice(["int64", "uint8"]))
    minlength = d.randint(0, 9)
    # Without integers PyTorch forgets the weights' type.
    weights = d.normal(x.shape) if x.size else d.integers(x.shape, 0, 9)
    return [d.laid_out(x), d.laid_out(weights, grad=False)], {"minlength": minlength}, lambda x: [
        torch.bincount(x[0], minlength=minlength)] + (
            [torch.bincount(x[0], x[1], minlength)] if x[0].numel() else [])


@define(FAMILY, "histc", 3)
def _(d):
    """Values and bounds that every precision bins alike."""
    x = np.asarray(d.integers(d.shape(empty=False), -20, 21).astype("float32") + np.float32(0.25))
    if not BEFORE_2 and d.maybe(0.3):  # 1.13 counts NaN
        x.reshape(-1)[0] = d.choice([np.nan, np.inf, -np.inf])
    bins, low = d.choice([1, 2, 4, 8]), d.randint(-8, 0)
    high = low + d.choice([8, 16])
    return [d.laid_out(x, grad=False)], {"bins": bins, "low": low, "high": high}, \
        lambda x: [torch.histc(x[0], bins, low, high)]


@define(FAMILY, "one_hot", 2)
def _(d):
    x = d.integers(d.shape(empty=False), 0, 5)
    classes = d.choice([-1, 5, 7])
    return [d.laid_out(x)], {"classes": classes}, lambda x: [torch.nn.functional.one_hot(x[0], classes)]


@define(FAMILY, "indices", 2)
def _(d):
    row, col, offset = d.randint(0, 6), d.randint(0, 6), d.randint(-4, 4)
    return [], {"row": row, "col": col, "offset": offset}, lambda x: [
        torch.tril_indices(row, col, offset), torch.triu_indices(row, col, offset)]


@define(FAMILY, "ranges", 3)
def _(d):
    """With an integer dtype: PyTorch 2 counts from the ends as they are, and takes fractional steps."""
    start, end, step = d.randint(-9, 9), d.randint(-9, 9), d.randint(1, 4)
    if not BEFORE_2 and d.maybe(0.7):
        start, end, step = d.uniform_number(-9, 9), d.uniform_number(-9, 9), d.uniform_number(0.2, 3)
    if end < start:
        step = -step
    a, b, n, base = d.uniform_number(-2, 2), d.uniform_number(-2, 2), d.randint(0, 6), d.choice([2.0, 10.0, 0.5])
    return [d.plain(d.normal([1]), grad=False)], {
        "start": start, "end": end, "step": step, "a": a, "b": b, "n": n, "base": base}, lambda x: [
            torch.arange(start, end, step, dtype=torch.int64),
            torch.logspace(a, b, n, base, dtype=x[0].dtype)]
