#!/usr/bin/env python3
"""Writes golden_ops.txt: every operation of the tensor core on small inputs, as PyTorch computes it.

    case NAME [nocheck]        nocheck: not differentiable there (ties, corners), no central differences
    in f64 3 4 | values        an input; `const` after the dtype: no gradient
    out f64 3 4 | values
    grad 0 | values            of sum(out * sqrt(1, 2, 3, ...)) with respect to input 0; no '|': none

test_ops.cpp has the same names. Usage: golden_ops.py > golden_ops.txt
"""
import collections
import math
import warnings
import zlib

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
rng = np.random.RandomState()
drawn = collections.Counter()
NAMES = {torch.float64: "f64", torch.float32: "f32", torch.int64: "i64", torch.bool: "bool", torch.uint8: "u8"}
inf, nan = math.inf, math.nan


def text(value):
    return repr(float("%.12g" % float(value))).removesuffix(".0")


def draw(spec):
    """'n:3,4' normal-like; p positive; k away from 0; d all different; i integers; b bools; u uint8;
    a capital letter: no gradient; 'v:1,2,nan' these values."""
    kind, _, sizes = spec.partition(":")
    const = kind.isupper() or kind in "ibu"
    if kind in "vV":
        return torch.tensor([float(v) for v in sizes.split(",")], dtype=torch.float64), const
    shape = [int(s) for s in sizes.split(",") if s]
    n = int(np.prod(shape))
    kind = kind.lower()
    if kind == "n":
        values = rng.uniform(-2, 2, n)
    elif kind == "p":
        values = rng.uniform(0.4, 2.5, n)
    elif kind == "k":
        values = rng.uniform(0.15, 2, n) * rng.choice([-1, 1], n)
    elif kind == "d":
        values = (rng.permutation(n) - n / 3) * 0.37
    elif kind == "i":
        return torch.tensor(rng.randint(-3, 4, n)).reshape(shape), True
    elif kind == "u":
        return torch.tensor(rng.randint(0, 256, n), dtype=torch.uint8).reshape(shape), True
    elif kind == "b":
        return torch.tensor(rng.randint(0, 2, n) == 1, dtype=torch.bool).reshape(shape), True
    return torch.tensor(np.round(values, 3), dtype=torch.float64).reshape(shape), const


def show(word, t, extra=""):
    sizes = "".join(" %d" % s for s in t.shape)
    values = "".join(" " + text(v) for v in t.detach().reshape(-1).tolist())
    print("%s %s%s%s |%s" % (word, NAMES[t.dtype], extra, sizes, values))


def case(name, function, *input_lists, check=True):
    for inputs in input_lists or ((),):
        rng.seed(zlib.crc32(b"%s %d" % (name.encode(), drawn[name])))  # others do not depend on this one
        drawn[name] += 1
        print("case %s%s" % (name, "" if check else " nocheck"))
        tensors = []
        for spec in [inputs] if isinstance(inputs, (str, torch.Tensor)) else inputs:
            t, const = draw(spec) if isinstance(spec, str) else (spec, not spec.is_floating_point())
            tensors.append(t if const else t.clone().requires_grad_())
            show("in", t, " const" if const and t.is_floating_point() else "")
        out = function(*tensors)
        show("out", out)
        if not out.requires_grad:
            continue
        weights = torch.arange(1, out.numel() + 1, dtype=torch.float64).sqrt().to(out.dtype).reshape(out.shape)
        (out * weights).sum().backward()
        for i, t in enumerate(tensors):
            if t.requires_grad:
                values = "" if t.grad is None else " |" + "".join(" " + text(v) for v in t.grad.reshape(-1).tolist())
                print("grad %d%s" % (i, values))


def table(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


corners = "v:-inf,-1,-0.0,0,0.5,1,inf,nan"

# --- arithmetic ---
pairs = [("3,4", "3,4"), ("3,4", "4"), ("2,1,3", "4,1"), ("3", ""), ("", "2,2"), ("", ""), ("1", "1,1"), ("2,0", "1")]
for name, f, a, b in [
        ("add", torch.add, "n", "n"), ("sub", torch.sub, "n", "n"), ("mul", torch.mul, "n", "n"),
        ("div", torch.div, "n", "k"), ("pow", torch.pow, "p", "n"),
        ("maximum", torch.maximum, "n", "n"), ("minimum", torch.minimum, "n", "n")]:
    case(name, f, *[("%s:%s" % (a, s), "%s:%s" % (b, t)) for s, t in pairs])
    case(name, f, ("i:5", "u:5") if name != "pow" else (table([2, -3, 0], torch.int64), table([3, 2, 0], torch.int64)))
for name in ["maximum", "minimum"]:
    case(name, getattr(torch, name), ("v:1,2,3,nan,1,nan,-inf", "v:1,3,2,1,nan,nan,-inf"), check=False)
case("div", torch.div, ("v:1e-20,1e20,0,1", "v:1e-160,1e160,0,0"), check=False)
case("pow", torch.pow, ("v:0,0,0,2,-2,-2", "v:0,2,-1,0,2,3"), check=False)
square = ["n:2,3", "n:", "n:0", "i:4", "u:3"]
for name, f in [
        ("add_2.5", lambda x: x + 2.5), ("add_3", lambda x: x + 3), ("sub_2.5", lambda x: x - 2.5),
        ("sub_3", lambda x: x - 3), ("mul_-1.5", lambda x: x * -1.5), ("mul_3", lambda x: x * 3),
        ("div_-2.5", lambda x: x / -2.5), ("div_2", lambda x: x / 2), ("radd_2.5", lambda x: 2.5 + x),
        ("rsub_2.5", lambda x: 2.5 - x), ("rsub_3", lambda x: 3 - x), ("rmul_2.5", lambda x: 2.5 * x),
        ("neg", torch.neg)]:
    case(name, f, *square)
case("add_true", lambda x: x + True, "n:3", "i:3", "b:4")
case("mul_true", lambda x: x * True, "n:3", "i:3", "b:4")
case("add", torch.add, ("b:6", "b:6"), ("b:3", "i:3"), ("i:4", "n:4"))
case("mul", torch.mul, ("b:6", "b:6"), ("b:3", "n:3"))
case("rdiv_2.5", lambda x: 2.5 / x, "k:2,3", "k:", table([1, 2, -4], torch.int64))
case("rdiv_0", lambda x: 0 / x, "k:3")
case("rdiv_2.5", lambda x: 2.5 / x, "v:1e-180,1e180", check=False)
for p in [0, 1, 2, 3, -1, -2, 0.5, 2.5, -0.5]:
    case("pow_%s" % p, lambda x: x.pow(p), "p:2,3", "p:")
    if p == int(p):
        case("pow_%s" % p, lambda x: x.pow(p), "k:2,3")
    case("pow_%s" % p, lambda x: x.pow(p), "v:0,-0.0,1,inf,nan", check=False)
    if p >= 0 and p == int(p):
        case("pow_%s" % p, lambda x: x.pow(p), "i:5", "u:3")
case("pow_2.0", lambda x: x.pow(2.0), "i:3", "n:3")

# --- in place ---
for name, f in [
        ("add_", lambda x, y: x.add_(y)), ("sub_", lambda x, y: x.sub_(y)), ("mul_", lambda x, y: x.mul_(y)),
        ("div_", lambda x, y: x.div_(y)), ("copy_", lambda x, y: x.copy_(y))]:
    case(name, lambda x, y: f(x.clone(), y), ("n:3,4", "k:3,4"), ("n:3,4", "k:4"), ("n:2,4,3", "k:4,1"), ("n:3", "k:"),
         ("n:", "k:"), ("n:0,2", "k:2"), ("n:3", table([2, -1, 1], torch.int64)))
case("mul_", lambda x, y: x.clone().mul_(y), ("n:2,2", "b:2,2"), ("i:3", "b:3"), ("b:3", "b:3"))
case("add_", lambda x, y: x.clone().add_(y), ("i:4", "i:4"), ("i:4", "u:1"), ("u:4", "i:4"), ("i:2", "b:2"))
case("copy_", lambda x, y: x.clone().copy_(y), ("i:4", "N:4"), ("b:3", "i:3"), ("u:3", "V:1.7,2.2,255.5"))
for name, f in [
        ("add_2.5_", lambda x: x.add_(2.5)), ("sub_2.5_", lambda x: x.sub_(2.5)), ("mul_2.5_", lambda x: x.mul_(2.5)),
        ("div_2.5_", lambda x: x.div_(2.5)), ("neg_", lambda x: x.neg_()), ("exp_", lambda x: x.exp_()),
        ("relu_", lambda x: x.relu_()), ("sigmoid_", lambda x: x.sigmoid_()), ("tanh_", lambda x: x.tanh_()),
        ("clamp_", lambda x: x.clamp_(-0.5, 0.75)), ("fill_", lambda x: x.fill_(1.25)), ("zero_", lambda x: x.zero_()),
        ("pow_3_", lambda x: x.pow_(3)), ("operators", lambda x: x.add_(1).sub_(0.5).mul_(3).div_(2))]:
    case(name, lambda x: f(x.clone()), "k:3,4", "k:", "k:0")
case("sqrt_", lambda x: x.clone().sqrt_(), "p:2,3")
case("add_2_", lambda x: x.clone().add_(2), "i:4", "u:4")
case("fill_", lambda x: x.clone().fill_(1.25), "i:2", "b:2")

# --- element by element ---
for name, f, domain in [
        ("abs", torch.abs, "k"), ("exp", torch.exp, "n"), ("log", torch.log, "p"), ("sqrt", torch.sqrt, "p"),
        ("square", torch.square, "n"), ("sigmoid", torch.sigmoid, "n"), ("tanh", torch.tanh, "n"),
        ("relu", torch.relu, "k"), ("leaky_relu", F.leaky_relu, "k"),
        ("leaky_relu_0.3", lambda x: F.leaky_relu(x, 0.3), "k"), ("gelu", F.gelu, "n"),
        ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), "n"),
        ("clamp", lambda x: x.clamp(-0.5, 0.75), "n"), ("clamp_min", lambda x: x.clamp_min(-0.5), "n"),
        ("clamp_max", lambda x: x.clamp_max(0.75), "n")]:
    case(name, f, *["%s:%s" % (domain, s) for s in ["3,5", "2,3,2", "", "1", "0", "2,0"]])
    case(name, f, corners, check=False)
for name, f in [("exp", torch.exp), ("sqrt", torch.sqrt), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("log", torch.log)]:
    case(name, f, table([0, 1, 4], torch.int64), "b:3")
case("abs", torch.abs, "i:5", "u:3")
case("relu", torch.relu, "i:5")
case("square", torch.square, "i:5")
case("exp", torch.exp, "v:-800,-700,700,800", check=False)
case("sigmoid", torch.sigmoid, "v:-800,-40,40,800", check=False)
case("tanh", torch.tanh, "v:-800,-20,1e-9,20,800", check=False)
case("gelu", F.gelu, "v:-40,-8,8,40", check=False)
# No gradient passes at a bound, as in PyTorch 2.15.
case("clamp", lambda x: torch.where((x == -0.5) | (x == 0.75), x.detach(), x).clamp(-0.5, 0.75), "i:5", "v:-0.5,0.75",
     check=False)
case("clamp_int", lambda x: x.clamp(-1, 2), "n:4", "i:5", "u:3")
case("clamp_crossed", lambda x: x.clamp(1, -1), "n:4", check=False)
case("masked_fill", lambda x, m: x.masked_fill(m, 2.5), ("n:2,3", "b:2,3"), ("n:2,3", "b:3"), ("n:", "b:"), ("i:4", "b:4"), ("n:0", "b:0"))
case("where", torch.where, ("b:3,4", "n:3,4", "n:3,4"), ("b:4", "n:3,1", "n:4"), ("b:3,1", "n:", "n:2"), ("b:", "n:", "n:"),
     ("b:3", "i:3", "i:3"), ("b:3", "n:3", "i:3"), ("b:0", "n:0", "n:0"))
case("where", torch.where, ("b:4", "v:nan,1,inf,2", "v:3,nan,4,-inf"), check=False)

# --- comparisons ---
ties = ("v:1,2,3,nan,inf,-0.0", "v:1,3,2,nan,inf,0")
for name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    f = getattr(torch, name)
    case(name, f, ties, ("i:3,4", "i:4"), ("b:4", "b:4"), ("N:3", "i:3"), ("u:3", "i:3"), ("i:", "n:2"), ("i:0", "i:0"))
    case(name + "_1", lambda x: f(x, 1), "i:6", "b:4", "v:1,0.5,nan", "u:3")
    case(name + "_0.5", lambda x: f(x, 0.5), "i:6", "b:4", "v:1,0.5,nan", "u:3")
for name in ["logical_not", "isnan", "isfinite"]:
    case(name, getattr(torch, name), corners, "i:5", "b:4", "n:", "n:0")

# --- reductions ---
dims = [(None, False), ((0,), False), ((1,), True), ((-1,), False), ((0, 2), False), ((0, 2), True), ((1, 2), False),
        ((2, 0, 1), False), ((0, 1, 2), True)]


def label(name, d, keep):
    return name + ("" if d is None else "[" + ",".join(map(str, d)) + "]") + ("k" if keep else "")


for d, keep in dims:
    shapes = ["2,3,4"] + ([] if d is None or len(d) > 1 or d[0] == 1 else ["4,3", "5"])
    empty = ["0,2,3"] if d in ((0,), (0, 2)) else []
    to = {} if d is None else {"dim": d, "keepdim": keep}
    case(label("sum", d, keep), lambda x: x.sum(**to), *["n:" + s for s in shapes + empty], "i:2,3,4", "b:2,3,4", "u:2,3,4")
    case(label("mean", d, keep), lambda x: x.mean(**to), *["n:" + s for s in shapes])
    case(label("var", d, keep), lambda x: x.var(**to), *["n:" + s for s in shapes])
    case(label("var_biased", d, keep), lambda x: x.var(unbiased=False, **to), *["n:" + s for s in shapes])
    case(label("std", d, keep), lambda x: x.std(**to), *["n:" + s for s in shapes])
    case(label("std_biased", d, keep), lambda x: x.std(unbiased=False, **to), *["n:" + s for s in shapes])
    for p in [1, 2, 3, inf]:
        case(label("norm_%s" % p, d, keep), lambda x: x.norm(p, **to), *["d:" + s for s in shapes])
for name, f in [("sum", torch.sum), ("mean", torch.mean), ("norm_2", torch.norm), ("max", torch.max), ("min", torch.min)]:
    case(name, f, "k:", "k:1")
case("sum", torch.sum, "n:0", "n:2,0")
case("sum", torch.sum, "v:1,inf,nan", "v:inf,-inf", check=False)
case("mean", torch.mean, "n:0", check=False)
case("var", torch.var, "V:5", "N:0")
case("var_biased", lambda x: x.var(unbiased=False), "v:5", check=False)
case("var", torch.var, "v:10000.1,10000.2,10000.4,10000.7", check=False)
case("std", torch.std, "v:0.5,0.5,0.5", "v:nan,1", check=False)
case("norm_0.5", lambda x: x.norm(0.5), "k:4")
case("norm_0.5", lambda x: x.norm(0.5), "v:0,2,-3", check=False)
for p in [1, 2, 3, inf]:
    case("norm_%s" % p, lambda x: x.norm(p), "v:0,0,0", "v:0,2,-2", "v:1,nan", check=False)
for name in ["max", "min"]:
    f = getattr(torch, name)
    case(name, f, "d:2,3,4", "i:2,3", "u:4", "b:3")
    case(name, f, "v:2,1,2,1", "v:1,nan,0,nan", "v:inf,-inf,inf", check=False)
    for d, keep in [(0, False), (1, True), (-1, False)]:
        tag = "[%d]%s" % (d, "k" if keep else "")
        case(name + tag, lambda x: f(x, d, keepdim=keep)[0], "d:2,3,4", "i:3,4", "u:3,4")
        case(name + "_index" + tag, lambda x: f(x, d, keepdim=keep)[1], "d:2,3,4", "i:3,1,4")
    case(name + "[0]", lambda x: f(x, 0)[0], "k:")
    case(name + "[0]", lambda x: f(x, 0)[0], "v:1,2,2,0,0", "v:1,nan,0,nan", check=False)
    case(name + "_index[0]", lambda x: f(x, 0)[1], "v:1,2,2,0,0", "v:1,nan,0,nan", "k:")
    g = getattr(torch, "arg" + name)
    case("arg" + name, g, "d:2,3,4", "i:3", "v:1,2,2,0,0", "v:1,nan,0,nan", "k:", "u:3")
    for d, keep in [(0, False), (1, True), (-2, False)]:
        case("arg%s[%d]%s" % (name, d, "k" if keep else ""), lambda x: g(x, d, keepdim=keep), "d:2,3,4", "d:3,4")
for name in ["any", "all"]:
    f = getattr(torch, name)
    case(name, f, "b:4", "b:", "b:0", "i:3", "v:0,nan", "v:0,0", "b:2,2", table([True, True], torch.bool), table([False], torch.bool))
    for d, keep in [(0, False), (1, True), (-1, False)]:
        case("%s[%d]%s" % (name, d, "k" if keep else ""), lambda x: f(x, d, keepdim=keep), "b:3,4", "b:2,2,3", "b:0,2", "i:2,3")
for name in ["softmax", "log_softmax"]:
    f = getattr(torch, name)
    for d in [0, 1, -1]:
        case("%s[%d]" % (name, d), lambda x: f(x, d), "n:3,4", "n:2,3,2", "n:1,1", "n:0,3")
    case(name + "[0]", lambda x: f(x, 0), "n:", "n:3")
    case(name + "[0]", lambda x: f(x, 0), "v:1000,1001,999", "v:-inf,0,1", "v:-inf,-inf", "v:nan,1", "v:inf,1", check=False)

# --- matrices ---
case("matmul", torch.matmul, ("n:3", "n:3"), ("n:3", "n:3,2"), ("n:2,3", "n:3"), ("n:2,3", "n:3,4"), ("n:1,3", "n:3,1"),
     ("n:4,2,3", "n:3"), ("n:3", "n:4,3,2"), ("n:4,2,3", "n:3,5"), ("n:2,3", "n:4,3,2"), ("n:4,2,3", "n:4,3,2"),
     ("n:2,1,2,3", "n:3,3,2"), ("n:1,2,3", "n:1,3,2"), ("n:2,0", "n:0,3"), ("n:0,2", "n:2,3"), ("n:2,3,0", "n:0,2"),
     ("n:0,2,3", "n:0,3,2"), ("n:2,0,3", "n:3,2"), ("n:0", "n:0"), ("i:2,3", "i:3,2"), ("i:3", "i:3"), ("u:2,2", "u:2,2"),
     ("n:5,1", "n:1,5"), ("n:1,1", "n:1,1"), ("n:9,17", "n:17,5"))
case("matmul_tn", lambda x, y: x.t() @ y, ("n:3,2", "n:3,4"))
case("matmul_nt", lambda x, y: x @ y.t(), ("n:2,3", "n:4,3"))
case("matmul_tt", lambda x, y: x.t() @ y.t(), ("n:3,2", "n:4,3"))
case("matmul_column", lambda x, y: x.select(1, 1) @ y, ("n:3,4", "n:3,2"))
case("matmul_rows", lambda x, y: x[::2] @ y, ("n:5,3", "n:3,2"))
case("matmul_expanded", lambda x, y: x.expand(3, 3) @ y, ("n:3", "n:3,2"), ("n:1", "n:3,2"))
case("matmul_permuted", lambda x, y: x.permute(2, 0, 1) @ y, ("n:2,3,4", "n:3,2"))
case("linear", F.linear, ("n:4,3", "n:2,3"), ("n:3", "n:2,3"), ("n:2,4,3", "n:5,3"), ("n:0,3", "n:2,3"),
     ("n:4,3", "n:2,3", "n:2"), ("n:3", "n:2,3", "n:2"), ("n:2,2,3", "n:1,3", "n:1"), ("n:4,0", "n:2,0", "n:2"), ("N:4,3", "n:2,3", "n:2"))

# --- joins and picks ---
case("cat[0]", lambda *x: torch.cat(x, 0), ("n:2,3", "n:1,3", "n:3,3"), ("n:2",), ("n:2", "n:3"), ("n:0,2", "n:2,2"), ("i:2", "i:1"),
     ("n:2", "i:3"), ("b:2", "i:2"), ("n:0", "n:2,3"), ("n:1", "n:1", "n:1", "n:1", "n:1", "n:1"))
case("cat[1]", lambda *x: torch.cat(x, 1), ("n:2,3", "n:2,1"), ("n:2,1,2", "n:2,2,2"))
case("cat[-1]", lambda *x: torch.cat(x, -1), ("n:2,3", "n:2,1"))
for d in [0, 1, -1]:
    case("stack[%d]" % d, lambda *x: torch.stack(x, d), ("n:2,3", "n:2,3"), ("n:3", "n:3", "n:3"), ("i:2", "i:2"))
case("stack[0]", lambda *x: torch.stack(x, 0), ("n:", "n:"), ("n:0", "n:0"))
ints = lambda *values: torch.tensor(values)
case("index_select[0]", lambda x, i: x.index_select(0, i), ("n:4,3", ints(2, 0, 2, 3)), ("n:4", ints(1)), ("n:3,2", ints().long()), ("i:4", ints(3, 0)))
case("index_select[1]", lambda x, i: x.index_select(1, i), ("n:2,4", ints(1, 1)), ("n:2,3,2", ints(2, 0)))
case("index_select[-1]", lambda x, i: x.index_select(-1, i), ("n:2,3,2", ints(1, 0, 1)))
case("gather[0]", lambda x, i: x.gather(0, i), ("n:3,2", torch.tensor([[0, 2], [1, 1]])), ("n:4", ints(3, 3, 0)), ("b:3", ints(2, 1)))
case("gather[1]", lambda x, i: x.gather(1, i), ("n:2,3", torch.tensor([[0, 2, 2, 1]])), ("n:2,3,2", torch.tensor([[[0, 1]], [[2, 2]]])))
case("gather[-1]", lambda x, i: x.gather(-1, i), ("n:2,3", torch.tensor([[2], [0]])))

# --- views and copies ---
for name, f, shapes in [
        ("reshape", lambda x: x.reshape(4, -1), ["2,6", "3,4", "12", "2,2,3"]),
        ("reshape_t", lambda x: x.transpose(0, 1).reshape(-1), ["2,6", "3,4", "2,1,3"]),
        ("view", lambda x: x.view(2, -1, 3), ["6,2", "12"]),
        ("view_0d", lambda x: x.view(()), ["1", "1,1"]),
        ("view_strided", lambda x: x[:, ::2].view(x.shape[0], 2, -1), ["3,8", "2,4"]),
        ("flatten", lambda x: x.flatten(), ["2,3,2", "", "3", "0,2"]),
        ("flatten[1,2]", lambda x: x.flatten(1, 2), ["2,3,2", "2,3,2,1"]),
        ("flatten[-2]", lambda x: x.flatten(-2), ["2,3,2", "3,1"]),
        ("transpose[0,1]", lambda x: x.transpose(0, 1), ["2,3", "2,3,4"]),
        ("transpose[-1,0]", lambda x: x.transpose(-1, 0), ["2,3", "2,3,4", "3"]),
        ("t", lambda x: x.t(), ["2,3", "3", ""]),
        ("permute", lambda x: x.permute(2, 0, -2), ["2,3,4"]),
        ("squeeze", lambda x: x.squeeze(), ["1,3,1", "2,2", "1", ""]),
        ("squeeze[1]", lambda x: x.squeeze(1), ["2,1,3", "2,3"]),
        ("squeeze[-1]", lambda x: x.squeeze(-1), ["2,1", "", "3"]),
        ("unsqueeze[0]", lambda x: x.unsqueeze(0), ["2,3", ""]),
        ("unsqueeze[-1]", lambda x: x.unsqueeze(-1), ["2,3", ""]),
        ("unsqueeze[1]", lambda x: x.unsqueeze(1), ["2,3", "3"]),
        ("narrow", lambda x: x.narrow(1, 1, 2), ["2,4", "3,3,2"]),
        ("narrow_back", lambda x: x.narrow(-1, -2, 1), ["2,4"]),
        ("narrow_none", lambda x: x.narrow(0, 2, 0), ["2,4", "3"]),
        ("select[0,1]", lambda x: x.select(0, 1), ["2,4", "3", "2,2,2"]),
        ("select[-1,-2]", lambda x: x.select(-1, -2), ["2,4", "3"]),
        ("index", lambda x: x[1], ["2,4", "3"]),
        ("slice", lambda x: x[1:5:2], ["6,2", "3", "5"]),
        ("slice_back", lambda x: x[:, -3:-1], ["2,5"]),
        ("slice_over", lambda x: x[3:100:7], ["6,2", "2"]),
        ("expand", lambda x: x.expand(2, 3, -1), ["3,2", "1,4", "2,1,3"]),
        ("expand_0d", lambda x: x.expand(2, 2), ["", "1", "2"]),
        ("expand_none", lambda x: x.expand(0, 3), ["3", "1,1"]),
        ("clone", lambda x: x.clone(), ["2,3", "", "0"]),
        ("contiguous", lambda x: x.t().contiguous(), ["2,3", "3"]),
        ("chain", lambda x: x.t()[1:].unsqueeze(0).expand(2, -1, -1).permute(1, 2, 0).reshape(-1), ["2,3"])]:
    case(name, f, *["n:" + s for s in shapes], "i:" + shapes[0])
case("detach", lambda x: x.detach() * 2, "n:3")
case("to_f64", lambda x: x.to(torch.float64), "n:3", "i:3", "b:3", "u:3")
case("to_f32", lambda x: x.to(torch.float32) * 2, "n:3", "i:3", check=False)
case("to_i64", lambda x: x.to(torch.int64), "V:-1.9,-0.5,0.5,1.9,300", "b:3", "u:3")
case("to_u8", lambda x: x.to(torch.uint8), "V:0,1.9,255,256,300.5,-1,-1.5", "i:5", "b:3")
case("to_bool", lambda x: x.to(torch.bool), "V:0,-0.0,0.5,nan,-3", "i:5", "u:3")

# --- creation ---
case("arange_5", lambda: torch.arange(5))
case("arange_5.0", lambda: torch.arange(5.0))
case("arange_1_10_3", lambda: torch.arange(1, 10, 3))
case("arange_5_0_-2", lambda: torch.arange(5, 0, -2))
case("arange_0_1_0.25", lambda: torch.arange(0, 1, 0.25))
case("arange_1_1", lambda: torch.arange(1, 1))
case("arange_f64", lambda: torch.arange(0.5, 3, 0.7, dtype=torch.float64))
case("arange_i64", lambda: torch.arange(0.5, 3.7, 1, dtype=torch.int64))
case("arange_u8", lambda: torch.arange(250, 256, dtype=torch.uint8))
case("linspace_5", lambda: torch.linspace(-1, 1, 5))
case("linspace_f64", lambda: torch.linspace(0, 1, 4, dtype=torch.float64))
case("linspace_1", lambda: torch.linspace(3, 5, 1))
case("linspace_0", lambda: torch.linspace(3, 5, 0))
case("linspace_i64", lambda: torch.linspace(0, 10, 4, dtype=torch.int64))
case("eye_3", lambda: torch.eye(3))
case("eye_2_3", lambda: torch.eye(2, 3, dtype=torch.float64))
case("eye_3_2", lambda: torch.eye(3, 2, dtype=torch.int64))
case("full", lambda: torch.full((2, 2), 2.5))
case("full_i64", lambda: torch.full((2,), 7, dtype=torch.int64))
case("zeros_bool", lambda: torch.zeros(2, 0, 3, dtype=torch.bool))
case("ones_like", torch.ones_like, "i:2,3")
case("zeros_like", torch.zeros_like, "b:2")
case("full_like", lambda x: torch.full_like(x, 1.5), "N:2,1")
