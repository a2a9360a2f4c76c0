#!/usr/bin/env python3
"""Writes golden_loss.h, what PyTorch's losses give: python3 golden_loss.py > golden_loss.h

Made with PyTorch 1.13.1, in float64. Gradients are those of sum(loss * sqrt(1, 2, 3, ...)).
"""
import math
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.RandomState()


def seed(*what):
    """Every case has its own: another one changes none of those that are there."""
    random.seed(zlib.crc32(repr(what).encode()))


def draw(*shape):
    return torch.tensor(np.round(random.randn(*shape) * 1.5, 2))


def numbers(tensor):
    if tensor is None:
        return "{}"
    text = lambda v: "NAN" if isinstance(v, float) and math.isnan(v) else repr(v)
    return "{" + ", ".join(map(text, tensor.detach().reshape(-1).tolist())) + "}"


def sizes(tensor):
    return "{" + ", ".join(map(str, tensor.shape)) + "}"


def weighted_sum(y):
    return (y * torch.arange(1.0, y.numel() + 1).sqrt().reshape(y.shape)).sum()


def reduction(name):
    return "norma::Reduction::" + name.capitalize()


def show(head, *items):
    print("{" + ", ".join([*head, *items]) + "},")


def class_losses():
    """cross_entropy with index targets, nll_loss."""
    for shape in [(5, 4), (2, 3, 2), (2, 3, 2, 2), (4,)]:
        target_shape = (shape[0],) + shape[2:] if len(shape) > 1 else ()
        classes = shape[1] if len(shape) > 1 else shape[0]
        for mode in ["mean", "sum", "none"]:
            for weighted in [False, True]:
                for ignore, smoothing in [(-100, 0.0), (1, 0.0), (-100, 0.1), (2, 0.3)]:
                    seed(shape, mode, weighted, ignore, smoothing)
                    x = draw(*shape).requires_grad_()
                    y = torch.tensor(random.randint(0, classes, target_shape))
                    if target_shape and ignore == 2:
                        y.view(-1)[0] = 2
                    w = draw(classes).abs() + 0.25 if weighted else None
                    options = dict(weight=w, ignore_index=ignore, reduction=mode)
                    loss = F.cross_entropy(x, y, label_smoothing=smoothing, **options)
                    weighted_sum(loss).backward()
                    nll, nll_grad = None, None
                    if smoothing == 0.0:
                        z = x.detach().clone().requires_grad_()
                        nll = F.nll_loss(z, y, **options)
                        weighted_sum(nll).backward()
                        nll_grad = z.grad
                    show([sizes(x), sizes(y), reduction(mode), str(ignore), str(smoothing)],
                         numbers(x), numbers(y), numbers(w), numbers(loss), numbers(x.grad),
                         numbers(nll), numbers(nll_grad))


def soft_losses():
    """cross_entropy with probabilities."""
    for shape in [(3, 4), (2, 3, 2), (4,)]:
        classes = shape[1] if len(shape) > 1 else shape[0]
        for mode in ["mean", "sum", "none"]:
            for weighted, smoothing in [(False, 0.0), (True, 0.2)]:
                seed(shape, mode, weighted, smoothing)
                x = draw(*shape).requires_grad_()
                q = draw(*shape).abs().requires_grad_()  # rows need not add up to 1
                w = draw(classes).abs() + 0.25 if weighted else None
                loss = F.cross_entropy(x, q, w, reduction=mode, label_smoothing=smoothing)
                weighted_sum(loss).backward()
                show([sizes(x), reduction(mode), str(smoothing)],
                     numbers(x), numbers(q), numbers(w), numbers(loss), numbers(x.grad),
                     numbers(q.grad))


def pair_losses():
    """mse_loss, l1_loss, binary_cross_entropy_with_logits."""
    for mode in ["mean", "sum", "none"]:
        for name in ["mse", "l1", "bce", "bce weight", "bce pos_weight", "bce both"]:
            seed(mode, name)
            x = draw(2, 3).requires_grad_()
            t = draw(2, 3)
            t = (t.abs() / 5 if name.startswith("bce") else t).requires_grad_()
            w = draw(2, 1).abs() if name in ["bce weight", "bce both"] else None
            p = draw(3).abs() if name in ["bce pos_weight", "bce both"] else None
            if name == "mse":
                loss = F.mse_loss(x, t, reduction=mode)
            elif name == "l1":
                loss = F.l1_loss(x, t, reduction=mode)
            else:
                loss = F.binary_cross_entropy_with_logits(x, t, w, reduction=mode, pos_weight=p)
            weighted_sum(loss).backward()
            show([f'"{name}"', reduction(mode)], numbers(x), numbers(t), numbers(w), numbers(p),
                 numbers(loss), numbers(x.grad), numbers(t.grad))


print("""// Written by golden_loss.py with PyTorch 1.13.1. Do not edit.
#pragma once
// clang-format off
#include <cmath>
#include <string>
#include <vector>

#include "norma/autograd/functional.h"

namespace golden {

struct ClassCase {
  norma::Shape sizes, target_sizes;
  norma::Reduction reduction;
  int64_t ignore_index;
  double smoothing;
  std::vector<double> input;
  std::vector<int64_t> target;
  std::vector<double> weight, loss, input_grad, nll, nll_grad;
};
struct SoftCase {
  norma::Shape sizes;
  norma::Reduction reduction;
  double smoothing;
  std::vector<double> input, target, weight, loss, input_grad, target_grad;
};
struct PairCase {
  std::string name;
  norma::Reduction reduction;
  std::vector<double> input, target, weight, pos_weight, loss, input_grad, target_grad;
};
""")
for kind, cases in ("ClassCase class_cases", class_losses), ("SoftCase soft_cases", soft_losses), ("PairCase pair_cases", pair_losses):
    kind, name = kind.split()
    print(f"inline const std::vector<{kind}> {name} = {{")
    cases()
    print("};\n")
print("}  // namespace golden")
