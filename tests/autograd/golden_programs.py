#!/usr/bin/env python3
"""Writes golden_programs.txt: random programs of views, in-place operations and arithmetic, run by PyTorch.

A line is one instruction, `op result operands... | numbers...`; `value name | ...` and `grad name | ...`
at the end of a program are what PyTorch computed for d(sum of weighted outputs)/d(leaf).
Usage: golden_programs.py > golden_programs.txt
"""
import random
import warnings

import torch

warnings.filterwarnings("ignore")
SHAPES = [[4], [2, 3], [3, 2], [2, 2, 3], [1, 3]]


def number(x):
    return repr(float("%.12g" % x)).removesuffix(".0")


def numbers(values):
    return " ".join(number(v) for v in values)


def draw_dim(r, t):
    return r.randrange(t.dim())


def views(r, t):
    """One random view instruction for t: (name, numbers)."""
    kind = r.choice(["select", "narrow", "slice", "transpose", "flatten", "unsqueeze", "expand", "permute",
                     "squeeze", "split_view"])
    if t.dim() == 0:
        return ("unsqueeze", [0])
    if kind in ("flatten", "split_view") and not (t.is_leaf and t._base is None):
        kind = "squeeze"  # whether they are views depends on strides, which PyTorch's results inherit
    d = draw_dim(r, t)
    if kind == "select":
        return (kind, [d, r.randrange(t.size(d))])
    if kind == "narrow":
        start = r.randrange(t.size(d))
        return (kind, [d, start, r.randint(1, t.size(d) - start)])
    if kind == "slice":
        return (kind, [d, r.randrange(t.size(d)), t.size(d), r.randint(1, 2)])
    if kind == "transpose":
        return (kind, [d, draw_dim(r, t)])
    if kind == "unsqueeze":
        return (kind, [r.randint(0, t.dim())])
    if kind == "expand":
        return (kind, [2] + list(t.shape))
    if kind == "permute":
        return (kind, r.sample(range(t.dim()), t.dim()))
    return (kind, [])


UNARY = {
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "square": torch.square, "relu": torch.relu,
    "clone": torch.clone, "detach": torch.Tensor.detach,
    "select": torch.Tensor.select, "narrow": torch.Tensor.narrow, "transpose": torch.Tensor.transpose,
    "flatten": torch.Tensor.flatten, "unsqueeze": torch.Tensor.unsqueeze, "squeeze": torch.Tensor.squeeze,
    "slice": lambda t, d, a, b, s: t[(slice(None),) * d + (slice(a, b, s),)],
    "expand": lambda t, *sizes: t.expand(*sizes), "permute": lambda t, *dims: t.permute(*dims),
    "split_view": lambda t: t.view(-1, 1),
    "scale": lambda t, c: t * c,
    "sum": lambda t, d: t.sum(d), "mean": lambda t, d: t.mean(d, keepdim=True), "softmax": torch.softmax,
    "max": lambda t, d: t.max(d)[0], "std": lambda t, d: t.std(d, unbiased=False), "norm": lambda t, d: t.norm(2, d),
    "positive": lambda t: t.masked_fill(t < 0, 0.25),
}
REDUCTIONS = ["sum", "mean", "softmax", "max", "std", "norm"]
UNARY_IN_PLACE = {
    "tanh_": torch.Tensor.tanh_, "sigmoid_": torch.Tensor.sigmoid_, "relu_": torch.Tensor.relu_,
    "neg_": torch.Tensor.neg_, "exp_": torch.Tensor.exp_, "zero_": torch.Tensor.zero_,
    "pow_": torch.Tensor.pow_, "clamp_": torch.Tensor.clamp_, "fill_": torch.Tensor.fill_,
    "scale_": torch.Tensor.mul_, "shift_": torch.Tensor.add_, "nograd_scale_": torch.Tensor.mul_,
}
DRAWN = {"pow_": [2], "clamp_": [-0.75, 0.75], "fill_": [0.5], "scale_": [-1.5], "shift_": [0.25],
         "nograd_scale_": [1.25]}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum, "matmul": torch.matmul,
          "cat": lambda x, y: torch.cat([x, y]), "stack": lambda x, y: torch.stack([x, y], -1),
          "where": lambda x, y: torch.where(x > y, x, y * 2)}
BINARY_IN_PLACE = {"add_": torch.Tensor.add_, "sub_": torch.Tensor.sub_, "mul_": torch.Tensor.mul_,
                   "copy_": torch.Tensor.copy_}


def weights(n):
    return torch.arange(1, n + 1, dtype=torch.float64).sqrt()


def program(seed):
    r = random.Random(seed)
    lines, pool, leaves = [], {}, []
    for i in range(r.randint(2, 4)):
        shape = r.choice(SHAPES)
        n = 1
        for s in shape:
            n *= s
        values = [r.randint(-1500, 1500) / 1000 for _ in range(n)]
        name = "t%d" % len(pool)
        kind = "leaf" if i < 2 or r.random() < 0.5 else "const"
        t = torch.tensor(values, dtype=torch.float64).reshape(shape).clone()
        lines.append("%s %s %s | %s" % (kind, name, " ".join(map(str, shape)), numbers(values)))
        pool[name] = t.requires_grad_() if kind == "leaf" else t
        if kind == "leaf":
            leaves.append(name)
    in_place_done = 0
    for _ in range(r.randint(8, 22)):
        kind = r.random()
        a, b = r.choice(list(pool)), r.choice(list(pool))
        x, y = pool[a], pool[b]
        # Norma refuses every in-place change of memory that several elements share, PyTorch most of them.
        if kind >= 0.62 and any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape)):
            continue
        try:
            if kind < 0.3:
                op, args = views(r, x)
                result = UNARY[op](x, *args)
            elif kind < 0.45:
                op = r.choice(["tanh", "sigmoid", "square", "relu", "clone", "detach", "scale", "positive"] + REDUCTIONS)
                args = [1.5] if op == "scale" else [draw_dim(r, x)] if op in REDUCTIONS else []
                result = UNARY[op](x, *args)
            elif kind < 0.62:
                op, args = r.choice(list(BINARY)), [b]
                if op == "matmul" and (x.dim(), y.dim()) != (2, 2):
                    continue  # PyTorch keeps copies there, which in-place changes do not reach
                result = BINARY[op](x, y)
            elif kind < 0.83:
                op = r.choice(list(UNARY_IN_PLACE))
                args = DRAWN.get(op, [])
                with torch.set_grad_enabled(op != "nograd_scale_"):
                    result = UNARY_IN_PLACE[op](x, *args)
            else:
                op, args = r.choice(list(BINARY_IN_PLACE)), [b]
                result = BINARY_IN_PLACE[op](x, y)
        except (RuntimeError, IndexError, ValueError):
            continue  # not allowed in PyTorch: shapes, leaves, expanded memory
        if op.endswith("_"):
            in_place_done += 1
            lines.append(" ".join([op, a] + [v if isinstance(v, str) else number(v) for v in args]))
        else:
            name = "t%d" % len(pool)
            pool[name] = result
            lines.append(" ".join([op, name, a] + [v if isinstance(v, str) else number(v) for v in args]))
    used = r.sample(list(pool), min(3, len(pool)))
    if in_place_done < 2 or not any(pool[u].requires_grad for u in used):
        return None
    lines.append("outputs " + " ".join(used))
    try:
        sum((pool[u].reshape(-1) * weights(pool[u].numel())).sum() for u in used).backward()
    except RuntimeError:
        return None  # a value that backward needs was changed
    for u in used:
        lines.append("value %s | %s" % (u, numbers(pool[u].detach().reshape(-1).tolist())))
    for leaf in leaves:
        grad = pool[leaf].grad
        lines.append("grad %s | %s" % (leaf, "" if grad is None else numbers(grad.reshape(-1).tolist())))
    if any(not torch.isfinite(v).all() or v.abs().max() > 1e6 for v in pool.values()):
        return None
    return lines


count, seed = 0, 0
while count < 120:
    lines = program(seed)
    if lines:
        print("program %d" % seed)
        print("\n".join(line.rstrip() for line in lines))
        count += 1
    seed += 1
