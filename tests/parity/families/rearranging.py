"""Parts as views, what is moved, repeated or cut, and joins by other names."""
import torch

from cases import Input, define

FAMILY = "rearranging"


def call(x, name, arguments):
    """One result, or several."""
    if name == "repeat_interleave" and isinstance(arguments[0], list):
        arguments = [torch.tensor(arguments[0])] + arguments[1:]
    y = x.T if name == "T" else x.mT if name == "mT" else getattr(x, name)(*arguments)
    return list(y) if isinstance(y, (list, tuple)) else [y]


def dim_of(d, rank):
    return d.randint(-rank, rank - 1)


def two_dims(d, rank):
    return [k - rank if d.maybe(0.3) else k for k in d.sample(range(rank), 2)]


def values(d, shape):
    """Floats, half of the time in odd memory, now and then integers."""
    if d.maybe(0.15):
        return d.laid_out(d.integers(shape, -9, 10))
    return d.laid_out(d.odd(d.normal(shape)))


@define(FAMILY, "parts", 10)
def _(d):
    shape = d.shape(least=1, most=3)
    dim, size = dim_of(d, len(shape)), 0
    size = shape[dim]
    kind = d.choice(["chunk", "split", "split_sizes", "tensor_split", "tensor_split_at", "unbind"])
    if kind == "chunk":
        step = ["chunk", d.randint(1, 5), dim]
    elif kind == "split":
        step = ["split", d.randint(1, 4), dim]
    elif kind == "split_sizes":
        sizes = []
        while sum(sizes) < size:
            sizes.append(d.randint(0, size - sum(sizes)))
        step = ["split", sizes, dim]
    elif kind == "tensor_split":
        step = ["tensor_split", d.randint(1, 5), dim]
    elif kind == "tensor_split_at":
        step = ["tensor_split", sorted(d.randint(-2, size + 2) for _ in range(d.randint(0, 3))), dim]
    else:
        step = ["unbind", dim]
    return [values(d, shape)], {"step": step}, lambda x: call(x[0], step[0], step[1:])


def a_view(d, shape):
    """A shape for it, and a view: [name, arguments …]."""
    rank = len(shape)
    kind = d.choice(["diagonal", "unfold", "movedim", "swapaxes", "T", "mT", "unflatten", "broadcast_to"])
    dim = dim_of(d, rank)
    if kind == "diagonal":
        return ["diagonal", d.randint(-3, 3), *two_dims(d, rank)]
    if kind == "unfold":
        return ["unfold", dim, d.randint(0, shape[dim]), d.randint(1, 3)]
    if kind == "movedim":
        count = d.randint(1, rank)
        return ["movedim", d.sample(range(rank), count), d.sample(range(-rank, 0), count)]
    if kind == "swapaxes":
        return ["swapaxes", *two_dims(d, rank)]
    if kind == "unflatten":
        n = shape[dim]
        return ["unflatten", dim, d.choice([[1, n], [n, 1], [1, n, 1]] + ([[-1, 1]] if n else []))]
    if kind == "broadcast_to":
        return ["broadcast_to", [d.randint(1, 3)] + list(shape)]
    return [kind]


@define(FAMILY, "views", 12)
def _(d):
    shape = d.shape(least=2, most=3)
    step = a_view(d, shape)

    def run(x):
        (y,) = call(x[0], step[0], step[1:])
        return [y, y.contiguous() * y]
    return [values(d, shape)], {"step": step}, run


@define(FAMILY, "as_strided", 3)
def _(d):
    shape = d.shape(least=1, most=3, empty=False)
    held = 1
    for n in shape:
        held *= n
    sizes = [d.randint(1, 3) for _ in range(d.randint(0, 3))]
    strides = [d.randint(0, 3) for _ in sizes]
    while sum((n - 1) * s for n, s in zip(sizes, strides)) >= held:
        sizes[d.randrange(len(sizes))] = 1
    reach = sum((n - 1) * s for n, s in zip(sizes, strides))
    offset = d.randint(0, held - 1 - reach)

    def run(x):
        y = (x[0] * 1).as_strided(sizes, strides, offset)
        return [y, y.contiguous() * y]
    return [Input(d.normal(shape))], {"sizes": sizes, "strides": strides, "offset": offset}, run


@define(FAMILY, "views_in_place", 6)
def _(d):
    """Parts that change in place: values and gradients reach the whole."""
    shape = d.shape(least=2, most=3, empty=False)
    step = d.choice([["diagonal", d.randint(-1, 1), *two_dims(d, len(shape))], ["mT"],
                     ["unflatten", 0, [1, shape[0]]], ["unfold", 0, 1, d.randint(1, 2)]])

    def run(x):
        y = x[0] * 2
        (part,) = call(y, step[0], step[1:])
        part.mul_(x[1])
        z = y * y
        (part,) = call(z, step[0], step[1:])
        part.add_(y.sum())
        return [z, y, part]
    return [d.laid_out(d.normal(shape)), d.plain(d.normal([]))], {"step": step}, run


def a_move(d, shape):
    rank = len(shape)
    kind = d.choice(["repeat", "tile", "repeat_interleave", "repeat_interleave_each", "flip", "roll", "roll",
                     "rot90", "tril", "triu", "diag_embed", "fliplr", "flipud", "ravel"])
    if kind == "repeat":
        return ["repeat", [d.randint(0 if d.maybe(0.1) else 1, 3) for _ in range(rank + d.randint(0, 1))]]
    if kind == "tile":
        return ["tile", [d.randint(1, 3) for _ in range(d.randint(1, rank + 1))]]
    dim = dim_of(d, rank)
    if kind == "repeat_interleave":
        return ["repeat_interleave", d.randint(0, 3)] + ([dim] if d.maybe(0.7) else [])
    if kind == "repeat_interleave_each":
        return ["repeat_interleave", [d.randint(0, 3) for _ in range(shape[dim])], dim]
    if kind == "flip":
        return ["flip", d.sample(range(rank), d.randint(0, rank))]
    if kind == "roll":
        if d.maybe(0.3):
            return ["roll", [d.randint(-9, 9)]]
        dims = d.sample(range(rank), d.randint(1, rank))
        return ["roll", [d.randint(-9, 9) for _ in dims], dims]
    if kind == "rot90":
        return ["rot90", d.randint(-3, 5), two_dims(d, rank)]
    if kind in ("tril", "triu"):
        return [kind, d.randint(-4, 4)]
    if kind == "diag_embed":
        return ["diag_embed", d.randint(-2, 2), *two_dims(d, rank + 1)]
    return [kind]


@define(FAMILY, "moves", 24)
def _(d):
    shape = d.shape(least=2, most=3)
    step = a_move(d, shape)
    return [values(d, shape)], {"step": step}, lambda x: call(x[0], step[0], step[1:])


@define(FAMILY, "diag", 3)
def _(d):
    shape = d.shape(least=1, most=2)
    # PyTorch 1.13 makes something of diagonals outside of a matrix that nobody can read.
    step = ["diag", d.randint(-3, 3) if len(shape) == 1 else d.randint(-shape[0], shape[1])]
    return [values(d, shape)], {"step": step}, lambda x: call(x[0], step[0], step[1:])


@define(FAMILY, "joins", 5)
def _(d):
    kind = d.choice(["hstack", "vstack", "dstack", "column_stack"])
    shape = d.shape(least=0, most=2 if kind == "column_stack" else 3)
    inputs = [d.laid_out(d.normal(shape)) for _ in range(d.randint(1, 3))]
    return inputs, {"kind": kind}, lambda x: [getattr(torch, kind)(x)]


@define(FAMILY, "meshgrid", 2)
def _(d):
    indexing = d.choice(["ij", "xy"])
    inputs = [d.plain(d.normal(d.shape(least=0, most=1))) for _ in range(d.randint(1, 3))]
    return inputs, {"indexing": indexing}, lambda x: list(torch.meshgrid(*x, indexing=indexing))
