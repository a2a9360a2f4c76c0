"""Every loss with every option."""
import numpy as np
import torch.nn.functional as F

from cases import define

FAMILY = "losses"


def logits(d):
    """A shape [N, C], [N, C, d1, …] or [C], and its number of classes."""
    classes = d.randint(1, 7) if d.maybe(0.9) else d.choice([40, 100])
    shape = d.choice([[d.randint(1, 6), classes], [d.randint(1, 6), classes], [classes],
                      [d.randint(1, 3), classes, d.randint(1, 4)],
                      [d.randint(1, 3), classes, d.randint(1, 3), d.randint(1, 3)],
                      [0, classes]])
    return shape, classes


def without_classes(shape):
    return shape[:1] + shape[2:] if len(shape) > 1 else []


def with_indices(name, weight):
    def draw(d):
        shape, classes = logits(d)
        o = {"reduction": d.choice(["none", "mean", "sum"]), "weight": d.maybe(),
             "ignore_index": d.choice([-100, -100, 0, classes - 1, -1])}
        if name == "cross_entropy":
            o["label_smoothing"] = d.choice([0.0, 0.0, 0.1, 0.4, 1.0])
        target = np.asarray(d.integers(without_classes(shape), 0, classes))
        if target.size and (o["ignore_index"] < 0 or d.maybe(0.3)):
            target = np.where(d.uniform(target.shape) > 0.5, o["ignore_index"], target)
        x = d.normal(shape, d.choice([1, 4]))
        inputs = [d.laid_out(x), d.laid_out(target)]
        if o["weight"]:
            inputs.append(d.laid_out(d.uniform([classes], 0.2, 2), grad=False))

        def run(x):
            x[0] = x[0].contiguous()  # 1.13 refuses some layouts, in backward
            arguments = dict(ignore_index=o["ignore_index"], reduction=o["reduction"],
                             weight=x[2] if o["weight"] else None)
            if name == "cross_entropy":
                return [F.cross_entropy(x[0], x[1], label_smoothing=o["label_smoothing"], **arguments)]
            return [F.nll_loss(x[0], x[1], **arguments)]
        return inputs, o, run
    define(FAMILY, name, weight)(draw)


with_indices("cross_entropy", 14)
with_indices("nll_loss", 8)


@define(FAMILY, "cross_entropy_of_probabilities", 8)
def _(d):
    shape, classes = logits(d)
    o = {"reduction": d.choice(["none", "mean", "sum"]), "weight": d.maybe(),
         "label_smoothing": d.choice([0.0, 0.0, 0.1, 0.4])}
    inputs = [d.laid_out(d.normal(shape)), d.laid_out(d.uniform(shape, 0, 1))]
    if o["weight"]:
        inputs.append(d.laid_out(d.uniform([classes], 0.2, 2), grad=False))
    return inputs, o, lambda x: [F.cross_entropy(
        x[0], x[1], x[2] if o["weight"] else None, reduction=o["reduction"],
        label_smoothing=o["label_smoothing"])]


def of_differences(name, run):
    @define(FAMILY, name, 4)
    def _(d):
        shape, reduction = d.shape(), d.choice(["none", "mean", "sum"])
        return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(shape))], {"reduction": reduction}, \
            lambda x: [run(x[0], x[1], reduction=reduction)]


of_differences("mse_loss", F.mse_loss)
of_differences("l1_loss", F.l1_loss)


@define(FAMILY, "binary_cross_entropy_with_logits", 8)
def _(d):
    shape = d.shape()
    o = {"reduction": d.choice(["none", "mean", "sum"]), "weight": d.maybe(), "pos_weight": d.maybe()}
    inputs = [d.laid_out(d.normal(shape, d.choice([1, 10]))), d.laid_out(d.uniform(shape, 0, 1))]
    for name in ("weight", "pos_weight"):
        if o[name]:
            sizes = [1 if d.maybe(0.3) else n for n in shape]
            inputs.append(d.laid_out(d.uniform(sizes, 0.2, 3), grad=False))

    def run(x):
        rest = list(x[2:])
        arguments = {name: rest.pop(0) for name in ("weight", "pos_weight") if o[name]}
        return [F.binary_cross_entropy_with_logits(x[0], x[1], reduction=o["reduction"], **arguments)]
    return inputs, o, run
