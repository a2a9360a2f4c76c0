"""Writes golden_transforms.h: what torchvision's transforms give where nothing is left to chance.

usage: golden_transforms.py > golden_transforms.h   (made with torchvision 0.14.1, torch 1.13.1;
0.29 gives the same)
"""

import textwrap

import torch
from PIL import Image
from torchvision import transforms


def array(name, tensor):
    values = textwrap.fill(", ".join(repr(v) + "f" for v in tensor.flatten().tolist()), 96)
    values = textwrap.indent(values, "    ")
    return f"// {list(tensor.shape)}\ninline const std::vector<float> {name} = {{\n{values}}};\n"


ramp = torch.arange(256, dtype=torch.uint8).reshape(16, 16)
unit = transforms.ToTensor()(Image.fromarray(ramp.numpy()))
image = torch.arange(1.0, 13.0).reshape(2, 2, 3)
three = torch.linspace(-1, 2, 12).reshape(3, 2, 2)

print("// Written by golden_transforms.py.\n// clang-format off\n#pragma once\n#include <vector>\n")
print("namespace golden {\n")
print(array("to_tensor", unit))
normalize = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
print(array("normalize", normalize(three)))
print(array("normalize_one", transforms.Normalize((0.1307,), (0.3081,))(unit[:, :4, :4])))
print(array("flip", transforms.RandomHorizontalFlip(p=1.0)(image)))
print(array("upside_down", transforms.RandomVerticalFlip(p=1.0)(image)))
# A crop as large as the padded image has one place to go.
print(array("pad_1", transforms.RandomCrop((4, 5), padding=1)(image)))
print(array("pad_1_2", transforms.RandomCrop((6, 5), padding=(1, 2), fill=-1)(image)))
for mode in ("reflect", "edge"):
    crop = transforms.RandomCrop((4, 6), padding=(2, 1, 1, 1), padding_mode=mode)
    print(array(f"pad_{mode}", crop(image)))
print(array("pad_1_2_3_0", transforms.RandomCrop((4, 7), padding=(1, 2, 3, 0))(image)))
print("}  // namespace golden")
