"""Pixel shuffle and its reverse, channel shuffle, unfold and fold."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "shuffling"


@define(FAMILY, "pixel_shuffle", 6)
def _(d):
    r = d.randint(1, 3)
    shape = [d.randint(1, 2) for _ in range(d.randint(0, 2))] + \
            [d.randint(1, 2) * r * r, d.randint(1, 3), d.randint(1, 3)]
    return [d.laid_out(d.odd(d.normal(shape)))], {"factor": r}, lambda x: [F.pixel_shuffle(x[0], r)]


@define(FAMILY, "pixel_unshuffle", 6)
def _(d):
    r = d.randint(1, 3)
    shape = [d.randint(1, 2) for _ in range(d.randint(0, 2))] + \
            [d.randint(1, 2), d.randint(1, 3) * r, d.randint(1, 3) * r]
    return [d.laid_out(d.normal(shape))], {"factor": r}, lambda x: [F.pixel_unshuffle(x[0], r)]


@define(FAMILY, "channel_shuffle", 5)
def _(d):
    groups = d.randint(1, 3)
    shape = [d.randint(1, 2), groups * d.randint(1, 3)] + [d.randint(1, 3) for _ in range(d.randint(1, 3))]
    split = [shape[0], groups, shape[1] // groups] + shape[2:]

    def run(x):
        if torch.__version__.startswith("1."):  # has no gradient of it
            return [x[0].reshape(split).transpose(1, 2).reshape(shape)]
        return [F.channel_shuffle(x[0].contiguous(), groups)]
    return [d.laid_out(d.normal(shape))], {"groups": groups}, run


def windows(d):
    o = {name: [d.randint(*span), d.randint(*span)] for name, span in
         [("kernel", (1, 3)), ("dilation", (1, 2)), ("padding", (0, 2)), ("stride", (1, 3))]}
    size = [max(q * (k - 1) + 1 - 2 * p, 1) + d.randint(0, 4)
            for k, q, p in zip(o["kernel"], o["dilation"], o["padding"])]
    count = 1
    for n, k, q, p, s in zip(size, o["kernel"], o["dilation"], o["padding"], o["stride"]):
        count *= (n + 2 * p - q * (k - 1) - 1) // s + 1
    return o, size, count


@define(FAMILY, "unfold", 8)
def _(d):
    o, size, _ = windows(d)
    shape = [d.randint(1, 2), d.randint(1, 3)] + size
    return [d.laid_out(d.normal(shape[1:] if d.maybe(0.2) else shape))], o, lambda x: [
        F.unfold(x[0], o["kernel"], o["dilation"], o["padding"], o["stride"])]


@define(FAMILY, "fold", 8)
def _(d):
    o, size, count = windows(d)
    o["size"] = size
    shape = [d.randint(1, 2), d.randint(1, 3) * o["kernel"][0] * o["kernel"][1], count]
    return [d.laid_out(d.normal(shape[1:] if d.maybe(0.2) else shape))], o, lambda x: [
        F.fold(x[0], size, o["kernel"], o["dilation"], o["padding"], o["stride"])]
