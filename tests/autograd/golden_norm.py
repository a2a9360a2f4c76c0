#!/usr/bin/env python3
"""Writes golden_norm.h, what PyTorch's batch_norm, layer_norm and group_norm give:
python3 golden_norm.py > golden_norm.h

Made with PyTorch 1.13.1, in float64. Gradients are those of sum(output * sqrt(1, 2, 3, ...)).
"""
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
    return torch.tensor(np.round(random.randn(*shape) * 1.5 + 0.5, 2))


def numbers(tensor):
    return "{" + ", ".join(map(repr, tensor.detach().reshape(-1).tolist())) + "}" if tensor is not None else "{}"


def sizes(shape):
    return "{" + ", ".join(map(str, shape)) + "}"


def boolean(value):
    return "true" if value else "false"


def weighted_sum(y):
    return (y * torch.arange(1.0, y.numel() + 1).sqrt().reshape(y.shape)).sum()


def batch_norm():
    print("inline const std::vector<BatchNormCase> batch_norm_cases = {")
    for shape in [(4, 3), (3, 2, 5), (2, 3, 2, 2), (2, 2, 1, 2, 2)]:
        for training, running, affine, momentum, eps in [
            (True, True, True, 0.1, 1e-5),
            (True, True, False, 0.7, 1e-3),
            (True, False, True, 0.1, 1e-5),
            (False, True, True, 0.1, 1e-5),
            (False, True, False, 0.1, 0.25),
        ]:
            channels = shape[1]
            seed("batch", shape, training, running, affine, momentum, eps)
            x = draw(*shape).requires_grad_()
            mean = draw(channels) if running else None
            var = draw(channels).abs() + 0.5 if running else None
            weight = draw(channels).requires_grad_() if affine else None
            bias = draw(channels).requires_grad_() if affine else None
            before = numbers(mean), numbers(var)
            y = F.batch_norm(x, mean, var, weight, bias, training, momentum, eps)
            weighted_sum(y).backward()
            parameters = [numbers(weight), numbers(bias)]
            gradients = [numbers(weight.grad), numbers(bias.grad)] if affine else ["{}", "{}"]
            print(f"{{{sizes(shape)}, {boolean(training)}, {momentum}, {eps},")
            for item in [numbers(x), *before, *parameters, numbers(y), numbers(mean), numbers(var),
                         numbers(x.grad), *gradients]:
                print(" " + item + ",")
            print("},")
    print("};")


def layer_norm():
    print("inline const std::vector<LayerNormCase> layer_norm_cases = {")
    for shape, rank, affine, bias_too, eps in [
        ((3, 4), 1, True, True, 1e-5),
        ((2, 3, 2), 1, True, False, 1e-5),
        ((2, 3, 2), 2, True, True, 1e-3),
        ((2, 2, 2, 2), 3, False, False, 0.1),
        ((5,), 1, True, True, 1e-5),
    ]:
        normalized = shape[-rank:]
        seed("layer", shape, rank, affine, bias_too, eps)
        x = draw(*shape).requires_grad_()
        weight = draw(*normalized).requires_grad_() if affine else None
        bias = draw(*normalized).requires_grad_() if bias_too else None
        y = F.layer_norm(x, normalized, weight, bias, eps)
        weighted_sum(y).backward()
        print(f"{{{sizes(shape)}, {sizes(normalized)}, {eps},")
        for item in [numbers(x), numbers(weight), numbers(bias), numbers(y), numbers(x.grad),
                     numbers(weight.grad) if affine else "{}", numbers(bias.grad) if bias_too else "{}"]:
            print(" " + item + ",")
        print("},")
    print("};")


def group_norm():
    print("inline const std::vector<GroupNormCase> group_norm_cases = {")
    for shape, groups, affine, bias_too, eps in [
        ((3, 4), 2, True, True, 1e-5),
        ((2, 4, 3), 1, True, False, 1e-5),
        ((2, 4, 3), 4, True, True, 1e-3),
        ((2, 6, 2, 2), 3, True, True, 1e-5),
        ((1, 4, 1, 2, 2), 2, False, False, 0.1),
        ((3, 2, 1), 2, False, True, 1e-5),
    ]:
        seed("group", shape, groups, affine, bias_too, eps)
        x = draw(*shape).requires_grad_()
        weight = draw(shape[1]).requires_grad_() if affine else None
        bias = draw(shape[1]).requires_grad_() if bias_too else None
        # PyTorch takes both or neither.
        both = (weight if affine else torch.ones(shape[1]), bias if bias_too else torch.zeros(shape[1]))
        y = F.group_norm(x, groups, *(both if affine or bias_too else ()), eps=eps)
        weighted_sum(y).backward()
        print(f"{{{sizes(shape)}, {groups}, {eps},")
        for item in [numbers(x), numbers(weight), numbers(bias), numbers(y), numbers(x.grad),
                     numbers(weight.grad) if affine else "{}", numbers(bias.grad) if bias_too else "{}"]:
            print(" " + item + ",")
        print("},")
    print("};")


print("""// Written by golden_norm.py with PyTorch 1.13.1. Do not edit.
#pragma once
// clang-format off
#include <vector>

#include "norma/core/shape.h"

namespace golden {

struct BatchNormCase {
  norma::Shape sizes;
  bool training;
  double momentum, eps;
  std::vector<double> input, mean_before, var_before, weight, bias;
  std::vector<double> output, mean_after, var_after, input_grad, weight_grad, bias_grad;
};
struct LayerNormCase {
  norma::Shape sizes, normalized;
  double eps;
  std::vector<double> input, weight, bias, output, input_grad, weight_grad, bias_grad;
};
struct GroupNormCase {
  norma::Shape sizes;
  int64_t groups;
  double eps;
  std::vector<double> input, weight, bias, output, input_grad, weight_grad, bias_grad;
};
""")
batch_norm()
print()
layer_norm()
print()
group_norm()
print("\n}  // namespace golden")
