"""Operations on each element: alone, with a number, with another tensor that broadcasts, in place."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "elementwise"


def unary(name, run, values=None, weight=1):
    def draw(d):
        shape = d.shape()
        x = values(d, shape) if values else d.normal(shape, d.choice([0.1, 1, 3]))
        return [d.laid_out(d.odd(x))], {}, lambda x: [run(x[0])]
    define(FAMILY, name, weight)(draw)


def positive(d, shape):
    return d.uniform(shape, 0.01, 5)


unary("neg", torch.neg)
unary("abs", torch.abs)
unary("exp", torch.exp)
unary("log", torch.log, positive)
unary("sqrt", torch.sqrt, positive)
unary("square", torch.square)
unary("sigmoid", torch.sigmoid)
unary("tanh", torch.tanh)
unary("relu", torch.relu)
unary("gelu", F.gelu)
unary("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"))
unary("detach_plus_self", lambda x: x.detach() + x)
unary("reused", lambda x: x * x + x)


def with_number(name, run, numbers, values=None):
    def draw(d):
        number = numbers(d)
        shape = d.shape()
        x = values(d, shape) if values else d.normal(shape)
        return [d.laid_out(d.odd(x))], {"number": number}, lambda x: [run(x[0], number)]
    define(FAMILY, name)(draw)


def some_number(d):
    return d.choice([d.uniform_number(-3, 3), 0.0, 1.0, 2, -1])


with_number("leaky_relu", F.leaky_relu, lambda d: d.uniform_number(0, 0.5))
with_number("add_number", lambda x, n: x + n, some_number)
with_number("sub_number", lambda x, n: x - n, some_number)
with_number("mul_number", lambda x, n: x * n, some_number)
with_number("div_number", lambda x, n: x / n, lambda d: d.choice([0.3, -2, 7.5, 1]))
with_number("number_sub", lambda x, n: n - x, some_number)
with_number("number_div", lambda x, n: n / x, some_number, positive)

def clamp(x, low=None, high=None):
    """As PyTorch 2.15, which lets no gradient pass at a bound."""
    for bound in (low, high):
        if bound is not None and torch.__version__.startswith("1."):
            x = torch.where(x == bound, x.detach(), x)
    return x.clamp(low, high)


with_number("clamp_min", lambda x, n: clamp(x, low=n), lambda d: d.uniform_number(-1, 1))
with_number("clamp_max", lambda x, n: clamp(x, high=n), lambda d: d.uniform_number(-1, 1))
with_number("pow_number", torch.pow, lambda d: d.choice([0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5]), positive)
with_number("pow_integer", torch.pow, lambda d: d.choice([0, 1, 2, 3, 4]))


@define(FAMILY, "clamp", 2)
def _(d):
    low, high = d.choice([(-0.5, 0.5), (0.0, 1.0), (-2.0, -1.0), (0.5, 0.25)])
    return [d.laid_out(d.odd(d.normal(d.shape())))], {"min": low, "max": high}, \
        lambda x: [clamp(x[0], low, high)]


def binary(name, run, second=None, weight=2):
    def draw(d):
        a, b = d.broadcast_pair()
        y = second(d, b) if second else d.normal(b)
        return [d.laid_out(d.odd(d.normal(a))), d.laid_out(d.odd(y))], {}, lambda x: [run(x[0], x[1])]
    define(FAMILY, name, weight)(draw)


def away_from_zero(d, shape):
    return d.uniform(shape, 0.3, 3) * (2 * d.bools(shape) - 1)


binary("add", torch.add)
binary("sub", torch.sub)
binary("mul", torch.mul)
binary("div", torch.div, away_from_zero)
binary("maximum", torch.maximum)
binary("minimum", torch.minimum)


@define(FAMILY, "ties", 1)
def _(d):
    """Equal elements share the gradient of maximum and minimum."""
    shape = d.shape()
    a, b = d.integers(shape, 0, 3), d.integers(shape, 0, 3)
    return [d.laid_out(a.astype("float32")), d.laid_out(b.astype("float32"))], {}, \
        lambda x: [torch.maximum(*x), torch.minimum(*x)]


@define(FAMILY, "pow", 2)
def _(d):
    a, b = d.broadcast_pair()
    x, y = d.odd(positive(d, a)), d.odd(d.normal(b), large=2.0)
    return [d.laid_out(x), d.laid_out(y)], {}, lambda x: [x[0] ** x[1]]


@define(FAMILY, "compare", 3)
def _(d):
    a, b = d.broadcast_pair()
    x, y = (d.odd(d.integers(shape, -2, 3).astype("float32")) for shape in (a, b))
    return [d.laid_out(x), d.laid_out(y)], {}, lambda x: [
        x[0] == x[1], x[0] != x[1], x[0] < x[1], x[0] <= x[1], x[0] > x[1], x[0] >= x[1]]


@define(FAMILY, "compare_number", 1)
def _(d):
    n = d.choice([0, 1, 0.5])
    return [d.laid_out(d.odd(d.integers(d.shape(), -1, 3).astype("float32")))], {"number": n}, lambda x: [
        x[0] == n, x[0] != n, x[0] < n, x[0] <= n, x[0] > n, x[0] >= n]


@define(FAMILY, "nearness", 2)
def _(d):
    """allclose and equal, of values that differ by nothing, a little or much."""
    shape = d.shape()
    a = d.odd(d.normal(shape))
    b = a + d.choice([0.0, 0.0, 1e-4, 0.1]) * d.bools(shape)
    o = {"rtol": d.choice([1e-5, 1e-2]), "atol": d.choice([1e-8, 1e-2])}
    return [d.laid_out(a, grad=False), d.laid_out(b.astype("float32"), grad=False)], o, lambda x: [
        torch.tensor(torch.allclose(x[0], x[1], **o)), torch.tensor(torch.equal(x[0], x[1]))]


@define(FAMILY, "predicates", 1)
def _(d):
    x = d.normal(d.shape())
    flat = x.reshape(-1)
    for k, odd in enumerate([float("nan"), float("inf"), -float("inf")]):
        if flat.size > k:
            flat[k] = odd
    return [d.laid_out(flat.reshape(x.shape), grad=False)], {}, lambda x: [
        x[0].isnan(), x[0].isfinite(), x[0].isnan().logical_not()]


@define(FAMILY, "where", 3)
def _(d):
    a, b = d.broadcast_pair()
    mask = a if d.maybe() else b
    return [d.laid_out(d.bools(mask)), d.laid_out(d.normal(a)), d.laid_out(d.normal(b))], {}, \
        lambda x: [torch.where(*x)]


@define(FAMILY, "masked_fill", 2)
def _(d):
    shape = d.shape()
    mask = [1 if d.maybe(0.3) else n for n in shape]
    value = d.choice([0.0, -1.5, 7])
    return [d.laid_out(d.normal(shape)), d.laid_out(d.bools(mask))], {"value": value}, \
        lambda x: [x[0].masked_fill(x[1], value)]


@define(FAMILY, "in_place", 5)
def _(d):
    """A chain of operations that write into a copy of the first input."""
    shape = d.shape(empty=False)
    other = [1 if d.maybe(0.3) else n for n in shape]
    numbers = d.choice([[["mul_", 0.5], ["add_", 4]], [["div_", 2], ["sub_", -4.0]]])
    steps = [d.choice(["add_", "sub_", "mul_", "div_"]),
             d.choice(["exp_", "neg_", "relu_", "sigmoid_", "tanh_", "sqrt_", "clamp_", "pow_"])]

    def run(x):
        y = x[0].clone()
        getattr(y, steps[0])(x[1])
        for name, number in numbers:
            getattr(y, name)(number)
        if steps[1] == "clamp_":
            y.clamp_(3.5, 5)
        elif steps[1] == "pow_":
            y.pow_(2)
        else:
            getattr(y, steps[1])()
        return [y]
    return [d.laid_out(d.uniform(shape)), d.laid_out(d.uniform(other, 0.5, 1.5))], \
        {"steps": steps, "numbers": numbers}, run


@define(FAMILY, "in_place_view", 3)
def _(d):
    """Writing into a part of a tensor changes the whole, and the whole's gradient."""
    shape = d.shape(least=1, empty=False)
    dim = d.randrange(len(shape))
    index = d.randrange(shape[dim])

    def run(x):
        whole = x[0] * 2
        part = whole.select(dim, index)
        part.mul_(x[1].select(dim, index))
        part.add_(1)
        return [whole * whole, part]
    return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(shape))], {"dim": dim, "index": index}, run


@define(FAMILY, "promotion", 4)
def _(d):
    """Mixed dtypes, with and without dimensions."""
    a, b = d.broadcast_pair(most=3)
    kinds = {"float": lambda s: d.normal(s), "int": lambda s: d.integers(s, -3, 4),
             "bool": d.bools, "uint8": lambda s: d.integers(s, 0, 200).astype("uint8")}
    x = d.laid_out(kinds[d.choice(sorted(kinds))](a))
    y = d.laid_out(kinds[d.choice(sorted(kinds))](b))
    return [x, y], {}, lambda x: [x[0] * x[1], x[0] + x[1]]


@define(FAMILY, "copy_", 1)
def _(d):
    shape = d.shape()
    source = [1 if d.maybe(0.3) else n for n in shape]

    def run(x):
        y = x[0] * 1
        y.copy_(x[1])
        return [y, x[0] + y]
    return [d.laid_out(d.normal(shape)), d.laid_out(d.normal(source))], {}, run


@define(FAMILY, "to", 1)
def _(d):
    x = d.normal(d.shape(), 5)
    return [d.laid_out(x)], {}, lambda x: [
        x[0].to(torch.int64), x[0].to(torch.bool), x[0].abs().to(torch.uint8),
        (x[0].to(torch.int64)).to(x[0].dtype), x[0].to(torch.float64).to(x[0].dtype)]
