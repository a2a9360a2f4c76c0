#!/usr/bin/env python3
"""Writes golden_norm_numerics.txt: BatchNorm1d, LayerNorm and GroupNorm where digits are easily lost, as PyTorch computes them in
float32, and as they are: by their formulas in 80 bits. PyTorch's float64 is no measure here, its x * a + b loses digits.

    case NAME batch|eval|layer|group N C L EPS      input [N, C, L]; layer: LayerNorm over the last dimension; group:
                                                    a group for each channel
    fill LINE A B                           channel (or row, for layer) LINE is the sequence() of a and b
    set INDEX VALUE                         one element of the input, row-major
    param NAME | values                     weight, bias, running_mean, running_var, where they are not 1, 0, 0, 1
    got NAME | values                       y, running_mean, running_var, dx, dweight, dbias in float32
    true NAME | values                      and right
    error NAME e                            in place of both in long cases: PyTorch's largest error in float32

Gradients are those of sum(y * w), w = weights(). test_batch_norm_numerics.cpp has the same formulas.
Usage: golden_norm_numerics.py > golden_norm_numerics.txt
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
np.seterr(all="ignore")
inf, nan = math.inf, math.nan
LONG = 400


def sequence(count, line, a, b):
    return [a + b * (((i + 17 * line) * 7919 % 2003) / 1001.0 - 1.0) for i in range(count)]


def weights(count):
    return [((i * 5 + 2) % 11 - 4.5) * 0.125 for i in range(count)]


def show(word, name, values):
    text = lambda v: repr(v).removesuffix(".0")
    print("%s %s |%s" % (word, name, "".join(" " + text(v) for v in values.reshape(-1))))


def parameters(params, channels):
    return {name: params.get(name, [default] * channels) for name, default in [
        ("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)]}


def torch_results(kind, x, params, eps, channels):
    x = torch.from_numpy(x.copy()).requires_grad_()
    p = {name: torch.tensor(values, dtype=torch.float32) for name, values in parameters(params, channels).items()}
    weight, bias = p["weight"].requires_grad_(), p["bias"].requires_grad_()
    if kind == "layer":
        y = F.layer_norm(x, x.shape[-1:], weight, bias, eps)
    elif kind == "group":
        y = F.group_norm(x, channels, weight, bias, eps)
    else:
        y = F.batch_norm(x, p["running_mean"], p["running_var"], weight, bias, kind == "batch", 0.1, eps)
    (y * torch.tensor(weights(y.numel()), dtype=torch.float32).reshape(y.shape)).sum().backward()
    result = {"y": y, "dx": x.grad, "dweight": weight.grad, "dbias": bias.grad}
    if kind == "batch":
        result.update(running_mean=p["running_mean"], running_var=p["running_var"])
    return {name: t.detach().numpy() for name, t in result.items()}


def right_results(kind, x, params, eps, channels):
    f = np.longdouble
    axis = (0, 2) if kind in ("batch", "eval") else 2
    wide = lambda values: np.array(values, np.float32).astype(f).reshape((1, 1, -1) if kind == "layer" else (1, -1, 1))
    p = {name: wide(values) for name, values in parameters(params, channels).items()}
    x, g = x.astype(f), np.array(weights(x.size), f).reshape(x.shape)
    if kind == "eval":
        mean, var = p["running_mean"], p["running_var"]
    else:
        mean = x.mean(axis, keepdims=True)
        var = ((x - mean) ** 2).mean(axis, keepdims=True)
    spread = np.sqrt(var + f(eps))
    # As PyTorch's batch_norm; its layer_norm and group_norm give NaN for a constant group without eps.
    inverse = np.where(spread == 0, f(0), 1 / spread)
    hat = (x - mean) * inverse
    parts = (0, 1) if kind == "layer" else (0, 2)
    result = {"y": hat * p["weight"] + p["bias"], "dweight": (g * hat).sum(parts), "dbias": g.sum(parts)}
    scaled = g * p["weight"]
    if kind == "eval":
        result["dx"] = scaled * inverse
    else:
        result["dx"] = inverse * (scaled - scaled.mean(axis, keepdims=True) - hat * (scaled * hat).mean(axis, keepdims=True))
    if kind == "batch":
        n = x.size // channels
        result["running_mean"] = (f(0.9) * p["running_mean"] + f(0.1) * mean).reshape(-1)
        result["running_var"] = (f(0.9) * p["running_var"] + f(0.1) * var * n / (n - 1)).reshape(-1)
    return result


def case(name, kind, n, c, length, fills, sets=(), eps=1e-5, **params):
    x = np.zeros((n, c, length))
    for line, (a, b) in enumerate(fills):
        if kind == "layer":
            x[line // c, line % c, :] = sequence(length, line, a, b)
        else:
            x[:, line, :] = np.reshape(sequence(n * length, line, a, b), (n, length))
    x = x.astype(np.float32)
    for index, value in sets:
        x.reshape(-1)[index] = value
    print("case %s %s %d %d %d %r" % (name, kind, n, c, length, eps))
    for line, (a, b) in enumerate(fills):
        print("fill %d %r %r" % (line, float(a), float(b)))
    for index, value in sets:
        print("set %d %r" % (index, float(value)))
    for key, value in params.items():
        show("param", key, np.array(value, np.float32))
    channels = length if kind == "layer" else c
    got = torch_results(kind, x, params, eps, channels)
    right = right_results(kind, x, params, eps, channels)
    for key in got:
        if x.size > LONG:
            print("error %s %r" % (key, float(np.abs(got[key] - right[key].reshape(got[key].shape)).max())))
        else:
            show("got", key, got[key])
            show("true", key, right[key].astype(np.float64))


for kind in ["batch", "layer", "group"]:
    def lines(*fills):
        return [fills[i % len(fills)] for i in range(6 if kind == "layer" else 3)]
    shape = {"batch": (12, 3, 2), "layer": (3, 2, 12), "group": (2, 3, 12)}[kind]
    long_shape = {"batch": (700, 3, 7), "layer": (3, 2, 5000), "group": (2, 3, 5000)}[kind]
    weight, bias = (([0.5, 2.0, -1.0] * 4, [3.0, 0.0, -0.25] * 4) if kind == "layer" else ([0.5, 2.0, -1.0], [3.0, 0.0, -0.25]))
    for label, size, extra in [("", shape, {"weight": weight, "bias": bias}), ("_long", long_shape, {})]:
        for name, fills in [
                ("plain", lines((0, 1))), ("1e4", lines((1e4, 1), (-1e4, 1), (1e4, 0.01))),
                ("1e6", lines((1e6, 1), (-1e6, 3), (1e6, 100))), ("1e8", lines((1e8, 100))),
                ("tiny", lines((0, 1e-20), (0, 1e-40), (1e-3, 1e-6))), ("large", lines((0, 1e15), (1e18, 1e17), (-1e15, 1))),
                ("eps", lines((0, 1e-3), (1, 1e-3), (1e4, 1e-3)))]:
            case("%s_%s%s" % (kind, name, label), kind, *size, fills, **extra)
    case("%s_constant" % kind, kind, *shape, lines((0.1, 0), (12345.678, 0), (0, 0)), weight=weight, bias=bias)
    case("%s_constant_subnormal" % kind, kind, *shape, lines((1e-40, 0), (-1e-45, 0), (3e38, 0)), weight=weight, bias=bias)
    case("%s_outlier" % kind, kind, *shape, lines((1, 0.5), (0, 1), (1e4, 1)), sets=[(0, 1e8), (6, -1e4), (70, 2e4)])
    case("%s_nan" % kind, kind, *shape, lines((0, 1)), sets=[(7, nan)])
    case("%s_inf" % kind, kind, *shape, lines((0, 1)), sets=[(7, inf), (20, -inf)])
    if kind != "batch":  # refused
        case("%s_no_eps" % kind, kind, *shape, lines((0, 1e-3), (5, 0.5), (1e4, 1)), eps=0.0)
case("batch_two_values", "batch", 2, 3, 1, [(1e4, 1), (0, 1), (3, 0)])
case("batch_overflow", "batch", 12, 3, 2, [(0, 1e38), (0, 1e25), (3e38, 1e35)])
case("eval_1e4", "eval", 6, 3, 2, [(1e4, 1), (-1e4, 1), (1e6, 1)], running_mean=[1e4, -1e4, 1e6], running_var=[0.3, 1.0, 1e-4])
case("eval_no_variance", "eval", 6, 3, 2, [(0, 1), (1, 1), (1, 0)], running_mean=[0.0, 1.0, 1.0], running_var=[0.0, 1e-45, 0.0])
case("eval_special", "eval", 6, 4, 2, [(0, 1)] * 4, running_mean=[0.0, nan, inf, 0.0], running_var=[inf, 1.0, 1.0, nan])
case("layer_one_value", "layer", 2, 2, 1, [(3, 0), (1e4, 0), (0, 0), (1e-40, 0)], weight=[2.0], bias=[0.5])
case("layer_overflow", "layer", 2, 2, 12, [(0, 1e38), (0, 1e25), (3e38, 1e35), (0, 1)])
