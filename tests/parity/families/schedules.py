"""Schedules in cycles, and schedules made of others: rates and momenta of two groups over 100 steps."""
import torch

from cases import define
from families.optimisers import NEW, SCHEDULES, make_schedule

FAMILY = "schedules"
STEPS = 100


def per_group(d, values):
    """One number for all groups, or one for each."""
    return d.choice(values) if d.maybe() else [d.choice(values), d.choice(values)]


def momenta(d):
    return dict(cycle_momentum=d.maybe(0.7), base_momentum=per_group(d, [0.85, 0.5]),
                max_momentum=per_group(d, [0.95, 0.9]))


def one_cycle(d):
    o = dict(max_lr=per_group(d, [0.1, 1.0]), pct_start=d.choice([0.3, 0.25, 0.1, 0.5]),
             anneal_strategy=d.choice(["cos", "linear"]), div_factor=d.choice([25.0, 10.0]),
             final_div_factor=d.choice([1e4, 100.0]), three_phase=d.maybe(0.4), **momenta(d))
    if d.maybe():
        return dict(o, total_steps=d.choice([100, 101, 150]))
    return dict(o, epochs=d.choice([5, 7]), steps_per_epoch=d.choice([20, 33]))


def cyclic(d):
    o = dict(base_lr=per_group(d, [0.01, 0.1]), max_lr=per_group(d, [0.5, 1.0]),
             step_size_up=d.choice([1, 7, 20, 200]), mode=d.choice(["triangular", "triangular2", "exp_range"]),
             gamma=d.choice([0.99, 0.9]), **momenta(d))
    if d.maybe():
        o["step_size_down"] = d.choice([1, 5, 30])
    if d.maybe(0.3):
        o.update(scale=d.choice([0.7, 0.9]), scale_mode=d.choice(["cycle", "iterations"]))
    return o


CYCLES = {
    "OneCycleLR": one_cycle,
    "CyclicLR": cyclic,
    "CosineAnnealingWarmRestarts": lambda d: dict(
        T_0=d.choice([1, 7, 10, 40]), T_mult=d.choice([1, 1, 2, 3]), eta_min=d.choice([0.0, 0.01])),
    "MultiplicativeLR": lambda d: dict(decay=d.choice([0.9, 0.99])),
    "SWALR": lambda d: dict(swa_lr=per_group(d, [0.05, 0.5]), anneal_epochs=d.choice([0, 1, 10, 30]),
                            anneal_strategy=d.choice(["cos", "linear"])),
}


def make(kind, optimizer, options):
    o = dict(options)
    module = torch.optim.lr_scheduler
    if kind == "SWALR":
        return torch.optim.swa_utils.SWALR(optimizer, **o)
    if kind == "MultiplicativeLR":
        return module.MultiplicativeLR(optimizer, lambda epoch: options["decay"] + 0.01 / (1 + epoch))
    if kind == "CyclicLR" and "scale" in o:
        base = o.pop("scale")
        o["scale_fn"] = lambda x: base ** x
    if kind in CYCLES:
        return getattr(module, kind)(optimizer, **o)
    return make_schedule(kind, optimizer, o)


def optimiser(kind, lr):
    groups = [{"params": [torch.zeros(1)], "lr": each} for each in lr]
    return getattr(torch.optim, kind)(groups, lr=1)


def state(optimizer):
    return [[group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]]
            for group in optimizer.param_groups]


def run_schedule(optimizer, step):
    history = [state(optimizer)]
    for epoch in range(STEPS):
        optimizer.step()
        step(epoch)
        history.append(state(optimizer))
    return torch.tensor(history, dtype=torch.float64)


def cycle(kind, weight):
    @define(FAMILY, kind, weight)
    def _(d):
        o, lr = CYCLES[kind](d), [d.choice([0.1, 0.5]), d.choice([0.03, 1.0])]
        of = d.choice(["SGD", "Adam", "RMSprop"])
        if kind == "CyclicLR" and not NEW:
            of = "SGD"
        fractions = kind == "CosineAnnealingWarmRestarts" and d.maybe()

        def run(x):
            optimizer = optimiser(of, lr)
            schedule = make(kind, optimizer, o)
            step = (lambda epoch: schedule.step((epoch + 1) * 0.375)) if fractions else (lambda _: schedule.step())
            return [run_schedule(optimizer, step).to(x[0].dtype)]
        return [d.plain([0.0], grad=False)], {"options": o, "lr": lr, "of": of, "fractions": fractions}, run


for name, times in (("OneCycleLR", 8), ("CyclicLR", 8), ("CosineAnnealingWarmRestarts", 6),
                    ("MultiplicativeLR", 2), ("SWALR", 4)):
    cycle(name, times)


def several(name, weight):
    @define(FAMILY, name, weight)
    def _(d):
        simple = [kind for kind in sorted(SCHEDULES) if kind != "LambdaLR" or name == "SequentialLR"]
        # OneCycleLR and CyclicLR change the initial rate of the others, in PyTorch.
        pool = simple + (["CosineAnnealingWarmRestarts"] if name == "SequentialLR" else []) + ["MultiplicativeLR"] * NEW
        kinds = [d.choice(pool) for _ in range(d.randint(1, 3))]
        chosen = [[kind, (CYCLES.get(kind) or SCHEDULES[kind])(d)] for kind in kinds]
        milestones = sorted(d.sample(range(1, 90), len(chosen) - 1))
        lr = [d.choice([0.1, 0.5]), d.choice([0.03, 1.0])]

        def run(x):
            optimizer = optimiser("SGD", lr)
            schedules = [make(kind, optimizer, o) for kind, o in chosen]
            if name == "SequentialLR":
                schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, schedules, milestones)
            else:
                schedule = torch.optim.lr_scheduler.ChainedScheduler(schedules)
            return [run_schedule(optimizer, lambda _: schedule.step()).to(x[0].dtype)]
        return [d.plain([0.0], grad=False)], {"schedules": chosen, "milestones": milestones, "lr": lr}, run


several("SequentialLR", 12)
several("ChainedScheduler", 6)
