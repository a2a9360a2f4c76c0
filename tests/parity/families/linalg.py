"""Sums of products by names, systems of linear equations, determinants, distances."""
import string

import numpy as np
import torch

from cases import define

FAMILY = "linalg"


def einsum_case(d):
    """Random subscripts: repeated, summed, kept, in the ellipsis; sizes of 1 that broadcast."""
    letters = d.sample(string.ascii_letters, 5)
    sizes = {letter: d.choice([1, 2, 3, 4, 5]) for letter in letters}
    dots = [d.choice([2, 3]) for _ in range(d.choice([0, 0, 0, 1, 2]))]
    operands, shapes = [], []
    for _ in range(d.choice([1, 2, 2, 2, 3, 4])):
        subscripts = [d.choice(letters) for _ in range(d.randint(0, 3))]
        seen, shape = {}, []
        for letter in subscripts:
            # Repeated ones have one size, also where it broadcasts with that of other operands.
            seen.setdefault(letter, 1 if d.maybe(0.08) else sizes[letter])
            shape.append(seen[letter])
        if dots and d.maybe(0.8):
            at = d.randint(0, len(subscripts))
            part = [1 if d.maybe(0.15) else n for n in dots][d.randint(0, len(dots)):]
            subscripts.insert(at, "...")
            shape[at:at] = part
        operands.append("".join(subscripts))
        shapes.append(shape)
    equation = ",".join(operands)
    if d.maybe(0.7):
        present = sorted(set(equation) & set(letters))
        output = d.sample(present, d.randint(0, len(present)))
        if "..." in equation:  # PyTorch sums an ellipsis that the output lacks
            if d.maybe(0.85):
                output.insert(d.randint(0, len(output)), "...")
        equation += "->" + "".join(output)
    if d.maybe(0.2):
        equation = equation.replace(",", " , ").replace("->", " -> ")
    return equation, shapes


@define(FAMILY, "einsum", 40)
def _(d):
    equation, shapes = einsum_case(d)

    def run(x):
        return [torch.einsum(equation, *x)]
    return [d.laid_out(d.normal(shape)) for shape in shapes], {"equation": equation}, run


@define(FAMILY, "einsum_known", 12)
def _(d):
    """As programs write them."""
    b, h, i, j, k = (d.randint(1, 5) for _ in range(5))
    equation, shapes = d.choice([
        ("ij,jk->ik", [[i, j], [j, k]]), ("bij,bjk->bik", [[b, i, j], [b, j, k]]),
        ("bhid,bhjd->bhij", [[b, h, i, k], [b, h, j, k]]), ("bhij,bhjd->bhid", [[b, h, i, j], [b, h, j, k]]),
        ("ii", [[i, i]]), ("ii->i", [[i, i]]), ("ij->ji", [[i, j]]), ("i,j->ij", [[i], [j]]),
        ("bn,anm,bm->ba", [[b, i], [h, i, j], [b, j]]), ("...ij->...ji", [[b, i, j]]),
        ("b i d, b j d -> b i j", [[b, i, k], [b, j, k]]), ("bijc->bcij", [[b, i, j, k]]),
        ("i,i", [[i], [i]]), ("ij,ij->", [[i, j], [i, j]])])

    def run(x):
        return [torch.einsum(equation, *x)]
    return [d.laid_out(d.normal(shape)) for shape in shapes], {"equation": equation}, run


@define(FAMILY, "tensordot", 8)
def _(d):
    shared = [d.randint(1, 4) for _ in range(d.randint(0, 2))]
    a = d.shape(most=2) + shared
    b = shared + d.shape(most=2)
    options = {"dims": len(shared)}
    if d.maybe():
        order_a, order_b = list(range(len(a))), list(range(len(b)))
        d.shuffle(order_a)
        d.shuffle(order_b)
        options["dims"] = [[order_a.index(len(a) - len(shared) + n) for n in range(len(shared))],
                           [order_b.index(n) for n in range(len(shared))]]
        a, b = [a[n] for n in order_a], [b[n] for n in order_b]

    def run(x):
        return [torch.tensordot(x[0], x[1], options["dims"])]
    return [d.laid_out(d.normal(a)), d.laid_out(d.normal(b))], options, run


def matrices(d, n, batch):
    """Far from singular."""
    return (d.normal(batch + [n, n], 0.4) + np.eye(n) * d.choice([-2.5, 2, 3])).astype(np.float32)


@define(FAMILY, "solve", 10)
def _(d):
    n, k = d.choice([0, 1, 2, 3, 5, 8]), d.choice([0, 1, 2, 6])
    batch, other = d.broadcast_pair(most=2, sizes=(1, 2, 3), long=False, empty=False)
    form = d.choice(["columns", "columns", "vector", "vectors"]) if n > 1 else "columns"
    right = {"columns": other + [n, k], "vector": [n], "vectors": batch + [n]}[form]

    def run(x):
        return [torch.linalg.solve(x[0], x[1])]
    return [d.laid_out(matrices(d, n, batch)), d.laid_out(d.normal(right))], {}, run


@define(FAMILY, "inverse", 10)
def _(d):
    n = d.choice([0, 1, 2, 3, 4, 7, 20])
    batch = d.shape(most=2, long=False)
    power = d.choice([-3, -1, 0, 1, 2, 3, 6])

    def run(x):
        sign, logarithm = torch.linalg.slogdet(x[0])
        return [torch.linalg.inv(x[0]), torch.linalg.det(x[0]), sign, logarithm,
                torch.linalg.matrix_power(x[0] / 3, power)]
    return [d.laid_out(matrices(d, n, batch))], {"power": power}, run


@define(FAMILY, "cholesky", 5)
def _(d):
    n = d.choice([0, 1, 2, 3, 5, 9])
    a = d.normal(d.shape(most=2, long=False) + [n, n])
    a = (a @ np.swapaxes(a, -1, -2) + np.eye(n)).astype(np.float32)

    def run(x):
        return [torch.linalg.cholesky(x[0])]
    return [d.laid_out(a)], {}, run


@define(FAMILY, "kron", 5)
def _(d):
    def run(x):
        return [torch.kron(x[0], x[1])]
    # PyTorch takes views of them.
    return [d.plain(d.normal(d.shape(most=3, long=False))) for _ in range(2)], {}, run


@define(FAMILY, "cdist", 12)
def _(d):
    p = d.choice([2, 2, 2, 2, 1, 0, 3, 1.5, float("inf")])
    batch, other = d.broadcast_pair(most=1, sizes=(1, 2, 3), long=False)
    rows = [d.choice([0, 1, 2, 4, 6]), d.choice([1, 3, 5])]
    many = p == 2 and d.maybe(0.15)  # by products of matrices
    if many:
        rows[0] = 30
    width = d.choice([1, 2, 3, 7])
    values = d.distinct if p in (1, float("inf")) else d.normal
    a, b = values(batch + [rows[0], width]), values(other + [rows[1], width])
    if a.size and b.size and d.maybe(0.3) and p == 2 and not many:
        a[..., :1, :] = b[..., :1, :] if a.ndim >= b.ndim and batch == other else a[..., :1, :]
    if p in (1, float("inf")):
        b = b * np.float32(1.37)

    def run(x):
        return [torch.cdist(x[0], x[1], p)]
    return [d.laid_out(a), d.laid_out(b)], {"p": "inf" if p == float("inf") else p}, run
