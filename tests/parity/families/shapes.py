"""Views, joins, picking, and chains of them: the same memory seen otherwise, and its gradient."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "shapes"


@define(FAMILY, "chain", 14)
def _(d):
    """Three random views one after the other, then a product that needs all of them."""
    shape = d.shape(most=3)
    count = 1
    for n in shape:
        count *= n
    steps, current = [], torch.zeros(shape)
    for _ in range(3):
        rank = current.dim()
        kinds = ["reshape", "view", "unsqueeze", "squeeze", "flatten", "expand_new"]
        if rank:
            kinds += ["transpose", "permute", "narrow", "select", "slice", "squeeze_dim", "reshape_minus"]
        if rank <= 2:
            kinds.append("t")
        kind = d.choice(kinds)
        if rank > 4 and kind in ("unsqueeze", "expand_new"):
            kind = "flatten"
        dim = d.randrange(rank) if rank else 0
        size = current.shape[dim] if rank else 1
        if kind == "reshape":
            step = ["reshape", [current.numel()] if d.maybe() else [1, current.numel(), 1]]
        elif kind == "view":
            step = ["view", [1, -1] if current.numel() else [0, 1]]
        elif kind == "reshape_minus":
            if current.numel() == 0 or rank < 2:
                step = ["flatten", 0, -1]
            else:
                step = ["reshape", [-1] + list(current.shape[2:])]
        elif kind == "unsqueeze":
            step = ["unsqueeze", d.randint(-rank - 1, rank)]
        elif kind == "t":
            step = ["t"]
        elif kind == "squeeze":
            step = ["squeeze"]
        elif kind == "squeeze_dim":
            step = ["squeeze", dim]
        elif kind == "flatten":
            step = ["flatten", d.randint(0, max(0, rank - 1)), -1]
        elif kind == "expand_new":
            step = ["expand", [d.randint(1, 3)] + list(current.shape)]
        elif kind == "transpose":
            step = ["transpose", dim, d.randint(-rank, rank - 1)]
        elif kind == "permute":
            order = list(range(rank))
            d.shuffle(order)
            step = ["permute", order]
        elif kind == "narrow":
            start = d.randint(0, size)
            step = ["narrow", dim, start, d.randint(0, size - start)]
        elif kind == "select":
            if size == 0:
                step = ["squeeze"]
            else:
                step = ["select", dim, d.randint(-size, size - 1)]
        else:
            step = ["slice", dim, d.randint(-size - 1, size), d.randint(-size, size + 2), d.randint(1, 3)]
        current = apply(current, step)
        steps.append(step)

    def run(x):
        y = x[0]
        for step in steps:
            y = apply(y, step)
        return [y, y.contiguous() * y]
    return [d.laid_out(d.normal(shape))], {"steps": steps}, run


def apply(tensor, step):
    name, *arguments = step
    if name == "slice":
        dim, start, end, step = arguments
        return tensor[(slice(None),) * dim + (slice(start, end, step),)]
    if name == "view":
        tensor = tensor.contiguous()
    return getattr(tensor, name)(*arguments)


@define(FAMILY, "cat", 4)
def _(d):
    shape = d.shape(least=1)
    dim = d.randint(-len(shape), len(shape) - 1)
    inputs = []
    for _ in range(d.randint(1, 4)):
        sizes = list(shape)
        sizes[dim] = d.randint(0, 4)
        inputs.append(d.laid_out(d.normal(sizes)))
    return inputs, {"dim": dim}, lambda x: [torch.cat(x, dim)]


@define(FAMILY, "stack", 3)
def _(d):
    shape = d.shape(most=3)
    dim = d.randint(-len(shape) - 1, len(shape))
    inputs = [d.laid_out(d.normal(shape)) for _ in range(d.randint(1, 4))]
    return inputs, {"dim": dim}, lambda x: [torch.stack(x, dim)]


@define(FAMILY, "index_select", 3)
def _(d):
    shape = d.shape(least=1, empty=False)
    dim = d.randint(-len(shape), len(shape) - 1)
    index = d.integers(d.randint(0, 6), 0, shape[dim])
    return [d.laid_out(d.normal(shape)), d.laid_out(index)], {"dim": dim}, \
        lambda x: [x[0].index_select(dim, x[1])]


@define(FAMILY, "gather", 3)
def _(d):
    shape = d.shape(least=1, empty=False)
    dim = d.randint(-len(shape), len(shape) - 1)
    sizes = [d.randint(1, n) for n in shape]
    sizes[dim] = d.randint(1, 5)
    index = d.integers(sizes, 0, shape[dim])
    return [d.laid_out(d.normal(shape)), d.laid_out(index)], {"dim": dim}, \
        lambda x: [x[0].gather(dim, x[1])]


@define(FAMILY, "factories", 2)
def _(d):
    start, end, step = d.uniform_number(-3, 3), d.uniform_number(3, 6), d.uniform_number(0.2, 2)
    n, m, steps = d.randint(0, 4), d.randint(0, 4), d.randint(1, 7)
    return [d.plain(d.normal(d.shape()))], \
        {"start": start, "end": end, "step": step, "n": n, "m": m, "steps": steps}, lambda x: [
            torch.arange(start, end, step, dtype=x[0].dtype),
            torch.linspace(start, end, steps, dtype=x[0].dtype),
            torch.eye(n, m, dtype=x[0].dtype), torch.arange(n),
            torch.zeros_like(x[0]), torch.ones_like(x[0]), torch.full_like(x[0], step)]


@define(FAMILY, "fill", 2)
def _(d):
    """Parts that are overwritten pass no gradient on."""
    shape = d.shape(least=1, empty=False)
    dim, value = d.randrange(len(shape)), d.uniform_number(-2, 2)
    start, end = d.randint(0, shape[dim]), d.randint(0, shape[dim])

    def run(x):
        y = x[0] * 2
        apply(y, ["slice", dim, start, end, 1]).fill_(value)
        z = y * y
        apply(z, ["select", dim, 0]).zero_()
        return [z, y]
    return [d.laid_out(d.normal(shape))], {"dim": dim, "value": value, "start": start, "end": end}, run


@define(FAMILY, "pad", 6)
def _(d):
    rank = d.choice([1, 2])
    mode = d.choice(["zeros", "reflect", "replicate", "circular"])
    size = [d.randint(1, 6) for _ in range(rank)]
    most = {"zeros": [4] * rank, "replicate": [4] * rank, "reflect": [n - 1 for n in size],
            "circular": size}[mode]
    # In PyTorch's order: left, right, top, bottom.
    pad = [d.randint(0, most[k]) for k in reversed(range(rank)) for _ in range(2)]
    shape = [d.randint(1, 2), d.randint(1, 3)] + size

    def run(x):
        return [F.pad(x[0], pad, "constant" if mode == "zeros" else mode)]
    return [d.laid_out(d.normal(shape))], {"pad": pad, "mode": mode}, run


@define(FAMILY, "scalars", 2)
def _(d):
    """index_select and gather where the tensor, the index or both have no dimensions."""
    shape, index = d.choice([([], []), ([], [1]), ([], [3]), ([4], [])])
    i = d.integers(index, 0, shape[0] if shape else 1)
    select = index != [3]
    return [d.laid_out(d.normal(shape)), d.plain(i)], {"select": select}, lambda x: [
        x[0].gather(0, x[1])] + ([x[0].index_select(0, x[1])] if select else [])
