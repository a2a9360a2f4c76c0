"""Whole trainings of 50 steps: every loss, every gradient, every buffer."""
import torch
import torch.nn.functional as F
from torch import nn

from cases import cotangent, define, settings

FAMILY = "training"
STEPS = 50


def conv_block(inside, outside):
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1, bias=False),
                         nn.BatchNorm2d(outside), nn.ReLU())


def mlp(width):
    return nn.Sequential(nn.Linear(8, width), nn.BatchNorm1d(width), nn.ReLU(),
                         nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
                         nn.Linear(width, 4))


def cnn(width):
    return nn.Sequential(conv_block(1, width), nn.MaxPool2d(2), conv_block(width, 2 * width),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * width, 4))


class BasicBlock(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False),
                                          nn.BatchNorm2d(outside))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def resnet20(width):
    blocks, inside = [], width
    for outside in (width, 2 * width, 4 * width):
        for k in range(3):
            blocks.append(BasicBlock(inside, outside, 2 if k == 0 and outside != width else 1))
            inside = outside
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        nn.Sequential(*blocks), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 4))


def training(name, make, sizes):
    """`sizes`: width, image, batch; as committed, and for `--full`."""
    @define(FAMILY, name, 0)
    def _(d):
        width, image, batch = sizes[settings["full"]]
        torch.manual_seed(d.getrandbits(32))
        start = {key: value for key, value in make(width).state_dict().items()
                 if value.is_floating_point()}
        whole = name != "resnet20" or settings["full"]
        o = {"width": width, "keys": list(start), "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4,
             "steps": STEPS, "whole_gradients": whole,
             "histories": len(list(make(width).parameters()))}
        inputs = [d.plain(d.normal([4, batch] + image), grad=False),
                  d.plain(d.integers([4, batch], 0, 4), grad=False)]
        inputs += [d.plain(value.numpy(), grad=False) for value in start.values()]

        def run(x):
            # float32 does every step from where float64 has come to: left to itself, it would part
            # with it for good as soon as rounding decides the sign of one ReLU's input.
            own, data = x[0].dtype, x[0].double()
            model, twin = make(width).double(), make(width).to(own)
            model.load_state_dict(dict(zip(start, x[2:])), strict=False)
            optimizer = torch.optim.SGD(model.parameters(), lr=o["lr"], momentum=o["momentum"],
                                        weight_decay=o["weight_decay"])
            losses, gradients = [], [[] for _ in model.parameters()]
            for step in range(STEPS):
                twin.load_state_dict(model.state_dict())
                for network in (model, twin):
                    network.zero_grad()
                    loss = F.cross_entropy(network(data.to(next(network.parameters()).dtype)[step % 4]),
                                           x[1][step % 4])
                    loss.backward()
                losses.append(loss.detach())
                for history, p in zip(gradients, twin.parameters()):
                    history.append(p.grad.clone() if whole else sketch(p.grad))
                optimizer.step()
            twin.eval()
            return ([torch.stack(losses)] + [torch.stack(history) for history in gradients] +
                    list(twin.state_dict().values()) + [twin(x[0][0]).detach()])
        return inputs, o, run


def sketch(gradient):
    """Four sums with fixed weights instead of a large tensor."""
    return torch.stack([(gradient * cotangent(gradient.shape, k, gradient.dtype)).sum()
                        for k in range(4)])


training("mlp", mlp, [(12, [8], 16), (128, [8], 64)])
training("cnn", cnn, [(3, [1, 8, 8], 8), (32, [1, 8, 8], 16)])
training("resnet20", resnet20, [(4, [3, 8, 8], 8), (16, [3, 16, 16], 8)])
