"""Writes golden_optim.h: what PyTorch computes for the cases of test_sgd, test_lr_scheduler and
test_clip.

usage: python3 golden_optim.py > golden_optim.h   (made with PyTorch 1.13)
"""
import warnings

import torch
from torch.optim import SGD, lr_scheduler

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.float64)


def array(values, indent="    "):
    lines, line = [], indent
    for value in values:
        text = repr(float(value)) + ","
        if len(line) + len(text) + 1 > 100:
            lines.append(line.rstrip())
            line = indent
        line += text + " "
    lines.append(line.rstrip())
    return "\n".join(lines)


# --- SGD: two groups; the second parameter has its first gradient in the third step ---
SGD_CASES = [
    dict(),
    dict(weight_decay=0.1),
    dict(momentum=0.9),
    dict(momentum=0.9, dampening=0.25),
    dict(momentum=0.9, nesterov=True),
    dict(momentum=0.9, weight_decay=0.1),
    dict(momentum=0.5, dampening=0.25, weight_decay=0.1),
    dict(momentum=0.9, weight_decay=0.1, nesterov=True),
    dict(maximize=True),
    dict(weight_decay=0.1, maximize=True),
    dict(momentum=0.9, dampening=0.25, weight_decay=0.1, maximize=True),
    dict(momentum=0.9, weight_decay=0.1, nesterov=True, maximize=True),
]


def start(which, count):
    return torch.tensor([(i - 1.5 + which) / 4 for i in range(count)], requires_grad=True)


def gradient(step, which, count):
    return torch.tensor([((3 * step + 7 * i + 5 * which) % 11 - 5) / 8 for i in range(count)])


def sgd(options):
    a, b = start(0, 5), start(1, 3)
    optimizer = SGD([{"params": [a]}, {"params": [b], "lr": 0.025, "weight_decay": 0.0}], lr=0.1, **options)
    seen = []
    for step in range(20):
        a.grad = gradient(step, 0, 5)
        b.grad = gradient(step, 1, 3) if step >= 2 else None
        optimizer.step()
        if step in (0, 1, 2, 19):
            seen += a.tolist() + b.tolist()
    return seen


# --- Schedulers: groups with 0.05 and 0.4 over 100 epochs ---
def metric(epoch):
    return 1.0 - epoch / 64 if epoch < 30 else 0.53125 + (7 * epoch % 5) / 128


def plateau(**options):
    return lambda o: [lr_scheduler.ReduceLROnPlateau(o, **options)]


SCHEDULES = {
    "StepLR": lambda o: [lr_scheduler.StepLR(o, 7, gamma=0.7)],
    "MultiStepLR": lambda o: [lr_scheduler.MultiStepLR(o, [3, 10, 10, 42], gamma=0.3)],
    "ExponentialLR": lambda o: [lr_scheduler.ExponentialLR(o, 0.93)],
    "CosineAnnealingLR": lambda o: [lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.002)],
    "LinearLR": lambda o: [lr_scheduler.LinearLR(o, start_factor=0.25, end_factor=0.8, total_iters=12)],
    "LinearLR default": lambda o: [lr_scheduler.LinearLR(o)],
    "ConstantLR": lambda o: [lr_scheduler.ConstantLR(o, factor=0.3, total_iters=9)],
    "PolynomialLR": lambda o: [lr_scheduler.PolynomialLR(o, total_iters=40, power=1.7)],
    "LambdaLR": lambda o: [lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch))],
    "LinearLR and CosineAnnealingLR": lambda o: [
        lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=5), lr_scheduler.CosineAnnealingLR(o, 8)],
    "ReduceLROnPlateau": plateau(patience=4, factor=0.5),
    "ReduceLROnPlateau max": plateau(mode="max", patience=5, factor=0.8, cooldown=3),
    "ReduceLROnPlateau abs": plateau(threshold=0.02, threshold_mode="abs", patience=0, factor=0.9, cooldown=1,
                                     min_lr=[0.01, 0.2]),
    "ReduceLROnPlateau max abs": plateau(mode="max", threshold=0.01, threshold_mode="abs", patience=2, factor=0.6,
                                         eps=1e-3),
}


def schedule(make):
    optimizer = SGD([{"params": [start(0, 1)]}, {"params": [start(1, 1)], "lr": 0.4}], lr=0.05)
    schedulers = make(optimizer)
    rates = []
    for epoch in range(101):
        rates.append([group["lr"] for group in optimizer.param_groups])
        for scheduler in schedulers:
            if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step(metric(epoch))
            else:
                scheduler.step()
    return rates


# --- Clipping ---
def clip(max_norm, norm_type):
    a, b = start(0, 5), start(1, 3)
    a.grad, b.grad = gradient(0, 0, 5), gradient(0, 1, 3)
    total = torch.nn.utils.clip_grad_norm_([a, b], max_norm, norm_type)
    return [total] + a.grad.tolist() + b.grad.tolist()


print("// Written by golden_optim.py.\n// clang-format off")
print("#pragma once")
print("#include <limits>\n#include <vector>\n")
print("struct SgdGolden {\n  double momentum, dampening, weight_decay;\n  bool nesterov, maximize;")
print("  // Five values of the first parameter and three of the second after steps 1, 2, 3 and 20.")
print("  std::vector<double> values;\n};\n")
print("inline const std::vector<SgdGolden> kSgdGolden = {")
for case in SGD_CASES:
    flags = [str(case.get(name, False)).lower() for name in ("nesterov", "maximize")]
    numbers = [repr(float(case.get(name, 0))) for name in ("momentum", "dampening", "weight_decay")]
    print("  {" + ", ".join(numbers + flags) + ", {\n" + array(sgd(case)) + "\n  }},")
print("};\n")
print("struct ScheduleGolden {\n  const char* name;")
print("  // The rates of the first group in epochs 0 to 100, and of the second in every tenth of them.")
print("  std::vector<double> first, second;\n};\n")
print("inline const std::vector<ScheduleGolden> kScheduleGolden = {")
for name, make in SCHEDULES.items():
    rates = schedule(make)
    print('  {"' + name + '", {\n' + array([r[0] for r in rates]) + "\n  }, {")
    print(array([r[1] for r in rates[::10]]) + "\n  }},")
print("};\n")
print("struct ClipGolden {\n  double max_norm, norm_type;")
print("  // The total norm, then the clipped gradients.\n  std::vector<double> values;\n};\n")
print("inline const std::vector<ClipGolden> kClipGolden = {")
for max_norm, norm_type in [(0.5, 2), (100, 2), (0.5, 1), (0.25, 3), (0.75, 0.5), (0.25, float("inf"))]:
    kind = "std::numeric_limits<double>::infinity()" if norm_type == float("inf") else repr(float(norm_type))
    print("  {" + repr(float(max_norm)) + ", " + kind + ", {\n" + array(clip(max_norm, norm_type)) + "\n  }},")
print("};")
