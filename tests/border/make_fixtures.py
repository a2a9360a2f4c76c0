"""Writes fixtures/: small models that PyTorch saved in float32, what it answers with them in float64, and the names
in its large ones.

usage: python3 make_fixtures.py      (made with PyTorch 1.13.0 and torchvision 0.14.1)
"""
import pathlib

import torch

import models
from safetensors_standin import save_file

FOLDER = pathlib.Path(__file__).resolve().parent / "fixtures"


def write_narrow(name):
    torch.manual_seed(1)
    model = models.fresh(name)
    # Half precision keeps the file small; both sides widen it without loss.
    for _ in range(100):
        drawn = models.batches(name, 2, 4)
        drawn["input"] = drawn["input"].half()
        wide = {"input": drawn["input"].double(), "labels": drawn["labels"]}
        if models.is_clear(model, **wide, margin=3e-5):
            break
    else:
        raise RuntimeError(f"{name}: rounding decides for all batches")
    save_file(model.state_dict(), FOLDER / f"{name}.safetensors")
    answers = models.follow(model.double(), **wide)
    answers = {key: value for key, value in answers.items() if not key.startswith("state1.")}
    save_file({**drawn, **answers}, FOLDER / f"{name}_answers.safetensors")


def main():
    torch.set_num_threads(1)  # the same bits every time
    FOLDER.mkdir(exist_ok=True)
    for name in models.NAMES:
        write_narrow(f"narrow_{name}")
        if name == "resnet18" and models.torchvision_resnet18() is None:
            raise RuntimeError("the names of torchvision need torchvision")
        (FOLDER / f"{name}.names").write_text("".join(f"{line}\n" for line in models.names(models.make(name))))


if __name__ == "__main__":
    main()
