#!/usr/bin/env python3
"""The workloads of norma_bench in PyTorch: the same models, options, timing and output.

    pytorch_bench.py [--threads N] [--blocks N] [--seconds S] [workload ...]
"""
import argparse
import itertools
import time

import torch
from torch import nn
from torch.nn import functional as F

NAMES = ("mlp_tiny", "mlp_small", "mlp_large", "cnn", "resnet20")
LABEL_SETS = 64  # as in bench/timing.h


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, outputs))


def conv_block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


def cnn():
    return nn.Sequential(
        conv_block(1, 32), nn.MaxPool2d(2), conv_block(32, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(3136, 10))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def resnet20():
    net = [conv_block(3, 16)]
    inputs = 16
    for outputs in (16, 32, 64):
        for block in range(3):
            net.append(BasicBlock(inputs, outputs, 2 if block == 0 and outputs != 16 else 1))
            inputs = outputs
    return nn.Sequential(*net, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def workload(name):
    """Model, inputs, the labels of several steps (bench/models.h)."""
    torch.manual_seed(0)
    model, shape, classes = {
        "mlp_tiny": lambda: (mlp(2, 16, 2), (32, 2), 2),
        "mlp_small": lambda: (mlp(784, 128, 10), (64, 784), 10),
        "mlp_large": lambda: (mlp(784, 1024, 10), (256, 784), 10),
        "cnn": lambda: (cnn(), (64, 1, 28, 28), 10),
        "resnet20": lambda: (resnet20(), (64, 3, 32, 32), 10),
    }[name]()
    return model, torch.randn(shape), torch.randint(0, classes, (LABEL_SETS, shape[0])).unbind()


def milliseconds(call, blocks, seconds):
    """bench/timing.h, in Python."""
    start = time.perf_counter()
    calls = 0
    while True:
        call()
        calls += 1
        if time.perf_counter() - start >= seconds / 3:
            break
    batch = max(1, calls // 50)
    medians = []
    for _ in range(blocks):
        start = time.perf_counter()
        done = 0
        elapsed = 0.0
        while elapsed < seconds:
            for _ in range(batch):
                call()
            done += batch
            elapsed = time.perf_counter() - start
        medians.append(1e3 * elapsed / done)
    return sorted(medians)[blocks // 2]


def run(name, blocks, seconds):
    model, inputs, label_sets = workload(name)
    labels = itertools.cycle(label_sets)
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss(model(inputs), next(labels)).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            model(inputs)

    model.train()
    print(f"{name}.train {milliseconds(train, blocks, seconds):.5f}", flush=True)
    model.eval()
    print(f"{name}.infer {milliseconds(infer, blocks, seconds):.5f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Times training steps and inference in PyTorch")
    parser.add_argument("--threads", type=int, help="torch.set_num_threads")
    parser.add_argument("--blocks", type=int, default=5, help="timed blocks; the median counts")
    parser.add_argument("--seconds", type=float, default=0.6, help="length of a block")
    parser.add_argument("workload", nargs="*", metavar="workload", help=", ".join(NAMES))
    options = parser.parse_args()
    unknown = set(options.workload) - set(NAMES)
    if unknown:
        parser.error(f"expected workloads among {', '.join(NAMES)}, got {', '.join(unknown)}")
    if options.threads:
        torch.set_num_threads(options.threads)
    for name in options.workload or NAMES:
        run(name, options.blocks, options.seconds)


if __name__ == "__main__":
    main()
