#!/usr/bin/env python3
"""The workloads of norma_bench in PyTorch: the same models, options, timing and output.

    pytorch_bench.py [--threads N] [--blocks N] [--seconds S] [--channels-last] [--compile] [workload ...]
"""
import itertools

import torch
from torch import nn
from torch.nn import functional as F

from workloads import HIDDEN, LABEL_SETS, WORKLOADS, parse_options, run


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


def make_model(name):
    shape, classes = WORKLOADS[name]
    if name in HIDDEN:
        return mlp(shape[1], HIDDEN[name], classes)
    return cnn() if name == "cnn" else resnet20()


class Steps:
    def __init__(self, name, channels_last, compiled):
        torch.manual_seed(0)
        shape, classes = WORKLOADS[name]
        self.model, self.inputs = make_model(name), torch.randn(shape)
        self.labels = torch.randint(0, classes, (LABEL_SETS, shape[0])).unbind()
        if channels_last and len(shape) == 4:
            self.model = self.model.to(memory_format=torch.channels_last)
            self.inputs = self.inputs.to(memory_format=torch.channels_last)
        self.compiled = compiled

    def ready(self, training):
        """The model, compiled for one mode and one shape at a time."""
        self.model.train(training)
        return torch.compile(self.model, dynamic=False) if self.compiled else self.model

    def training(self):
        model, inputs, labels = self.ready(True), self.inputs, itertools.cycle(self.labels)
        loss = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

        def train():
            optimizer.zero_grad(set_to_none=True)
            loss(model(inputs), next(labels)).backward()
            optimizer.step()
        return train

    def inference(self, batch):
        model, inputs = self.ready(False), self.inputs[:batch]

        def infer():
            with torch.inference_mode():
                model(inputs)
        return infer


def main():
    options = parse_options(
        "Times training steps and inference in PyTorch",
        [("--channels-last", "images in the memory format channels_last"),
         ("--compile", "torch.compile")])
    if options.threads:
        torch.set_num_threads(options.threads)
    for name in options.workload:
        run(name, Steps(name, options.channels_last, options.compile), options.blocks,
            options.seconds)


if __name__ == "__main__":
    main()
