#!/usr/bin/env python3
"""Writes golden_numerics.txt: operations at the ends of their range, as PyTorch computes them in float32 and in float64
on the same float32 values. NaN, infinities, subnormals, overflow, cancellation.

    case NAME ulp           how errors are measured: in units of each element's last place (out: gradients not so, but)
                            scale: in units of the last place of the largest element; product: the same, and twice
                            PyTorch's error plus a unit is allowed: its sums are rounded in another order
    in f32 3 4 | values     an input; i64: no gradient; `sequence 3000 a b` instead of values: see sequence() below
    out 3 4 | values        in float32
    true | values           in float64, of the same inputs, by PyTorch or, where it loses digits, a formula of ours
    grad 0 | values         of sum(out * w), w as in weights(), in float32; none where it has no meaning: the result of
                            float32 overflowed and that of float64 did not
    gradtrue 0 | values     and in float64

test_numerics.cpp has the same names. Usage: golden_numerics.py > golden_numerics.txt
"""
import math
import warnings
import zlib

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
inf, nan = math.inf, math.nan
MOST = 130  # longer gradients are left out


def weights(out):
    w = [((i * 3 + 1) % 7 - 3) * 0.25 or 1.0 for i in range(out.numel())]
    return torch.tensor(w, dtype=out.dtype).reshape(out.shape)


def words(t):
    def text(v):
        return (str(np.float32(v)) if t.dtype == torch.float32 else repr(v)).removesuffix(".0")
    return " |" + "".join(" " + text(v) for v in t.detach().reshape(-1).tolist())


def sizes(t):
    return "".join(" %d" % s for s in t.shape)


def f32(values):
    return torch.tensor(values, dtype=torch.float64).to(torch.float32)


class Sequence:
    """n values between a - b and a + b in a jumbled order, the same in C++ to the last bit."""

    def __init__(self, n, a, b):
        self.words = "sequence %d %r %r" % (n, float(a), float(b))
        self.values = f32([a + b * ((i * 7919 % 2003) / 1001.0 - 1.0) for i in range(n)])


def case(name, function, *inputs, measure="scale", truth=None):
    sequence = inputs[0].words if isinstance(inputs[0], Sequence) else None
    inputs = [x.values if isinstance(x, Sequence) else f32(x) if isinstance(x, (list, float)) else x for x in inputs]
    results = {}
    for dtype in [torch.float32, torch.float64]:
        xs = [x.clone().to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
        out = (truth if truth and dtype == torch.float64 else function)(*xs)
        # PyTorch 1.13 cannot differentiate the variance of one element in one dimension.
        if out.requires_grad and not (name in ("var:one", "std:one", "var_biased:one", "std_biased:one")):
            (out * weights(out)).sum().backward()
        results[dtype] = out, [x.grad if x.is_floating_point() else None for x in xs]
    print("case %s %s" % (name, measure))
    for x in inputs:
        print("in f32 " + sequence if sequence else "in %s%s%s" % ("f32" if x.is_floating_point() else "i64", sizes(x), words(x)))
    narrow, narrow_grads = results[torch.float32]
    wide, wide_grads = results[torch.float64]
    print("out%s%s" % (sizes(narrow), words(narrow if narrow.is_floating_point() else narrow.to(torch.float32))))
    print("true%s" % words(wide if wide.is_floating_point() else wide.to(torch.float64)))
    if (torch.isfinite(wide) & ~torch.isfinite(narrow)).any():
        return
    for i, (a, b) in enumerate(zip(narrow_grads, wide_grads)):
        if a is not None and a.numel() <= MOST:
            print("grad %d%s" % (i, words(a)))
            print("gradtrue %d%s" % (i, words(b)))


def rng(*what):
    """From a seed of its own: another case changes none of those that are there."""
    return np.random.RandomState(zlib.crc32(repr(what).encode()))


def normal(*shape, mean=0.0, std=1.0):
    return f32((rng(shape, mean, std).standard_normal(shape) * std + mean).tolist())


def classes(*shape):
    return torch.tensor(rng(shape).randint(0, 3, shape))


# --- single elements: every magnitude that behaves in a way of its own, and both signs ---
magnitudes = [
    0, 1e-45, 3e-42, 1e-40, 1.1754942e-38, 1.1754944e-38, 1e-37, 1e-30, 1e-20, 1e-10, 1e-7, 1e-5, 1e-3, 0.02, 0.1, 0.3,
    0.5, 0.6, 0.7, 0.9, 1, 1.2, 1.7, 2, 2.5, 3, 4.2, 5, 5.5, 7, 8.6, 9.1, 10, 13, 14, 17, 25, 40, 60, 87, 88, 88.7, 88.8,
    89, 95, 103, 103.9, 104, 110, 1e3, 1e4, 1e6, 1e9, 1e13, 1e15, 1.8e19, 2e19, 1e25, 1e30, 3e38, 3.4028235e38, inf]
line = [s * m for m in magnitudes for s in (1.0, -1.0)] + [nan]
# PyTorch's own GELU loses the digits of the lower tail in float64, too.
truths = {"gelu": lambda x: x * torch.special.erfc(x * -math.sqrt(0.5)) / 2}
for name, f in [
        ("abs", torch.abs), ("neg", torch.neg), ("exp", torch.exp), ("log", torch.log), ("sqrt", torch.sqrt),
        ("square", torch.square), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("relu", F.relu),
        ("leaky_relu", F.leaky_relu), ("gelu", F.gelu), ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")),
        ("clamp", lambda x: x.clamp(-0.55, 0.75)), ("clamp_min", lambda x: x.clamp_min(-0.55)),
        ("clamp_max", lambda x: x.clamp_max(0.75)), ("rdiv_1", lambda x: 1 / x), ("add_1", lambda x: x + 1),
        ("mul_1e30", lambda x: x * 1e30), ("div_3", lambda x: x / 3), ("div_0", lambda x: x / 0.0),
        ("isnan", torch.isnan), ("isfinite", torch.isfinite)] + [
            ("pow_%s" % p, lambda x, p=p: x.pow(p)) for p in [0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5, 7]]:
    case(name, f, line, measure="ulp", truth=truths.get(name))

# --- two elements ---
few = [0.0, -0.0, 1e-45, -1e-40, 1e-20, 0.5, -1.0, 3.0, -1e20, 3e38, inf, -inf, nan]
left, right = f32([a for a in few for _ in few]), f32([b for _ in few for b in few])
for name, f in [
        ("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div), ("maximum", torch.maximum),
        ("minimum", torch.minimum), ("pow", torch.pow)] + [
            (name, getattr(torch, name)) for name in ["eq", "ne", "lt", "le", "gt", "ge"]]:
    case(name, f, left, right, measure="ulp")
case("where_gt", lambda x, y: torch.where(x > y, x, y), left, right, measure="ulp")
case("where_log", lambda x: torch.where(x > 0, x.log(), torch.zeros_like(x)), few, measure="ulp")
case("masked_inf", lambda x: x.masked_fill(x < 0, -inf).softmax(0), [1.0, -1.0, 2.0, -3.0], measure="out")

# --- reductions ---
lists = {
    "plain": Sequence(9000, 0, 1), "offset": Sequence(9000, 1e4, 1), "far": Sequence(500, 1e6, 1), "wide": Sequence(5000, 0, 1e30),
    "offset_short": Sequence(100, 1e4, 1), "constant": [0.1] * 99, "constant_far": [12345.678] * 100,
    "two": [1.0, 2.0], "one": [3.0], "cancel": [1e20, 1.0, -1e20, 2.0], "large": [3e38, 3e38, 3e38, 2e38],
    "large_even": [3e38, -3e38] * 40, "subnormal": [1e-40, 2e-40, -3e-41, 1e-45], "tiny": [1e-30, 2e-30, 4e-30],
    "outlier": [1e8] + [1.0] * 200, "negative_zero": [-0.0, -0.0], "zeros": [0.0, -0.0, 0.0],
    "inf": [1.0, inf, 2.0], "both_inf": [inf, -inf, 1.0], "nan": [1.0, nan, inf, -2.0], "last_nan": [5.0, inf, -inf, nan],
    "all_nan": [nan, nan], "ties": [2.0, 7.0, 7.0, -1.0, -1.0]}
for label, x in lists.items():
    for name, f in [
            ("sum", torch.sum), ("mean", torch.mean), ("var", torch.var), ("std", torch.std), ("max", torch.max),
            ("min", torch.min), ("norm_1", lambda x: x.norm(1)), ("norm_2", lambda x: x.norm(2)), ("norm_3", lambda x: x.norm(3)),
            ("norm_inf", lambda x: x.norm(inf)), ("argmax", torch.argmax), ("argmin", torch.argmin),
            ("var_biased", lambda x: x.var(unbiased=False)), ("std_biased", lambda x: x.std(unbiased=False)),
            ("any", lambda x: (x != 0).any()), ("max0", lambda x: x.max(0)[0]), ("min0", lambda x: x.min(0)[0])]:
        case("%s:%s" % (name, label), f, x)
    if isinstance(x, Sequence):
        continue
    rows = f32(x).reshape(1, -1).repeat(3, 1) * f32([[1.0], [-1.0], [0.5]])
    if len(x) > 90:
        rows = rows[:, :40]
    for d in [0, 1]:
        y = rows.t().contiguous() if d == 0 else rows
        case("sum[%d]:%s" % (d, label), lambda x: x.sum(d), y)
        case("mean[%d]:%s" % (d, label), lambda x: x.mean(d), y)
        case("var[%d]:%s" % (d, label), lambda x: x.var(d), y)

# --- softmax and losses ---
logits = {
    "plain": normal(4, 3).tolist(), "1e4": [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 9999.0], [1e4, 9990.0, 9900.0]],
    "far": normal(4, 3, mean=1e4).tolist(), "range": [[0.0, -87.0, -88.0], [0.0, -103.0, -104.0], [0.0, -20.0, -17.0], [0.0, 0.0, -200.0]],
    "small": [[1e-7, 2e-7, 0.0], [1e-40, 1e-45, 0.0], [1e-3, 0.0, 0.0], [-0.0, 0.0, 0.0]],
    "max": [[3e38, -3e38, 0.0], [3e38, 3e38, 3e38], [-3e38, -3e38, -3e38], [3e38, 2e38, 1e38]],
    "-inf": [[-inf, 0.0, 1.0], [-inf, -inf, 2.0], [-inf, -inf, -inf], [0.0, -inf, 0.0]],
    "inf": [[inf, 0.0, 1.0], [inf, inf, 0.0], [inf, -inf, 0.0], [1.0, 2.0, inf]],
    "nan": [[nan, 0.0, 1.0], [0.0, nan, inf], [-inf, -inf, nan], [1.0, 2.0, 3.0]]}
right_class, wrong_class = torch.tensor([0, 1, 2, 0]), torch.tensor([1, 2, 0, 2])
weight = f32([0.5, 2.0, 1.0])
for label, x in logits.items():
    case("softmax:%s" % label, lambda x: x.softmax(1), x, measure="out")
    case("log_softmax:%s" % label, lambda x: x.log_softmax(1), x)
    case("softmax0:%s" % label, lambda x: x.softmax(0), x)
    case("log_softmax0:%s" % label, lambda x: x.log_softmax(0), x)
    for kind, y in [("right", right_class), ("wrong", wrong_class)]:
        case("cross_entropy_none:%s:%s" % (label, kind), lambda x, y: F.cross_entropy(x, y, reduction="none"), x, y)
        case("cross_entropy:%s:%s" % (label, kind), F.cross_entropy, x, y)
        case("cross_entropy_sum:%s:%s" % (label, kind), lambda x, y: F.cross_entropy(x, y, reduction="sum"), x, y)
        case("cross_entropy_smooth:%s:%s" % (label, kind), lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), x, y)
        case("nll_loss:%s:%s" % (label, kind), F.nll_loss, x, y)
    case("cross_entropy_soft:%s" % label, F.cross_entropy, x, torch.tensor([[0.25, 0.75, 0], [0, 1, 0], [0.5, 0.5, 0], [1, 0, 0]]))
    if label not in ("inf", "nan"):  # there PyTorch gives ignored rows a gradient of NaN
        case("cross_entropy_ignored:%s" % label, lambda x, y: F.cross_entropy(x, y, ignore_index=0), x, right_class)
case("cross_entropy_ignored:all", lambda x, y: F.cross_entropy(x, y, ignore_index=0), normal(2, 3), torch.tensor([0, 0]))
scores = [s * m for m in [0, 1e-45, 1e-40, 1e-10, 1e-5, 0.1, 1, 5, 15, 17, 40, 88, 90, 104, 1e4, 1e10, 3e38, inf] for s in (1.0, -1.0)] + [nan]


def exact_bce(p, reduce):
    """PyTorch's formula subtracts what is nearly equal where a confident x is right; not so this one."""
    def loss(x, t):
        linear = torch.where(x > 0, (1 - t) * x, -p * t * x)
        return reduce(linear + (1 + (p - 1) * t) * torch.log1p(torch.exp(-torch.where(x > 0, x, -x))))
    return lambda x, y: loss(x, y.detach())


for t in [0.0, 1.0, 0.25]:
    target = [t] * len(scores)
    case("bce_none", lambda x, y: F.binary_cross_entropy_with_logits(x, y.detach(), reduction="none"), scores, target,
         measure="ulp", truth=exact_bce(1, lambda z: z))
    case("bce", lambda x, y: F.binary_cross_entropy_with_logits(x, y.detach()), scores[:-3], target[:-3],
         truth=exact_bce(1, torch.mean))
    case("bce_pos", lambda x, y: F.binary_cross_entropy_with_logits(x, y.detach(), pos_weight=x.new_tensor(3.0), reduction="none"),
         scores, target, measure="ulp", truth=exact_bce(3, lambda z: z))
for name, f in [("mse", F.mse_loss), ("l1", F.l1_loss)]:
    case(name + "_none", lambda x, y: f(x, y, reduction="none"), left, right, measure="ulp")
    case(name, f, [1e4 + 1, 1e4, 3.0], [1e4, 1e4 - 1, 3.5])
    case(name, f, [1.0, inf], [2.0, 0.0])
    case(name, f, [1.0, nan], [2.0, 0.0])
    case(name, f, [3e38, 1.0], [-3e38, 1.0])
    case(name, f, [1e-30, 2e-30], [0.0, 0.0])
    case(name + "_sum", lambda x, y: f(x, y, reduction="sum"), [1e-40, -1e-40], [0.0, 0.0])

# --- windows ---
image = f32([[[1.0, nan, -inf, 2.0], [inf, 3.0, -inf, -inf], [1e-45, -0.0, 0.0, -1e-45], [nan, nan, 1e-40, 3e38]]])
finite = f32([[[1.0, 2.0, 3e38, 3e38], [3.0, -1.0, 3e38, 2e38], [1e-45, -0.0, 1e-40, 2e-40], [0.0, 1e-42, 3e-40, 1e-40]]])
for label, x in [("special", image), ("finite", finite), ("-inf", torch.full((1, 4, 4), -inf))]:
    case("max_pool:%s" % label, lambda x: F.max_pool2d(x, 2), x)
    case("max_pool_3:%s" % label, lambda x: F.max_pool2d(x, 3, 1, 1), x)
    case("avg_pool:%s" % label, lambda x: F.avg_pool2d(x, 2), x, measure="out")
    case("avg_pool_3:%s" % label, lambda x: F.avg_pool2d(x, 3, 1, 1), x, measure="out")
    case("adaptive_avg_pool:%s" % label, lambda x: F.adaptive_avg_pool2d(x, 1), x)

# --- products and convolutions: special values stay where they belong ---
def spotted(shape, spots, scale=1.0):
    x = normal(*shape, std=scale)
    for index, value in spots:
        x.reshape(-1)[index] = value
    return x


def product(name, f, *inputs):
    case(name, f, *inputs, measure="product")


for label, spots in [("nan", [(7, nan)]), ("inf", [(3, inf), (20, -inf)]), ("large", [(5, 3e38)]), ("subnormal", [(i, 1e-40 * i) for i in range(18)])]:
    product("linear:%s" % label, F.linear, spotted((5, 6), spots), normal(4, 6), normal(4))
    product("matmul:%s" % label, torch.matmul, spotted((5, 6), spots), normal(6, 3))
    product("matmul_t:%s" % label, lambda x, y: x @ y.t(), spotted((5, 6), spots), normal(7, 6))
    product("matmul_vector:%s" % label, torch.matmul, spotted((5, 6), spots), normal(6))
    product("linear_weight:%s" % label, F.linear, normal(3, 6), spotted((5, 6), spots), normal(5))
    x = spotted((1, 4, 5, 6), [(i * 3 + 10, v) for i, v in spots])
    product("conv:%s" % label, lambda x, w: F.conv2d(x, w), x, normal(3, 4, 3, 3))
    product("conv_pad:%s" % label, lambda x, w, b: F.conv2d(x, w, b, padding=1), x, normal(2, 4, 3, 3), normal(2))
    product("conv_stride:%s" % label, lambda x, w: F.conv2d(x, w, stride=2, padding=2), x, normal(2, 4, 5, 5))
    product("conv_1x1:%s" % label, lambda x, w: F.conv2d(x, w), x, normal(3, 4, 1, 1))
    product("conv_depthwise:%s" % label, lambda x, w: F.conv2d(x, w, padding=1, groups=4), x, normal(4, 1, 3, 3))
    product("conv_groups:%s" % label, lambda x, w: F.conv2d(x, w, padding=1, groups=2), x, normal(4, 2, 3, 3))
    product("conv_dilated:%s" % label, lambda x, w: F.conv2d(x, w, padding=2, dilation=2), x, normal(2, 4, 3, 3))
