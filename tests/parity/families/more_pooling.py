"""One-dimensional averages, adaptive maxima, places of maxima and the way back, power means, integers."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "more_pooling"


@define(FAMILY, "avg_pool1d", 8)
def _(d):
    kernel = d.randint(1, 4)
    o = {"kernel": kernel, "padding": d.randint(0, kernel // 2), "ceil_mode": d.maybe(0.4),
         "count_include_pad": d.maybe()}
    if d.maybe():
        o["stride"] = d.randint(1, 4)
    shape = [d.randint(1, 3), d.randint(1, 3), max(kernel - 2 * o["padding"], 1) + d.randint(0, 6)]
    return [d.laid_out(d.normal(shape[1:] if d.maybe(0.2) else shape))], o, lambda x: [F.avg_pool1d(
        x[0], kernel, o.get("stride"), o["padding"], o["ceil_mode"], o["count_include_pad"])]


def adaptive(name, rank, function):
    @define(FAMILY, name, 6)
    def _(d):
        shape = [d.randint(1, 2), d.randint(1, 3)] + [d.randint(1, 8) for _ in range(rank)]
        x = d.integers(shape, 0, 4).astype("float32") if d.maybe(0.3) else d.distinct(shape)
        o = {"size": [d.randint(1, 5) for _ in range(rank)]}
        return [d.laid_out(x[0] if d.maybe(0.2) else x)], o, lambda x: [
            function(x[0].contiguous(), o["size"] if rank == 2 else o["size"][0])]


adaptive("adaptive_avg_pool1d", 1, F.adaptive_avg_pool1d)
adaptive("adaptive_max_pool1d", 1, F.adaptive_max_pool1d)
adaptive("adaptive_max_pool2d", 2, F.adaptive_max_pool2d)


@define(FAMILY, "max_pool_and_unpool", 8)
def _(d):
    kernel = [d.randint(1, 3), d.randint(1, 3)]
    shape = [d.randint(1, 2), d.randint(1, 3)] + [k * d.randint(1, 3) + d.randint(0, k - 1) for k in kernel]
    shape = shape[1:] if d.maybe(0.2) else shape

    def run(x):
        y, indices = F.max_pool2d(x[0], kernel, return_indices=True)
        return [y, indices, F.max_unpool2d(y, indices, kernel, output_size=shape[-2:])]
    return [d.laid_out(d.distinct(shape))], {"kernel": kernel, "size": shape[-2:]}, run


@define(FAMILY, "lp_pool2d", 5)
def _(d):
    kernel = [d.randint(1, 3), d.randint(1, 3)]
    shape = [d.randint(1, 2), d.randint(1, 3)] + [k + d.randint(0, 4) for k in kernel]
    o = {"p": d.choice([1, 2, 3, 1.5]), "kernel": kernel, "ceil_mode": d.maybe(0.3)}
    if d.maybe():
        o["stride"] = [d.randint(1, 3), d.randint(1, 3)]
    return [d.laid_out(d.uniform(shape, 0.1, 2))], o, lambda x: [
        F.lp_pool2d(x[0], float(o["p"]), kernel, o.get("stride"), o["ceil_mode"])]


@define(FAMILY, "max_pool2d_of_integers", 4)
def _(d):
    shape, kernel = [d.randint(1, 2), 2, d.randint(3, 6), d.randint(3, 6)], d.randint(1, 3)
    o = {"kernel": kernel, "padding": d.randint(0, kernel // 2)}

    def run(x):
        if torch.__version__.startswith("1."):  # takes int64 alone, and images alone
            return [F.max_pool2d(x[0].double(), kernel, padding=o["padding"]).long()]
        return [F.max_pool2d(x[0], kernel, padding=o["padding"])]
    return [d.laid_out(d.integers(shape, -99, 99))], o, run
