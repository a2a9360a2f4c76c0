"""Writes losses.txt: what PyTorch's losses are where Norma's playground begins with the same points and weights.

usage: generate.py PLAYGROUND_STEPS > losses.txt      the program playground_steps, and a python3 that has torch

The points and the initial weights are taken from the program; batches are not shuffled, so that they need no
random numbers: both sides take the points in their order, the last batch being smaller. A line of settings, then a
line of losses.
"""

import json
import subprocess
import sys

import torch
from torch import nn

STEPS = 40
CASES = [
    "shuffle=no",
    "shuffle=no&data=moons&widths=8,16,8&activation=tanh&norm=layer&batch=64&rate=0.05&momentum=0.5",
    "shuffle=no&data=rings&widths=16&activation=gelu&norm=none&init=2&rate=0.2",
    "shuffle=no&data=checkerboard&widths=24,24&activation=sigmoid&training=eval&clear=no&rate=0.001",
    "shuffle=no&data=points&points=IAIAKAKAMAMAoAoAqAqAsAsA&widths=4&activation=leaky_relu&batch=3&rate=0.02",
]
ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def losses(settings, state):
    text = dict(part.split("=") for part in settings.split("&"))
    get = lambda key, default: text.get(key, default)
    norm = get("norm", "batch")
    layers, features = [], 2
    for width in map(int, get("widths", "32,32").split(",")):
        layers.append(nn.Linear(features, width, bias=norm != "batch"))
        if norm != "none":
            layers.append(nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width))
        layers.append(ACTIVATIONS[get("activation", "relu")]())
        features = width
    net = nn.Sequential(*layers, nn.Linear(features, 2)).double()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(torch.tensor(state[name], dtype=torch.float64).reshape(parameter.shape))
    net.train(get("training", "train") == "train")
    inputs = torch.tensor(state["inputs"], dtype=torch.float64).reshape(-1, 2)
    targets = torch.tensor(state["targets"]).long()
    optimizer = torch.optim.SGD(net.parameters(), lr=float(get("rate", "0.1")), momentum=float(get("momentum", "0.9")))
    size, place, result = int(get("batch", "50")), 0, []
    for _ in range(STEPS):
        if get("clear", "yes") == "yes":
            optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs[place : place + size]), targets[place : place + size])
        loss.backward()
        optimizer.step()
        result.append(round(loss.item(), 7))
        place = place + size if place + size < len(inputs) else 0
    return result


def main():
    for settings in CASES:
        state = json.loads(subprocess.run([sys.argv[1], "state", settings], check=True, capture_output=True, text=True).stdout)
        print(settings)
        print(*losses(settings, state))


if __name__ == "__main__":
    main()
