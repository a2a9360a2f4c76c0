"""More functions of each element: angles, logarithms, rounding, remainders, bounds by tensors, blends."""
import torch

from cases import define

FAMILY = "functions"
BEFORE_2 = torch.__version__.startswith("1.")


def unary(name, run=None, values=None, odd=True, weight=2):
    run = run or getattr(torch, name)

    def draw(d):
        shape = d.shape()
        x = values(d, shape) if values else d.normal(shape, d.choice([0.1, 1, 3]))
        return [d.laid_out(d.odd(x) if odd else x)], {}, lambda x: [run(x[0])]
    define(FAMILY, name, weight)(draw)


def positive(d, shape):
    return d.uniform(shape, 0.01, 5)


def fraction(d, shape):
    return d.uniform(shape, -0.99, 0.99)


for name in ("sin", "cos", "atan", "asinh", "erf", "erfc", "expm1", "exp2", "sinc", "floor", "ceil",
             "trunc", "frac", "sign"):
    unary(name)
unary("sgn", lambda x: torch.sgn(x) + x)  # whose own gradient is a tensor without memory
for name in ("sinh", "cosh"):
    unary(name, values=lambda d, shape: d.normal(shape, d.choice([0.1, 1, 3])))
unary("tan", values=lambda d, shape: d.uniform(shape, -1.2, 1.2))
for name in ("asin", "acos", "atanh", "erfinv"):
    unary(name, values=fraction)
unary("acosh", values=lambda d, shape: d.uniform(shape, 1.01, 20))
unary("log1p", values=lambda d, shape: d.uniform(shape, -0.9, 4) * d.choice([1, 1e-4]))
for name in ("log2", "log10", "rsqrt", "reciprocal"):
    unary(name, values=positive)
unary("isinf", weight=1)


@define(FAMILY, "round", 3)
def _(d):
    # Multiples of 1/4: ties, and nothing that rounding of float32 brings to a tie.
    decimals = d.choice([0, 0, 1, -1])
    x = d.integers(d.shape(), -90, 90) / 4 if decimals == 0 else d.distinct(d.shape(), 0.037)
    return [d.laid_out(d.odd(x.astype("float32")))], {"decimals": decimals}, \
        lambda x: [torch.round(x[0], decimals=decimals)]


def binary(name, first=None, second=None, weight=3, odd=True):
    def draw(d):
        a, b = d.broadcast_pair()
        x, y = (f(d, s) if f else d.normal(s) for f, s in ((first, a), (second, b)))
        if odd and not (name == "atan2" and BEFORE_2):  # 0/0 at the origin
            x, y = d.odd(x), d.odd(y)
        return [d.laid_out(x), d.laid_out(y)], {}, lambda x: [getattr(torch, name)(*x)]
    define(FAMILY, name, weight)(draw)


def away_from_zero(d, shape):
    return d.uniform(shape, 0.3, 3) * (2 * d.bools(shape) - 1)


def between_multiples(d, shape):
    """Divided by quarters, these are away from whole numbers, where a remainder jumps."""
    return (d.integers(shape, -40, 40) / 4 + 0.1).astype("float32")


def quarters(d, shape):
    return (d.integers(shape, 1, 8) / 4 * (2 * d.bools(shape) - 1)).astype("float32")


binary("atan2")
binary("hypot", away_from_zero)
binary("logaddexp")
binary("fmod", between_multiples, quarters, odd=False)
binary("remainder", between_multiples, quarters, odd=False)


@define(FAMILY, "remainders_by_number", 3)
def _(d):
    n = d.choice([0.5, -0.5, 2, -3, 1.25])
    return [d.laid_out(d.odd(between_multiples(d, d.shape())))], {"number": n}, \
        lambda x: [torch.fmod(x[0], n), torch.remainder(x[0], n)]


@define(FAMILY, "remainders_of_integers", 3)
def _(d):
    a, b = d.broadcast_pair()
    x, y = d.integers(a, -9, 10), d.integers(b, 1, 5)
    if d.maybe():
        x, y = abs(x).astype("uint8"), y.astype("uint8")
    else:
        y = y * (2 * d.bools(b) - 1)
    n = d.choice([3, 2.5, 7])
    return [d.laid_out(x), d.laid_out(y)], {"number": n}, lambda x: [
        torch.fmod(*x), torch.remainder(*x), *[(f(x[0], n).double() * 4).to(torch.int64)
                                                 for f in (torch.fmod, torch.remainder)]]


@define(FAMILY, "of_integers", 3)
def _(d):
    """What becomes floating, some digits of it, and what stays."""
    x = d.integers(d.shape(), -3, 4)
    x = d.choice([x, abs(x).astype("uint8")])
    return [d.laid_out(x)], {}, lambda x: [
        *[(f(x[0]) * 10000).to(torch.int64) for f in (
            torch.sin, torch.log1p, torch.erf, torch.rsqrt, torch.reciprocal, lambda x: torch.atan2(x, x))],
        torch.floor(x[0]), torch.ceil(x[0]), torch.round(x[0]), torch.trunc(x[0]), torch.sign(x[0]),
        torch.isinf(x[0])]


@define(FAMILY, "logic", 3)
def _(d):
    a, b = d.broadcast_pair()
    kinds = [lambda s: d.integers(s, -1, 2), d.bools, lambda s: d.odd(d.integers(s, -1, 2).astype("float32"))]
    x, y = d.choice(kinds)(a), d.choice(kinds)(b)
    return [d.laid_out(x, grad=False), d.laid_out(y, grad=False)], {}, lambda x: [
        torch.logical_and(*x), torch.logical_or(*x), torch.logical_xor(*x)]


def third(d, shape):
    return shape if d.maybe(0.7) else [1 if d.maybe() else n for n in shape]


@define(FAMILY, "lerp", 5)
def _(d):
    shape = d.shape()
    number = d.choice([None, 0.25, 0.5, 0.75, 1.5, -0.5, 1])
    inputs = [d.laid_out(d.normal(third(d, shape))), d.laid_out(d.odd(d.normal(shape)))]
    if number is None:
        inputs.append(d.laid_out(d.uniform(third(d, shape), -0.5, 1.5)))
    return inputs, {"weight": number}, lambda x: [
        torch.lerp(x[0], x[1], x[2] if number is None else number)]


def with_value(name, last):
    @define(FAMILY, name, 4)
    def _(d):
        """Of one sign: what cancels is as exact as its order of rounding, which is nobody's promise."""
        shape = d.shape()
        value = d.choice([1, 1, 0.5, 2])
        shapes = [third(d, shape), third(d, shape), shape]
        d.shuffle(shapes)
        x = [d.odd(d.uniform(shapes[0], 0.1, 2)), d.uniform(shapes[1], 0.1, 2), last(d, shapes[2])]
        return [d.laid_out(v) for v in x], {"value": value}, \
            lambda x: [getattr(torch, name)(*x, value=value)]


with_value("addcmul", lambda d, shape: d.odd(d.uniform(shape, 0.1, 2)))
with_value("addcdiv", lambda d, shape: d.uniform(shape, 0.3, 2))


@define(FAMILY, "addcmul_of_integers", 1)
def _(d):
    shape = d.shape()
    value = d.choice([1, 2])
    x = [d.laid_out(d.integers(shape, -3, 4)) for _ in range(3)]
    return x, {"value": value}, lambda x: [torch.addcmul(*x, value=value)]


@define(FAMILY, "clamp_by_tensors", 6)
def _(d):
    shape = d.shape()
    kind = d.choice(["both", "both", "min", "max"])
    draw = (lambda s: d.integers(s, -2, 3).astype("float32")) if d.maybe() else d.normal
    inputs = [d.laid_out(d.odd(draw(shape)))]
    for name in ("min", "max"):
        if kind in ("both", name):
            bound = draw(third(d, shape))
            inputs.append(d.laid_out(bound if BEFORE_2 else d.odd(bound)))

    def run(x):
        low = x[1] if kind != "max" else None
        high = x[-1] if kind != "min" else None
        if BEFORE_2 and kind == "both":
            return [clamped(x[0], low, high)]
        if BEFORE_2:
            return [torch.maximum(x[0], low) if high is None else torch.minimum(x[0], high)]
        return [x[0].clamp(low, high)]
    return inputs, {"kind": kind}, run


class Clamped(torch.autograd.Function):
    """clamp between tensors with the gradients of PyTorch 2.15, for older ones."""

    @staticmethod
    def forward(ctx, x, low, high):
        ctx.save_for_backward(x, low, high)
        return torch.minimum(torch.maximum(x, low), high)

    @staticmethod
    def backward(ctx, g):
        x, low, high = ctx.saved_tensors
        wide, zero = low < high, torch.zeros((), dtype=g.dtype)
        inside, tie = ~((x < low) | (x > high)), ((x == low) | (x == high)) & wide
        parts = [(inside & ~tie, inside & tie), ((x < low) & (low <= high), (x == low) & wide),
                 (((x > high) & (low <= high)) | (high < low), (x == high) & wide)]
        out = [torch.where(whole, g, torch.where(half, g / 2, zero)) for whole, half in parts]
        return tuple(o.sum_to_size(v.shape) for o, v in zip(out, (x, low, high)))


clamped = Clamped.apply


@define(FAMILY, "in_place", 8)
def _(d):
    """One operation that writes into a copy."""
    shape = d.shape(empty=False)
    name = d.choice(["masked_fill_", "clamp_min_", "clamp_max_", "log_", "abs_", "floor_", "ceil_", "round_",
                     "trunc_", "addcmul_", "addcdiv_", "lerp_", "reciprocal_", "rsqrt_", "sin_", "cos_", "square_"])
    inputs = [d.laid_out(d.uniform(shape, 0.3, 3)), d.laid_out(d.uniform(shape, 0.3, 3)),
              d.laid_out(d.uniform(third(d, shape), 0.3, 3)), d.laid_out(d.bools(third(d, shape)))]

    def run(x):
        y = x[0] * 1
        arguments = {"masked_fill_": [x[3], 0.5], "clamp_min_": [1.1], "clamp_max_": [1.1],
                     "addcmul_": [x[1], x[2]], "addcdiv_": [x[1], x[2]], "lerp_": [x[1], x[2]]}.get(name, [])
        getattr(y, name)(*arguments)
        return [y, y * y]
    return inputs, {"name": name}, run
