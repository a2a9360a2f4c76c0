"""Losses of elements, of distances, and with margins, with every option; similarities."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "more_losses"
BEFORE_2 = torch.__version__.startswith("1.")
REDUCTIONS = ["none", "mean", "sum"]


def reduced(losses, reduction):
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def of_pair(name, options, target, run=None, first=None, weight=5, broadcast=False, odd=False,
            target_grad=True):
    """`options(d)` gives keyword arguments, `target(d, shape)` the second tensor."""
    run = run or getattr(F, name)

    def draw(d):
        o = {"reduction": d.choice(REDUCTIONS), **options(d)}
        a, b = d.broadcast_pair() if broadcast and d.maybe(0.3) else [d.shape()] * 2
        x = first(d, a) if first else d.normal(a, d.choice([1, 3]))
        return [d.laid_out(d.odd(x) if odd else x), d.laid_out(target(d, b), grad=target_grad)], o, \
            lambda x: [run(x[0], x[1], **o)]
    define(FAMILY, name, weight)(draw)


def normal(d, shape):
    return d.normal(shape)


def signs(d, shape):
    return (2.0 * d.bools(shape) - 1).astype("float32")


def probabilities(d, shape):
    return d.uniform(shape, 0.02, 1)


of_pair("smooth_l1_loss", lambda d: {"beta": d.choice([1.0, 0.5, 2.0, 0.0])}, normal, odd=True)
of_pair("huber_loss", lambda d: {"delta": d.choice([1.0, 0.5, 2.0])}, normal, odd=True)
of_pair("soft_margin_loss", lambda d: {}, signs, target_grad=False)
of_pair("hinge_embedding_loss", lambda d: {"margin": d.choice([1.0, 0.5, -0.5])}, signs, broadcast=True, target_grad=False)
of_pair("poisson_nll_loss",
        lambda d: {"log_input": d.maybe(), "full": d.maybe(), "eps": d.choice([1e-8, 1e-3])},
        lambda d, shape: d.uniform(shape, 0.1, 4), first=probabilities, broadcast=True)


@define(FAMILY, "binary_cross_entropy", 8)
def _(d):
    shape = d.shape()
    o = {"reduction": d.choice(REDUCTIONS), "weight": d.maybe()}
    x, t = np.array(d.uniform(shape, 0.02, 0.98)), np.array(d.uniform(shape, 0, 1))
    if d.maybe(0.3) and x.size:  # ends of the range, where the logarithm is cut off
        for _ in range(3):
            x.reshape(-1)[d.randrange(x.size)] = d.choice([0.0, 1.0])
            t.reshape(-1)[d.randrange(x.size)] = d.choice([0.0, 1.0])
    inputs = [d.laid_out(x), d.laid_out(t)]
    if o["weight"]:
        inputs.append(d.laid_out(d.uniform([1 if d.maybe(0.3) else n for n in shape], 0.2, 3), grad=False))

    def run(x):
        x[:2] = [torch.where(v > 1, torch.ones_like(v), v) for v in x[:2]]  # neighbours of 1
        return [F.binary_cross_entropy(x[0], x[1], x[2] if o["weight"] else None, reduction=o["reduction"])]
    return inputs, o, run


@define(FAMILY, "kl_div", 8)
def _(d):
    o = {"reduction": d.choice(REDUCTIONS + ["batchmean"]), "log_target": d.maybe()}
    a, b = d.broadcast_pair(empty=False) if d.maybe(0.3) else [d.shape(empty=False)] * 2
    t = d.normal(b) if o["log_target"] else probabilities(d, b)
    zeros = not o["log_target"] and d.maybe(0.3)
    if zeros:
        t = np.where(d.uniform(b) > 0.3, t, 0).astype("float32")
    return [d.laid_out(d.normal(a)), d.laid_out(t, grad=not zeros)], o, lambda x: [F.kl_div(*x, **o)]


@define(FAMILY, "gaussian_nll_loss", 6)
def _(d):
    o = {"full": d.maybe(), "eps": d.choice([1e-6, 0.5]), "reduction": d.choice(REDUCTIONS)}
    shape = d.shape(least=1, empty=False, sizes=(2, 3, 4, 5))
    var = d.choice([shape, shape[:-1], shape[:-1] + [1]])
    return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(shape)), d.laid_out(d.uniform(var, 0.1, 3))], o, \
        lambda x: [F.gaussian_nll_loss(*x, **o)]


@define(FAMILY, "multilabel_soft_margin_loss", 5)
def _(d):
    shape = d.shape(least=1)
    o = {"reduction": d.choice(REDUCTIONS), "weight": d.maybe()}
    inputs = [d.laid_out(d.normal(shape, 3)), d.laid_out(d.uniform(shape, 0, 1))]
    if o["weight"]:
        inputs.append(d.laid_out(d.uniform(shape[-1:], 0.2, 3), grad=False))
    return inputs, o, lambda x: [F.multilabel_soft_margin_loss(
        x[0], x[1], x[2] if o["weight"] else None, reduction=o["reduction"])]


@define(FAMILY, "margin_ranking_loss", 5)
def _(d):
    shape = d.shape()
    o = {"margin": d.choice([0.0, 0.5, -0.3]), "reduction": d.choice(REDUCTIONS)}
    return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(shape)), d.laid_out(signs(d, shape))], o, \
        lambda x: [F.margin_ranking_loss(*x, **o)]


@define(FAMILY, "cosine_embedding_loss", 5)
def _(d):
    shape = d.shape(least=2, most=2)
    o = {"margin": d.choice([0.0, 0.5, -0.3]), "reduction": d.choice(REDUCTIONS)}
    if d.maybe(0.2):
        shape = shape[1:]
    return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(shape)), d.laid_out(signs(d, shape[:-1]), grad=False)], \
        o, lambda x: [F.cosine_embedding_loss(*x, **o)]


@define(FAMILY, "triplet_margin_loss", 6)
def _(d):
    shape = d.shape(least=1, most=3)
    o = {"margin": d.choice([1.0, 0.5]), "p": d.choice([2.0, 1.0, 3.0]), "eps": d.choice([1e-6, 1e-3]),
         "swap": d.maybe(), "reduction": d.choice(REDUCTIONS)}
    return [d.laid_out(d.normal(shape)) for _ in range(3)], o, lambda x: [F.triplet_margin_loss(*x, **o)]


@define(FAMILY, "cosine_similarity", 5)
def _(d):
    a, b = d.broadcast_pair(least=1, empty=False)
    dims = max(len(a), len(b))
    o = {"dim": d.randint(-dims, dims - 1), "eps": d.choice([1e-8, 1.0])}
    x, y = d.normal(a), d.normal(b)
    if BEFORE_2:  # 1.13 multiplies the lengths before it bounds them
        o["eps"] = 1e-8
    return [d.laid_out(x), d.laid_out(y)], o, lambda x: [F.cosine_similarity(*x, **o)]


@define(FAMILY, "pairwise_distance", 4)
def _(d):
    a, b = d.broadcast_pair(least=1) if not BEFORE_2 else [d.shape(least=2, most=2)] * 2
    o = {"p": d.choice([2.0, 1.0, 3.0]), "eps": d.choice([1e-6, 1e-3]), "keepdim": d.maybe()}
    return [d.laid_out(d.normal(a)), d.laid_out(d.normal(b))], o, lambda x: [F.pairwise_distance(*x, **o)]


@define(FAMILY, "normalize", 4)
def _(d):
    shape = d.shape(least=1)
    o = {"p": d.choice([2.0, 1.0, 3.0]), "dim": d.randint(-len(shape), len(shape) - 1), "eps": d.choice([1e-12, 2.0])}
    return [d.laid_out(d.normal(shape))], o, lambda x: [F.normalize(x[0], **o)]
