"""Writes golden_adam.txt: what PyTorch computes for test_adam.

A line is a run of 20 steps: the optimiser, lr, both betas, eps, weight_decay, amsgrad, maximize, and the
factor by which the rates change after each step; then five values of the first parameter and three of the second after steps 1, 2, 3 and 20, and the state
of both parameters at the end: step, exp_avg, exp_avg_sq and, with amsgrad, max_exp_avg_sq.

usage: python3 golden_adam.py > golden_adam.txt   (made with PyTorch 1.13)
"""
import torch
from torch.optim import Adam, AdamW, lr_scheduler

torch.set_default_dtype(torch.float64)

CASES = [
    dict(),
    dict(lr=0.1),
    dict(lr=0.1, betas=(0.6, 0.5)),
    dict(lr=0.1, betas=(0.0, 0.0)),
    dict(lr=0.1, eps=0.25),
    dict(lr=0.1, weight_decay=0.0),
    dict(lr=0.1, weight_decay=0.3),
    dict(lr=0.1, amsgrad=True),
    dict(lr=0.1, betas=(0.6, 0.5), amsgrad=True),
    dict(lr=0.1, maximize=True),
    dict(lr=0.1, weight_decay=0.3, maximize=True),
    dict(lr=0.1, betas=(0.6, 0.5), eps=0.25, weight_decay=0.3, amsgrad=True, maximize=True),
    dict(lr=0.1, gamma=0.8),
    dict(lr=0.1, weight_decay=0.3, gamma=0.9),
]


# The same as in golden_optim.py.
def start(which, count):
    return torch.tensor([(i - 1.5 + which) / 4 for i in range(count)], requires_grad=True)


def gradient(step, which, count):
    return torch.tensor([((3 * step + 7 * i + 5 * which) % 11 - 5) / 8 for i in range(count)])


def run(make, options, gamma):
    """The second parameter has options of its own, and its first gradient in the third step."""
    a, b = start(0, 5), start(1, 3)
    own = dict(lr=0.025, betas=(0.7, 0.8), eps=1e-3)
    optimizer = make([{"params": [a]}, {"params": [b], **own}], **options)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma)
    seen = []
    for step in range(20):
        a.grad = gradient(step, 0, 5)
        b.grad = gradient(step, 1, 3) if step >= 2 else None
        optimizer.step()
        scheduler.step()
        if step in (0, 1, 2, 19):
            seen += a.tolist() + b.tolist()
    for parameter in (a, b):
        for key in ("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
            if key in optimizer.state[parameter]:
                seen += optimizer.state[parameter][key].reshape(-1).tolist()
    defaults = optimizer.defaults
    words = [make.__name__, defaults["lr"], *defaults["betas"], defaults["eps"], defaults["weight_decay"]]
    words += [int(defaults["amsgrad"]), int(defaults["maximize"]), gamma]
    return words, seen


for make in (Adam, AdamW):
    for case in CASES:
        options = dict(case)
        words, seen = run(make, options, options.pop("gamma", 1.0))
        print(*words, "|", *[repr(float(value)) for value in seen])
