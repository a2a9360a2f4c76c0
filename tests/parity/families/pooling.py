"""Pooling over every option."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "pooling"


def window(d, rank, with_dilation):
    kernel = [d.randint(1, 4) for _ in range(rank)]
    if d.maybe(0.4):
        kernel = [kernel[0]] * rank
    stride = [d.randint(1, 4) for _ in range(rank)] if d.maybe(0.6) else None
    padding = [d.randint(0, k // 2) for k in kernel]
    dilation = [d.choice([1, 1, 2]) if with_dilation else 1 for _ in range(rank)]
    # An image smaller than the dilation slips between the cells of a window: PyTorch 1.13 then writes
    # outside its memory.
    size = [max(q * (k - 1) + 1 - 2 * p, q) + d.randint(0, 6)
            for k, p, q in zip(kernel, padding, dilation)]
    shape = [d.randint(1, 3), d.randint(1, 4)] + size
    if d.maybe(0.15):
        shape = shape[1:]
    return shape, {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
                   "ceil_mode": d.maybe(0.4)}


def max_pool(rank, weight):
    pool = {1: F.max_pool1d, 2: F.max_pool2d}[rank]

    def draw(d):
        shape, o = window(d, rank, True)
        # With equal values, the first of a window takes the gradient.
        x = d.integers(shape, 0, 4).astype("float32") if d.maybe(0.3) else d.distinct(shape)
        return [d.laid_out(x)], o, lambda x: [pool(
            x[0], o["kernel"], o["stride"], o["padding"], o["dilation"], o["ceil_mode"])]
    define(FAMILY, f"max_pool{rank}d", weight)(draw)


max_pool(1, 6)
max_pool(2, 14)


@define(FAMILY, "avg_pool2d", 12)
def _(d):
    shape, o = window(d, 2, False)
    o["count_include_pad"] = d.maybe()
    o["divisor_override"] = d.randint(1, 9) if d.maybe(0.3) else None
    return [d.laid_out(d.normal(shape))], o, lambda x: [F.avg_pool2d(
        x[0], o["kernel"], o["stride"], o["padding"], o["ceil_mode"], o["count_include_pad"],
        o["divisor_override"])]


@define(FAMILY, "adaptive_avg_pool2d", 7)
def _(d):
    shape = [d.randint(1, 3), d.randint(1, 4), d.randint(1, 9), d.randint(1, 9)]
    if d.maybe(0.15):
        shape = shape[1:]
    size = [d.randint(1, 6), d.randint(1, 6)] if d.maybe(0.7) else [1, 1]
    return [d.laid_out(d.normal(shape))], {"size": size}, \
        lambda x: [F.adaptive_avg_pool2d(x[0], size)]
