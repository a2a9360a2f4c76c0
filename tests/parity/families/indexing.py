"""Indexing as Python writes it, reading and writing, and the operations that take index tensors."""
import numpy as np
import torch

from cases import Input, define

FAMILY = "indexing"


def negative(d, values, size):
    """Some of the indices counted from the end."""
    return np.where(d.bools(values.shape), values, values - size)


def draw_indices(d, shape, uint8):
    """Indices for a tensor of this shape: what the options say, with "tensor" for the next input."""
    described, tensors, dim, dots = [], [], 0, False
    common = [d.choice([1, 2, 3]) for _ in range(d.randint(1, 2))]
    while dim < len(shape) and not d.maybe(0.12):
        size = shape[dim]
        kind = d.choice(["slice", "slice", "number", "none", "dots", "index", "index", "index", "mask",
                         "list", "flag", "zero"])
        if kind == "slice":
            ends = [d.choice([None, d.randint(-size - 1, size + 1)]) for _ in range(2)]
            described.append(["slice", *ends, d.choice([None, 1, 2, 3])])
            dim += 1
        elif kind == "number" and size:
            described.append(["number", d.randint(-size, size - 1)])
            dim += 1
        elif kind == "none" and len(shape) < 4:
            described.append(["none"])
        elif kind == "dots" and not dots:
            described.append(["dots"])
            dots = True
            dim = max(dim, len(shape) - d.randint(0, len(shape) - dim))
        elif kind == "flag" and d.maybe(0.2):
            described.append(["flag", True])
        elif kind == "list" and size and common[-1] > 0:
            described.append(["list", [d.randint(-size, size - 1) for _ in range(common[-1])]])
            dim += 1
        elif kind == "zero" and size:
            described.append(["tensor"])
            tensors.append(np.array(d.randint(-size, size - 1)))
            dim += 1
        elif kind == "index" and size:
            part = [1 if d.maybe(0.2) else n for n in common[d.randint(0, len(common) - 1):]]
            described.append(["tensor"])
            tensors.append(negative(d, d.integers(part, 0, size), size))
            dim += 1
        elif kind == "mask":
            dims = d.choice([n for n in (1, 1, 2, 3) if n <= len(shape) - dim])
            mask = d.bools(shape[dim:dim + dims])
            if not all(index[0] in ("slice", "number", "none", "dots") for index in described):
                # A mask among index tensors must broadcast with them.
                mask[...] = False
                if mask.size:
                    mask.reshape(-1)[d.randrange(mask.size)] = True
            described.append(["tensor"])
            tensors.append(mask.astype(np.uint8) if uint8 and d.maybe(0.1) else mask)
            dim += dims
            if mask.sum() != 1:
                common = [1]
    return described, tensors


def indices_of(described, tensors):
    rest, out = list(tensors), []
    for kind, *values in described:
        out.append({"slice": lambda v: slice(*v), "number": lambda v: v[0], "none": lambda v: None,
                    "dots": lambda v: ..., "flag": lambda v: v[0], "list": lambda v: v[0],
                    "tensor": lambda v: rest.pop(0)}[kind](values))
    return tuple(out)


def draw_valid(d, uint8=False):
    while True:
        shape = d.shape(least=1)
        described, tensors = draw_indices(d, shape, uint8)
        try:
            picked = torch.zeros(shape)[indices_of(described, [torch.from_numpy(t) for t in tensors])]
        except (IndexError, RuntimeError):
            continue
        return shape, described, tensors, list(picked.shape)


def index_inputs(d, tensors):
    return [d.laid_out(t) for t in tensors]


@define(FAMILY, "index", 30)
def _(d):
    shape, described, tensors, _ = draw_valid(d, uint8=True)

    def run(x):
        return [x[0][indices_of(described, x[1:])]]
    return [d.laid_out(d.normal(shape)), *index_inputs(d, tensors)], {"indices": described}, run


@define(FAMILY, "index_whole", 6)
def _(d):
    """Other dtypes."""
    shape, described, tensors, _ = draw_valid(d)
    values = d.integers(shape, -9, 9) if d.maybe() else d.bools(shape)

    def run(x):
        return [x[0][indices_of(described, x[1:])]]
    return [d.laid_out(values), *index_inputs(d, tensors)], {"indices": described}, run


def broadcast_part(d, sizes):
    sizes = [1 if d.maybe(0.15) else n for n in sizes]
    return sizes[d.randint(0, len(sizes)) if d.maybe(0.2) else 0:]


def no_twins(shape, described, tensors):
    """Whether every element is written once: otherwise it is not said whose value stays."""
    places = torch.arange(int(np.prod(shape))).reshape(shape)
    picked = places[indices_of(described, [torch.from_numpy(t) for t in tensors])].reshape(-1)
    return len(picked.unique()) == len(picked)


@define(FAMILY, "index_put", 24)
def _(d):
    accumulate = d.maybe(0.4)
    while True:
        shape, described, tensors, picked = draw_valid(d)
        if accumulate or no_twins(shape, described, tensors):
            break
    form = "accumulate" if accumulate else d.choice(["assign", "assign", "put", "number", "plus"])
    options = {"indices": described, "form": form, "value": d.uniform_number(-2, 2)}
    sizes = picked if form == "plus" else broadcast_part(d, picked)
    inputs = [d.laid_out(d.normal(shape)), d.laid_out(d.normal(sizes)), *index_inputs(d, tensors)]

    def run(x):
        y = x[0] * 2  # no leaf
        at = indices_of(described, x[2:])
        if form == "number":
            y[at] = options["value"]
        elif form == "plus":
            y[at] += x[1]
        elif form == "accumulate":
            if at and all(torch.is_tensor(i) and i.dim() for i in at):
                y.index_put_(at, x[1], accumulate=True)
            else:  # PyTorch takes tensors alone
                places = torch.arange(y.numel()).reshape(y.shape)[at]
                y = y.reshape(-1).index_put((places.reshape(-1),),
                                            x[1].expand(places.shape).reshape(-1),
                                            accumulate=True).reshape(y.shape)
        else:
            y[at] = x[1]
        return [y, y * y]
    return inputs, options, run


def positions(d, shape, dim, long=False):
    """An index for gather and scatter."""
    sizes = [d.randint(0 if d.maybe(0.1) else 1, n) if n else 0 for n in shape]
    sizes[dim] = d.randint(1, shape[dim] + (3 if long else 0)) if shape[dim] else 0
    return d.integers(sizes, 0, max(shape[dim], 1))


def distinct_positions(d, shape, dim):
    sizes = [d.randint(1, n) if n else 0 for n in shape]
    order = np.argsort(d.numpy.random(shape), axis=dim)
    return np.ascontiguousarray(order[tuple(slice(n) for n in sizes)])


@define(FAMILY, "scatter", 14)
def _(d):
    shape = d.shape(least=1)
    dim = d.randrange(len(shape))
    form = d.choice(["put", "number", "add", "reduce_add", "sum", "mean", "amax", "amin"])
    index = distinct_positions(d, shape, dim) if form in ("put", "number") else \
        positions(d, shape, dim, long=True)
    # amax and amin differentiate no larger source, not even where nobody asks for its gradient.
    wide = [n + (d.choice([0, 0, 1]) if form[:2] != "am" else 0) for n in index.shape]
    options = {"dim": dim if d.maybe() else dim - len(shape), "form": form,
               "value": d.uniform_number(-2, 2), "include_self": d.maybe()}
    self_values = d.distinct(shape) if form in ("amax", "amin") else d.normal(shape)
    src = d.distinct(wide, 0.013) if form in ("amax", "amin") else d.normal(wide)
    # PyTorch gives the gradient of no larger source.
    inputs = [d.laid_out(self_values), d.laid_out(src, grad=wide == list(index.shape)),
              d.laid_out(index)]

    def run(x):
        at = options["dim"], x[2]
        if form == "number":
            return [x[0].scatter(*at, options["value"])]
        if form == "put":
            return [x[0].scatter(*at, x[1])]
        if form in ("add", "reduce_add"):
            return [x[0].scatter_add(*at, x[1])]
        return [x[0].scatter_reduce(*at, x[1], form, include_self=options["include_self"])]
    return inputs, options, run


@define(FAMILY, "scatter_multiply", 2)
def _(d):
    shape = d.shape(least=1)
    dim = d.randrange(len(shape))
    index = positions(d, shape, dim, long=True)
    inputs = [d.laid_out(d.normal(shape), grad=False), d.laid_out(d.normal(index.shape), grad=False),
              d.laid_out(index)]

    def run(x):
        return [x[0].clone().scatter_(dim, x[2], x[1], reduce="multiply"),
                x[0].clone().scatter_(dim, x[2], 3, reduce="multiply")]
    return inputs, {"dim": dim}, run


@define(FAMILY, "index_rows", 14)
def _(d):
    shape = d.shape(least=1)
    dim = d.randrange(len(shape))
    form = d.choice(["add", "copy", "fill", "fill_tensor"])
    size, count = shape[dim], d.randint(0, 5)
    if form == "add":
        index = d.integers([count if size else 0], 0, max(size, 1))
    else:
        index = d.numpy.permutation(size)[:count].astype(np.int64)
    if form == "fill":  # negative ones have no gradient in PyTorch where the value is a tensor
        index = negative(d, index, size)
    rows = list(shape)
    rows[dim] = len(index)
    options = {"dim": dim if d.maybe() else dim - len(shape), "form": form,
               "alpha": d.choice([1, 1, -0.5, 2])}
    source = d.normal([] if form == "fill_tensor" else rows)
    inputs = [d.laid_out(d.normal(shape)), d.laid_out(source), d.laid_out(index)]

    def run(x):
        y, at = x[0] * 2, (options["dim"], x[2])
        if form == "add":
            return [y.index_add(*at, x[1], alpha=options["alpha"])]
        if form == "copy":
            return [y.index_copy(*at, x[1])]
        return [y.index_fill(*at, x[1] if form == "fill_tensor" else options["alpha"])]
    return inputs, options, run


@define(FAMILY, "positions", 6)
def _(d):
    shape = d.shape()
    values = d.normal(shape)
    if d.maybe():
        values = np.where(d.bools(shape), values, 0).astype(np.float32)
    x = d.odd(values)

    def run(x):
        return [x[0].nonzero(), torch.argwhere(x[0]), *torch.where(x[0])]
    return [d.laid_out(x)], {}, run


@define(FAMILY, "masked", 10)
def _(d):
    whole, part = d.broadcast_pair()
    form = d.choice(["select", "scatter", "scatter_"])
    if form == "scatter_" and len(np.broadcast_shapes(whole, part)) and \
            list(np.broadcast_shapes(whole, part)) != list(whole):
        whole = list(np.broadcast_shapes(whole, part))
    count = int(np.prod(np.broadcast_shapes(whole, part)))
    # PyTorch 1.13 gives wrong gradients of masked_select for permuted tensors.
    laid_out = d.plain if torch.__version__ < "2" else d.laid_out
    inputs = [laid_out(d.normal(whole)), d.laid_out(d.normal([count + d.randint(0, 2)])),
              d.laid_out(d.bools(part))]

    def run(x):
        if form == "select":
            return [x[0].masked_select(x[2])]
        if form == "scatter":
            return [x[0].masked_scatter(x[2], x[1])]
        return [(x[0] * 2).masked_scatter_(x[2], x[1])]
    return inputs, {"form": form}, run


@define(FAMILY, "take", 10)
def _(d):
    shape = d.shape(least=1, empty=False)
    count = int(np.prod(shape))
    form = d.choice(["take", "along", "along_flat", "put", "accumulate"])
    dim = d.randrange(len(shape))
    if form == "along":
        index = d.integers([1 if d.maybe(0.2) else n for n in shape], 0, shape[dim])
    elif form == "put":
        wanted = [d.randint(1, 2), d.randint(1, 3)]
        if wanted[0] * wanted[1] > count:
            wanted = [1, 1]
        index = d.numpy.permutation(count)[:wanted[0] * wanted[1]].reshape(wanted).astype(np.int64)
    else:
        index = d.integers([d.randint(0, 3), d.randint(1, 3)], 0, count)
    if not form.startswith("along"):
        index = negative(d, index, count)
    laid_out = d.plain if form == "along_flat" else d.laid_out  # PyTorch takes no others there
    inputs = [laid_out(d.normal(shape)), d.laid_out(d.normal(index.shape)), laid_out(index)]

    def run(x):
        if form == "take":
            return [x[0].take(x[2])]
        if form == "along":
            return [x[0].take_along_dim(x[2], dim)]
        if form == "along_flat":
            return [x[0].take_along_dim(x[2])]
        return [x[0].put(x[2], x[1], accumulate=form == "accumulate")]
    return inputs, {"form": form, "dim": dim}, run


@define(FAMILY, "no_dimensions", 3)
def _(d):
    inputs = [d.plain(d.normal([])), d.plain(d.normal([])), Input(np.array(0)), Input(np.array([0]))]

    def run(x):
        a, b, zero, row = x
        return [a.gather(0, zero), a.index_select(0, row), a.scatter(0, zero, b),
                a.scatter_add(0, zero, b), a.take(zero), a.index_fill(0, row, 2.5),
                a[None], a[...], a[True], a.index_copy(0, row, b)]
    return inputs, {}, run
