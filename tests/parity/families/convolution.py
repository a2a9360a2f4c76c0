"""Convolutions over every option."""
import torch

from cases import define, settings

FAMILY = "convolution"


def convolution(rank, weight):
    kind = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d}[rank]

    def draw(d):
        kernel = [d.choice([1, 2, 3, 3, 3, 4, 5]) for _ in range(rank)]
        dilation = [d.choice([1, 1, 1, 2, 3]) for _ in range(rank)]
        stride = [d.choice([1, 1, 2, 3]) for _ in range(rank)]
        if d.maybe(0.5):  # the usual: square, and one number for all
            kernel, dilation, stride = [kernel[0]] * rank, [dilation[0]] * rank, [stride[0]] * rank
        groups = d.choice([1, 1, 1, 2, 3])
        inside = groups * d.choice([1, 1, 2, 4, 5])
        outside = groups * d.choice([1, 2, 3, 8])
        if d.maybe(0.15):  # one group for every channel
            groups, outside = inside, inside * d.choice([1, 2])
        padding = [d.choice([0, 1, 1, 2, 3]) for _ in range(rank)]
        mode = d.choice(["zeros"] * 6 + ["reflect", "replicate", "circular"])
        span = [q * (k - 1) + 1 for q, k in zip(dilation, kernel)]
        if d.maybe(0.2):
            padding, stride = "same", [1] * rank
            frame = [(s + 1) // 2 for s in span]
        elif d.maybe(0.1):
            padding, frame = "valid", [0] * rank
        else:
            frame = padding
        # No smaller than what the kernel and the modes ask for.
        size = [max(s - 2 * p if mode == "zeros" else p + 1, s - 2 * p, 1) + d.randint(0, 6)
                for s, p in zip(span, frame)]
        if d.maybe(0.04):  # enough for kernels that work in blocks
            inside, outside = inside * 4, outside * 4
            size = [n + d.randint(4, 20) for n in size]
        bias = d.maybe()
        shape = [d.randint(1, 3), inside] + size
        if d.maybe(0.1) and mode == "zeros":  # PyTorch pads no single images otherwise
            shape = shape[1:]
        inputs = [d.laid_out(d.normal(shape)),
                  d.laid_out(d.normal([outside, inside // groups] + kernel, 0.5))]
        if bias:
            inputs.append(d.laid_out(d.normal([outside])))
        options = {"in": inside, "out": outside, "kernel": kernel, "stride": stride,
                   "padding": padding, "dilation": dilation, "groups": groups, "mode": mode,
                   "bias": bias}

        def run(x):
            layer = kind(inside, outside, kernel, stride, padding if isinstance(padding, str) else
                         tuple(padding), dilation, groups, bias, mode)
            return [layer._conv_forward(x[0], x[1], x[2] if bias else None)]
        return inputs, options, run
    define(FAMILY, f"conv{rank}d", weight)(draw)


def many_channels(d):
    """3×3 with a padding of one cell: what ResNets and VGGs are made of, and computed on tiles."""
    groups = d.choice([1, 1, 1, 2])
    most = 6 if settings["full"] else 3
    inside, outside = (groups * d.choice([8, 16, 17, 24, 32, 64][:most]) for _ in range(2))
    size = [d.randint(5, 2 * most + 5) for _ in range(2)]
    inputs = [d.laid_out(d.normal([d.randint(1, most - 1), inside] + size)),
              d.laid_out(d.normal([outside, inside // groups, 3, 3], 0.2))]
    bias = d.maybe()
    if bias:
        inputs.append(d.laid_out(d.normal([outside])))
    options = {"in": inside, "out": outside, "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1],
               "dilation": [1, 1], "groups": groups, "mode": "zeros", "bias": bias}

    def run(x):
        return [torch.conv2d(x[0], x[1], x[2] if bias else None, 1, 1, 1, groups)]
    return inputs, options, run


convolution(1, 14)
convolution(2, 40)
define(FAMILY, "conv2d_of_many_channels", 2)(many_channels)
