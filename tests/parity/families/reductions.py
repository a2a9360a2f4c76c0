"""Reductions: over everything, one dimension, several; softmax."""
import math

import torch

from cases import define

FAMILY = "reductions"


def some_dims(d, rank):
    """[] for "everything", or a few distinct dimensions, now and then counted from the end."""
    if rank == 0 or d.maybe(0.2):
        return []
    dims = d.sample(range(rank), d.randint(1, rank))
    return [dim - rank if d.maybe(0.3) else dim for dim in dims]


def over_dims(name, run, empty=True, weight=3):
    """`run(x, dims, keepdim, options)`; no dims mean everything."""
    def draw(d):
        shape = d.shape(empty=empty)
        dims = some_dims(d, len(shape))
        options = {"dims": dims, "keepdim": bool(dims) and d.maybe(), "unbiased": d.maybe(),
                   "p": d.choice([1.0, 2.0, 3.0, 1.5, 0.5, "inf"])}
        x = d.normal(shape, d.choice([1, 3]), d.choice([0, 0, 5]))
        every = tuple(dims) if dims else tuple(range(len(shape)))
        return [d.laid_out(d.odd(x))], options, lambda x: [run(x[0], every, options["keepdim"], options)]
    define(FAMILY, name, weight)(draw)


def spread(x, dims, keepdim, options):
    if options["unbiased"] and x.numel() == x.sum(dims).numel():
        # One value has no unbiased variance: 0/0, as PyTorch 2 has it. 1.13 gives an infinite gradient.
        return ((x - x.mean(dims, True)) ** 2).sum(dims, keepdim) / 0
    return torch.var(x, dims, unbiased=options["unbiased"], keepdim=keepdim)


over_dims("sum", lambda x, dims, keepdim, _: x.sum(dims, keepdim) if dims else x.sum())
over_dims("mean", lambda x, dims, keepdim, _: x.mean(dims, keepdim) if dims else x.mean())
over_dims("var", spread, weight=4)
over_dims("std", lambda x, dims, keepdim, o: torch.std(x, dims, o["unbiased"], keepdim), empty=False)
over_dims("norm", lambda x, dims, keepdim, o: torch.linalg.vector_norm(
    x, math.inf if o["p"] == "inf" else o["p"], dims or None, keepdim), empty=False, weight=4)


def values_with_ties(d, shape):
    return d.odd(d.integers(shape, -2, 3).astype("float32") if d.maybe() else d.distinct(shape))


@define(FAMILY, "extremes", 2)
def _(d):
    """Over everything, equal extremes share the gradient."""
    x = values_with_ties(d, d.shape(empty=False))
    return [d.laid_out(x)], {}, lambda x: [x[0].max(), x[0].min(), x[0].argmax(), x[0].argmin()]


@define(FAMILY, "extremes_along", 4)
def _(d):
    shape = d.shape(least=1, empty=False)
    dim, keepdim = d.randint(-len(shape), len(shape) - 1), d.maybe()
    x = values_with_ties(d, shape)

    def run(x):
        high, low = x[0].max(dim, keepdim), x[0].min(dim, keepdim)
        return [high[0], high[1], low[0], low[1], x[0].argmax(dim, keepdim),
                x[0].argmin(dim, keepdim)]
    return [d.laid_out(x)], {"dim": dim, "keepdim": keepdim}, run


@define(FAMILY, "extremes_of_integers", 1)
def _(d):
    shape = d.shape(least=1, empty=False)
    dim = d.randint(-len(shape), len(shape) - 1)
    x = d.integers(shape, 0, 5).astype(d.choice(["int64", "uint8"]))
    return [d.laid_out(x)], {"dim": dim}, lambda x: [
        x[0].max(), x[0].min(), x[0].argmax(), x[0].argmin(), *x[0].max(dim), *x[0].min(dim)]


@define(FAMILY, "any_all", 2)
def _(d):
    shape = d.shape(least=1)
    dim, keepdim = d.randint(-len(shape), len(shape) - 1), d.maybe()
    x = d.integers(shape, 0, 3) > d.choice([0, 1])
    x = x.astype(d.choice(["bool", "bool", "int64", "uint8", "float32"]))
    return [d.laid_out(x, grad=False)], \
        {"dim": dim, "keepdim": keepdim}, lambda x: [
            x[0].any(), x[0].all(), x[0].any(dim, keepdim), x[0].all(dim, keepdim)]


@define(FAMILY, "sum_of_integers", 1)
def _(d):
    shape = d.shape()
    x = d.bools(shape) if d.maybe() else d.integers(shape, -9, 10)
    dims = some_dims(d, len(shape))
    return [d.laid_out(x)], {"dims": dims}, lambda x: [x[0].sum(dims) if dims else x[0].sum()]


def normalised(name, run):
    @define(FAMILY, name, 3)
    def _(d):
        shape = d.shape()
        dim = d.randint(-max(1, len(shape)), max(1, len(shape)) - 1)
        x = d.normal(shape, d.choice([1, 5, 30]))
        return [d.laid_out(d.odd(x))], {"dim": dim}, lambda x: [run(x[0], dim)]


normalised("softmax", torch.softmax)
normalised("log_softmax", torch.log_softmax)


@define(FAMILY, "standardise", 2)
def _(d):
    """What a batch norm by hand does."""
    shape = d.shape(least=2, empty=False, sizes=(2, 3, 5))
    dims = [k for k in range(len(shape)) if k != 1]

    def run(x):
        mean = x[0].mean(dims, keepdim=True)
        variance = ((x[0] - mean) ** 2).mean(dims, keepdim=True)
        return [(x[0] - mean) / (variance + 1e-5).sqrt()]
    return [d.laid_out(d.normal(shape, 2, 1))], {"dims": dims}, run


@define(FAMILY, "norm_of_any_power", 4)
def _(d):
    shape = d.shape(empty=False)
    dims, keepdim = some_dims(d, len(shape)), d.maybe()
    p = d.choice([0.0, "-inf", -1.0, -0.5, -2.0])
    x = d.distinct(shape, 0.1)
    if d.maybe(0.3):
        x.reshape(-1)[d.randrange(x.size)] = 0
    return [d.laid_out(x)], {"dims": dims, "keepdim": keepdim, "p": p}, lambda x: [
        torch.linalg.vector_norm(x[0], float(p), dims or None, keepdim)]
