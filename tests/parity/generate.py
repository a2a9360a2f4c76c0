#!/usr/bin/env python3
"""Draws cases from a seed, lets PyTorch compute them, and writes them for `parity` to replay.

    generate.py --out DIR [--seed 1] [--cases 1.38] [--family NAME ...] [--full]

DIR gets FAMILY.json and FAMILY.safetensors. Each operation is drawn its weight times --cases, at least
once, every case from a seed of its own: a new operation changes none of those that are there. With
--full, trainings and large convolutions have their usual width, and every gradient of a training is there
in full. Every drawn case is written, whatever comes of it. Needs PyTorch and NumPy.
"""
import argparse
import importlib
import os
import pathlib
import sys
import warnings

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402
from draw import Draw  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=float, default=1.38)
    parser.add_argument("--out", required=True)
    parser.add_argument("--family", nargs="*")
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    cases.settings["full"] = arguments.full
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # PyTorch's own about the corner cases drawn here
    for module in sorted((HERE / "families").glob("*.py")):
        importlib.import_module("families." + module.stem)

    families = sorted({family for family, _ in cases.definitions})
    for family in arguments.family or []:
        if family not in families:
            parser.error(f"expected a family among {' '.join(families)}, got {family}")
    os.makedirs(arguments.out, exist_ok=True)
    written = 0
    for family in families:
        if arguments.family and family not in arguments.family:
            continue
        writer = cases.Writer()
        for (of, operation), (weight, draw) in cases.definitions.items():
            if of != family:
                continue
            for i in range(max(1, round(arguments.cases * weight))):
                inputs, options, run = draw(Draw(f"{arguments.seed}/{operation}/{i}"))
                writer.add(operation, inputs, options, run)
        writer.write(os.path.join(arguments.out, family), arguments.seed)
        written += len(writer.lines)
        print(f"{family:<16}{len(writer.lines):>6} cases")
    print(f"{'in all':<16}{written:>6} cases")


if __name__ == "__main__":
    main()
