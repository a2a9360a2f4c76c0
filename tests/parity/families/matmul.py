"""Products of matrices and vectors, batched and broadcast; the linear layer."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "matmul"


def size(d):
    return d.choice([1, 1, 2, 3, 5, 8, 9, 17]) if d.maybe(0.95) else d.choice([0, 0, 40, 70])


@define(FAMILY, "matmul", 14)
def _(d):
    n, k, m = size(d), size(d), size(d)
    kind = d.choice(["mm", "mm", "mv", "vm", "dot", "bmm", "broadcast"])
    a, b = [n, k], [k, m]
    if kind == "mv":
        b = [k]
    elif kind == "vm":
        a = [k]
    elif kind == "dot":
        a, b = [k], [k]
    elif kind == "bmm":
        batch = d.randint(1, 3)
        a, b = [batch] + a, [batch] + b
    elif kind == "broadcast":
        left, right = d.broadcast_pair(most=2, sizes=(1, 2, 3))
        a, b = left + a, right + b
        if d.maybe(0.2):
            b = [k]
    return [d.laid_out(d.normal(a)), d.laid_out(d.normal(b))], {}, lambda x: [torch.matmul(*x)]


@define(FAMILY, "linear", 12)
def _(d):
    inside, outside = d.choice([1, 2, 3, 7, 16, 33]), d.choice([1, 2, 3, 7, 16, 33])
    bias = d.maybe()
    shape = d.shape(most=3) + [inside]
    inputs = [d.laid_out(d.normal(shape)), d.laid_out(d.normal([outside, inside]))]
    if bias:
        inputs.append(d.laid_out(d.normal([outside])))
    return inputs, {"bias": bias}, lambda x: [F.linear(*x)]


@define(FAMILY, "two_layers", 3)
def _(d):
    """Weights that are used twice, as with tied weights."""
    n, k = d.randint(1, 6), d.randint(1, 9)
    return [d.laid_out(d.normal([n, k])), d.laid_out(d.normal([k, k]))], {}, lambda x: [
        F.linear(torch.tanh(F.linear(x[0], x[1])), x[1])]


@define(FAMILY, "by_name", 8)
def _(d):
    """The products named by the shapes that they take."""
    n, k, m, batch = size(d), size(d), size(d), d.randint(0, 3)
    kind = d.choice(["mm", "bmm", "mv", "dot", "outer", "addmm", "baddbmm"])
    a, b, c = {"mm": ([n, k], [k, m], None), "bmm": ([batch, n, k], [batch, k, m], None), "mv": ([n, k], [k], None),
               "dot": ([k], [k], None), "outer": ([n], [m], None), "addmm": ([n, k], [k, m], [n, m]),
               "baddbmm": ([batch, n, k], [batch, k, m], [batch, n, m])}[kind]
    inputs = [d.laid_out(d.normal(a)), d.laid_out(d.normal(b))]
    options = {"kind": kind}
    if c is None:
        return inputs, options, lambda x: [getattr(torch, kind)(*x)]
    options["beta"], options["alpha"] = d.choice([0.0, 1.0, -0.5]), d.choice([1.0, 2.5])
    start = d.normal([1 if d.maybe(0.2) else length for length in c][d.choice([0, 0, 1]):])
    inputs.append(d.laid_out(start if options["beta"] else d.odd(start)))
    return inputs, options, lambda x: [
        getattr(torch, kind)(x[2], x[0], x[1], beta=options["beta"], alpha=options["alpha"])]
