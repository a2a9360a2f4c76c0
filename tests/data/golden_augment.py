"""Writes golden_augment.h: torchvision's formulas, pixel by pixel in float64, for given draws.

usage: golden_augment.py > golden_augment.h   (needs numpy; colorsys is Python's own)
       golden_augment.py --compare            (with torchvision's own; 0.29 agrees)
"""
import colorsys
import math
import sys
import textwrap

import numpy as np

IMAGE = ((np.arange(2 * 3 * 5 * 6) * 37 % 101) / 100.0).reshape(2, 3, 5, 6)


def array(name, values):
    text = textwrap.fill(", ".join(repr(float(v)) for v in values.flatten()), 96)
    return f"// {list(values.shape)}\ninline const std::vector<double> {name} = {{\n{textwrap.indent(text, '    ')}}};\n"


def grey(image):
    return 0.2989 * image[0] + 0.587 * image[1] + 0.114 * image[2]


def blend(image, other, factor):
    return np.clip(factor * image + (1 - factor) * other, 0, 1)


def hue(image, shift):
    out = np.empty_like(image)
    for r in range(image.shape[1]):
        for c in range(image.shape[2]):
            h, s, v = colorsys.rgb_to_hsv(*image[:, r, c])
            out[:, r, c] = colorsys.hsv_to_rgb((h + shift) % 1.0, s, v)
    return out


def rotate(image, degrees, bilinear, center=None, fill=(0.0, 0.0, 0.0)):
    """The inverse affine matrix of torchvision, then grid_sample with a channel of ones."""
    channels, height, width = image.shape
    cx, cy = (0.0, 0.0) if center is None else (center[0] - width * 0.5, center[1] - height * 0.5)
    rot = math.radians(-degrees)
    a, b, c, d = math.cos(rot), -math.sin(rot), math.sin(rot), math.cos(rot)
    matrix = [d, -b, 0.0, -c, a, 0.0]
    matrix[2] += matrix[0] * -cx + matrix[1] * -cy + cx
    matrix[5] += matrix[3] * -cx + matrix[4] * -cy + cy
    padded = np.concatenate([image, np.ones((1, height, width))])
    out = np.empty_like(image)
    for r in range(height):
        for col in range(width):
            x, y = col + 0.5 - width * 0.5, r + 0.5 - height * 0.5
            gx = (matrix[0] * x + matrix[1] * y + matrix[2]) / (0.5 * width)
            gy = (matrix[3] * x + matrix[4] * y + matrix[5]) / (0.5 * height)
            px, py = ((gx + 1) * width - 1) / 2, ((gy + 1) * height - 1) / 2
            value = np.zeros(channels + 1)
            if bilinear:
                for ky in (math.floor(py), math.floor(py) + 1):
                    for kx in (math.floor(px), math.floor(px) + 1):
                        if 0 <= ky < height and 0 <= kx < width:
                            value += (1 - abs(px - kx)) * (1 - abs(py - ky)) * padded[:, ky, kx]
                mask = value[-1]
                out[:, r, col] = value[:-1] * mask + (1 - mask) * np.array(fill)
            else:
                kx, ky = round(px), round(py)
                inside = 0 <= ky < height and 0 <= kx < width
                out[:, r, col] = image[:, ky, kx] if inside else fill
    return out


def each(f):
    return np.stack([f(image) for image in IMAGE])


NEAREST_FILL, BILINEAR_FILL = ((1.3, 2.2), (0.5, -1, 2)), ((4.1, 0.7), (0.5, -1, 2))
GOLDEN = {
    "image": IMAGE,
    "grey": each(lambda x: grey(x)[None]),
    "brightness_0_6": each(lambda x: blend(x, 0, 0.6)),
    "brightness_1_7": each(lambda x: blend(x, 0, 1.7)),
    "contrast_0_4": each(lambda x: blend(x, grey(x).mean(), 0.4)),
    "contrast_1_8": each(lambda x: blend(x, grey(x).mean(), 1.8)),
    "saturation_0_3": each(lambda x: blend(x, grey(x), 0.3)),
    "saturation_1_9": each(lambda x: blend(x, grey(x), 1.9)),
    "hue_0_2": each(lambda x: hue(x, 0.2)),
    "hue_minus_0_45": each(lambda x: hue(x, -0.45)),
    "nearest_33": each(lambda x: rotate(x, 33, False)),
    "nearest_minus_71": each(lambda x: rotate(x, -71, False, *NEAREST_FILL)),
    "bilinear_17": each(lambda x: rotate(x, 17, True)),
    "bilinear_minus_140": each(lambda x: rotate(x, -140, True, *BILINEAR_FILL)),
}


def compare():
    import torch
    import torchvision
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    def turned(angle, mode, center=None, fill=0.0):
        return lambda x: F.rotate(
            x, angle, mode, center=center, fill=list(fill) if center else fill)

    nearest, bilinear = InterpolationMode.NEAREST, InterpolationMode.BILINEAR
    theirs = {
        "image": lambda x: x,
        "grey": F.rgb_to_grayscale,
        "brightness_0_6": lambda x: F.adjust_brightness(x, 0.6),
        "brightness_1_7": lambda x: F.adjust_brightness(x, 1.7),
        "contrast_0_4": lambda x: F.adjust_contrast(x, 0.4),
        "contrast_1_8": lambda x: F.adjust_contrast(x, 1.8),
        "saturation_0_3": lambda x: F.adjust_saturation(x, 0.3),
        "saturation_1_9": lambda x: F.adjust_saturation(x, 1.9),
        "hue_0_2": lambda x: F.adjust_hue(x, 0.2),
        "hue_minus_0_45": lambda x: F.adjust_hue(x, -0.45),
        "nearest_33": turned(33, nearest),
        "nearest_minus_71": turned(-71, nearest, *NEAREST_FILL),
        "bilinear_17": turned(17, bilinear),
        "bilinear_minus_140": turned(-140, bilinear, *BILINEAR_FILL),
    }
    assert theirs.keys() == GOLDEN.keys()
    for name, f in theirs.items():
        off = np.abs(f(torch.from_numpy(IMAGE)).numpy() - GOLDEN[name]).max()
        print(f"{name:20} {off:.1e}")
        assert off < (1e-6 if name.startswith("hue") else 1e-12), name  # its hues are float32
    print("as torchvision", torchvision.__version__)


if sys.argv[1:] == ["--compare"]:
    compare()
    sys.exit()
print("// Written by golden_augment.py.\n// clang-format off\n#pragma once\n#include <vector>\n")
print("namespace golden {\n")
for name, values in GOLDEN.items():
    print(array(name, values))
print("}  // namespace golden")
