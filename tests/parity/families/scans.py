"""Running sums and products, and the reductions that fewer programs call."""
import numpy as np
import torch

from cases import define
from families.reductions import some_dims

FAMILY = "scans"


def dim_of(d, shape):
    rank = max(1, len(shape))
    return d.randint(-rank, rank - 1)


def with_zeros(d, shape):
    """Around 1, now and then with zeros: of one line none, one or several."""
    x = np.asarray(d.normal(shape, 0.5, 1))
    if d.maybe(0.4):
        x = np.where(d.uniform(shape) > d.choice([0.3, 0.8]), np.float32(0), x)
    return x


def numbers(d, x):
    """Integers or bools a fifth of the time."""
    x = np.asarray(x)
    if d.maybe(0.8):
        return d.laid_out(x)
    return d.laid_out(d.bools(x.shape) if d.maybe(0.3) else
                      d.integers(x.shape, -3, 4).astype("int64") if d.maybe(0.7) else
                      d.integers(x.shape, 0, 9).astype("uint8"))


def scan(name, draw, weight=4):
    @define(FAMILY, name, weight)
    def _(d):
        shape = d.shape()
        dim = dim_of(d, shape)

        def run(x):
            y = getattr(x[0], name)(dim)
            return [y] if torch.is_tensor(y) else list(y)
        return [draw(d, shape)], {"dim": dim}, run


scan("cumsum", lambda d, shape: numbers(d, d.odd(d.normal(shape))))
scan("cumprod", lambda d, shape: numbers(d, with_zeros(d, shape)), 6)
scan("logcumsumexp", lambda d, shape: d.laid_out(d.normal(shape, d.choice([1, 20]))))
scan("cummax", lambda d, shape: numbers(d, d.odd(d.integers(shape, -3, 4).astype("float32"))))
scan("cummin", lambda d, shape: numbers(d, d.odd(d.integers(shape, -3, 4).astype("float32"))))


@define(FAMILY, "converted", 4)
def _(d):
    """The argument dtype."""
    shape = d.shape(least=1)
    dim, name = dim_of(d, shape), d.choice(["cumsum", "cumprod", "prod", "sum", "mean", "softmax", "log_softmax"])
    return [d.laid_out(d.normal(shape))], {"dim": dim, "name": name}, \
        lambda x: [getattr(x[0], name)(dim, dtype=torch.float64).to(x[0].dtype)]


@define(FAMILY, "prod", 6)
def _(d):
    shape = d.shape()
    dim, keepdim = dim_of(d, shape), d.maybe()
    return [numbers(d, with_zeros(d, shape))], {"dim": dim, "keepdim": keepdim}, \
        lambda x: [x[0].prod(), x[0].prod(dim, keepdim)]


def over_dims(name, run, values, weight=4):
    @define(FAMILY, name, weight)
    def _(d):
        shape = d.shape(empty=name in ("nansum", "count_nonzero"))
        dims, keepdim = some_dims(d, len(shape)), d.maybe()
        every = dims or list(range(len(shape)))
        return [values(d, shape)], {"dims": dims, "keepdim": keepdim}, lambda x: run(x[0], every, keepdim)


def ties(d, shape):
    return numbers(d, d.odd(d.integers(shape, -3, 4).astype("float32")))


def gaps(d, shape):
    return d.laid_out(np.where(d.uniform(shape) > 0.4, np.float32("nan"), d.normal(shape)))


over_dims("logsumexp", lambda x, dims, keepdim: [x.logsumexp(dims, keepdim) if dims else
                                                 x.reshape(1).logsumexp(0)],
          lambda d, shape: d.laid_out(d.odd(d.normal(shape, d.choice([1, 30])))))
over_dims("amax_amin", lambda x, dims, keepdim: [x.amax(dims, keepdim), x.amin(dims, keepdim)], ties)
over_dims("var_mean", lambda x, dims, keepdim: [
    *torch.var_mean(x, dims, unbiased=False, keepdim=keepdim), *torch.std_mean(x, dims, unbiased=False, keepdim=keepdim)],
    lambda d, shape: d.laid_out(d.normal(shape)))
over_dims("nan", lambda x, dims, keepdim: [x.nansum(dims, keepdim), x.nanmean(dims, keepdim)], gaps)
over_dims("count_nonzero", lambda x, dims, keepdim: [torch.count_nonzero(x, dims), torch.count_nonzero(x)], ties, 2)


@define(FAMILY, "median", 5)
def _(d):
    shape = d.shape(empty=False)
    dim, keepdim = dim_of(d, shape), d.maybe()
    x = d.odd(d.distinct(shape))
    if d.maybe(0.3):
        x = d.integers(shape, -2, 3).astype("float32")
        return [d.laid_out(x)], {"dim": None}, lambda x: [x[0].median()]
    return [d.laid_out(x)], {"dim": dim, "keepdim": keepdim}, \
        lambda x: [x[0].median(), *x[0].median(dim, keepdim)]


@define(FAMILY, "quantile", 5)
def _(d):
    shape = d.shape(empty=False)
    dim, keepdim = dim_of(d, shape) if d.maybe(0.7) else None, d.maybe()
    q = d.choice([0.0, 1.0, 0.5, d.uniform_number(0, 1)])
    several = d.uniform([d.randint(1, 3)] if d.maybe() else [], 0, 1)
    return [d.laid_out(d.distinct(shape)), d.plain(several, grad=False)], \
        {"dim": dim, "keepdim": keepdim, "q": q}, lambda x: [
            x[0].quantile(q, dim, keepdim), x[0].quantile(x[1], dim, keepdim)]


@define(FAMILY, "trace", 2)
def _(d):
    shape = d.shape(least=2, most=2)
    return [d.laid_out(d.normal(shape) if d.maybe(0.8) else d.integers(shape, -9, 9))], {}, lambda x: [x[0].trace()]
