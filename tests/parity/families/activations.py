"""Activations with all their options."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "activations"
BEFORE_2 = torch.__version__.startswith("1.")


def activation(name, options=None, run=None, nan=False, weight=3, scale=(0.1, 1, 4, 15)):
    """`options(d)` gives the keyword arguments. The gradient of a choice at NaN depends on where PyTorch's vectors end."""
    run = run or getattr(F, name)

    def draw(d):
        o = options(d) if options else {}
        x = d.odd(d.normal(d.shape(), d.choice(scale)))
        return [d.laid_out(x if nan else np.where(np.isnan(x), 1, x).astype("float32"))], o, lambda x: [run(x[0], **o)]
    define(FAMILY, name, weight)(draw)


activation("silu", nan=True)
activation("mish", nan=True)
activation("logsigmoid", nan=True)
activation("softsign", nan=True)
activation("tanhshrink", nan=True)
activation("relu6")
activation("hardsigmoid", run=lambda x: (x + 3).clamp(0, 6) / 6)  # its own sixth has the digits of float32
activation("hardswish")
activation("selu")
activation("leaky_relu", lambda d: {"negative_slope": d.uniform_number(-0.1, 0.5)})
activation("gelu", lambda d: {"approximate": d.choice(["none", "tanh"])}, nan=True, scale=(0.1, 1, 4))
activation("elu", lambda d: {"alpha": d.choice([1.0, 0.5, 2.0, -1.0, 0.0])})
activation("celu", lambda d: {"alpha": d.choice([1.0, 0.5, 2.0])})
activation("softplus", lambda d: {"beta": d.choice([1, 2.0, 0.5]), "threshold": d.choice([20, 20, 5.0])}, weight=5)
activation("hardtanh", lambda d: dict(zip(("min_val", "max_val"), d.choice([(-1.0, 1.0), (-0.5, 2.0), (0.25, 0.25)]))))
activation("hardshrink", lambda d: {"lambd": d.choice([0.5, 0.0, 1.5])})
activation("softshrink", lambda d: {"lambd": d.choice([0.5, 0.0, 1.5])})
activation("threshold", lambda d: {"threshold": d.choice([0.1, -1.0, 0.0]), "value": d.choice([20.0, 0.0, -1.5])})


@define(FAMILY, "pieces_of_integers", 2)
def _(d):
    x = d.integers(d.shape(), -4, 9)
    x = d.choice([x, abs(x).astype("uint8")])
    return [d.laid_out(x)], {}, lambda x: [
        F.relu(x[0]), F.relu6(x[0]), F.hardtanh(x[0], 0, 3), F.threshold(x[0], 2, 1),
        (F.softsign(x[0]) * 10000).to(torch.int64), (F.tanhshrink(x[0]) * 10000).to(torch.int64)]


@define(FAMILY, "prelu", 6)
def _(d):
    shape = d.shape()
    channels = shape[1] if len(shape) > 1 else 1
    weight = d.uniform(d.choice([[1], [channels], [channels], []]), -0.5, 0.5)
    if BEFORE_2 and (0 in shape or len(shape) == 0 or weight.ndim == 0):
        shape, weight = [2, 3], d.uniform([3], -0.5, 0.5)
    return [d.laid_out(d.normal(shape, 2)), d.plain(weight)], {}, lambda x: [F.prelu(x[0], x[1])]


@define(FAMILY, "glu", 4)
def _(d):
    shape = d.shape(least=1)
    dim = d.randint(-len(shape), len(shape) - 1)
    shape[dim] *= 2
    return [d.laid_out(d.normal(shape, 2))], {"dim": dim}, lambda x: [F.glu(x[0], dim)]


@define(FAMILY, "softmin", 3)
def _(d):
    shape = d.shape(least=1)
    dim = d.randint(-len(shape), len(shape) - 1)
    return [d.laid_out(d.normal(shape, d.choice([1, 5])))], {"dim": dim}, lambda x: [F.softmin(x[0], dim)]
