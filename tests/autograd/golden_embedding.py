#!/usr/bin/env python3
"""Writes golden_embedding.h, what PyTorch's embedding gives:
python3 golden_embedding.py > golden_embedding.h

Made with PyTorch 1.13.1, in float64. Gradients are those of sum(output * sqrt(1, 2, 3, ...)).
"""
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.RandomState()


def numbers(tensor):
    return "{" + ", ".join(map(repr, tensor.detach().reshape(-1).tolist())) + "}"


def case(index, options, **keywords):
    random.seed(zlib.crc32(f"{index} {options}".encode()))
    weight = torch.tensor(np.round(random.randn(5, 3) * 1.5, 2)).requires_grad_()
    before = numbers(weight)
    index = torch.tensor(index)
    y = F.embedding(index, weight, **keywords)
    (y * torch.arange(1.0, y.numel() + 1).sqrt().reshape(y.shape)).sum().backward()
    print(f"{{{{{', '.join(map(str, index.shape))}}}, {numbers(index)}, {{{options}}},")
    for item in (before, numbers(weight), numbers(y), numbers(weight.grad)):
        print(" " + item + ",")
    print("},")


print("""// Written by golden_embedding.py with PyTorch 1.13.1. Do not edit.
#pragma once
// clang-format off
#include <cmath>
#include <vector>

#include "norma/autograd/functional.h"

namespace golden {

// weight [5, 3], before the call and after it.
struct EmbeddingCase {
  norma::Shape sizes;
  std::vector<int64_t> indices;
  norma::functional::EmbeddingOptions options;
  std::vector<double> weight, weight_after, output, weight_grad;
};

inline const std::vector<EmbeddingCase> embedding_cases = {""")
INDEX = [[1, 4, 1], [0, 1, 2]]
case(INDEX, "")
case(3, "")
case([[[0], [0]], [[2], [0]]], "")
case(INDEX, ".padding_idx = 1", padding_idx=1)
case([4, 0, 4, 2], ".padding_idx = -1", padding_idx=-1)
case(INDEX, ".scale_grad_by_freq = true", scale_grad_by_freq=True)
case(INDEX, ".padding_idx = 0, .scale_grad_by_freq = true", padding_idx=0, scale_grad_by_freq=True)
case(INDEX, ".max_norm = 1.25", max_norm=1.25)
case(INDEX, ".max_norm = 0.0", max_norm=0.0)
for norm_type in ("1.0", "3.5", "0.0", "-1.0"):
    case(INDEX, f".max_norm = 1.5, .norm_type = {norm_type}", max_norm=1.5, norm_type=float(norm_type))
for sign in ("", "-"):
    case(INDEX, f".max_norm = 0.75, .norm_type = {sign}INFINITY", max_norm=0.75,
         norm_type=float(sign + "inf"))
print("};\n\n}  // namespace golden")
