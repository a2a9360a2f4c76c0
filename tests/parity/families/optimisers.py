"""Optimisers over 20 steps with parameter groups, schedules over 100 steps, clipping."""
import math

import torch

from cases import define

FAMILY = "optimisers"
STEPS = 20
# What PyTorch 1.13 does not have yet is not drawn for it.
NEW = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 2)


def group_options(d, kind):
    o = {"lr": d.choice([0.1, 0.01, 1.0]), "weight_decay": d.choice([0.0, 0.0, 1e-2, 0.1]),
         "maximize": d.maybe(0.2)}
    if kind == "SGD":
        o["momentum"] = d.choice([0.0, 0.9, 0.5])
        o["nesterov"] = o["momentum"] > 0 and d.maybe(0.4)
        o["dampening"] = 0.0 if o["nesterov"] else d.choice([0.0, 0.0, 0.3, 1.0])
    else:
        o["lr"] = d.choice([0.1, 0.01, 1e-3])
        o["betas"] = d.choice([[0.9, 0.999], [0.5, 0.9], [0.0, 0.99], [0.9, 0.0]])
        o["eps"] = d.choice([1e-8, 1e-8, 1e-3, 0.1])
        o["amsgrad"] = d.maybe(0.4)
    return o


def optimiser(kind, weight, family=FAMILY, draw=group_options):
    @define(family, kind, weight)
    def _(d):
        groups = [draw(d, kind) for _ in range(d.randint(1, 2))]
        shapes = [d.shape(most=2, empty=False, sizes=(1, 2, 3)) for _ in range(len(groups) + 1)]
        members = [[0, 1], [2]] if len(groups) == 2 else [[0, 1]]
        # Now and then a parameter has no gradient: nothing may happen to it.
        present = [[d.maybe(0.85) for _ in range(STEPS)] for _ in shapes]
        change = {}  # options of the first group from halfway through
        if d.maybe():
            change["lr"] = groups[0]["lr"] / 2
        if d.maybe(0.3):
            change["weight_decay"] = d.choice([0.0, 0.05])
        if d.maybe(0.2):
            change["maximize"] = d.maybe()
        if kind == "SGD" and d.maybe(0.3):
            change.update(momentum=d.choice([0.0, 0.8]), dampening=d.choice([0.0, 0.2]), nesterov=False)
        # A group that joins halfway through.
        late = len(groups) == 2 and d.maybe(0.3)
        if not NEW and kind == "RAdam":
            change.pop("maximize", None)
        late = late and (NEW or kind != "Adagrad")
        inputs = [d.laid_out(d.normal(shape), grad=False) for shape in shapes]
        inputs += [d.plain(d.normal([STEPS] + shape), grad=False) for shape in shapes]
        options = {"groups": groups, "members": members, "present": present, "change": change,
                   "late": late}

        def run(x):
            parameters = [t.clone().requires_grad_() for t in x[:len(shapes)]]
            param_groups = [dict(o, params=[parameters[m] for m in of])
                            for o, of in zip(groups, members)]
            optimizer = getattr(torch.optim, kind)(param_groups[:1] if late else param_groups, lr=0.1)
            history = []
            for step in range(STEPS):
                if step == STEPS // 2:
                    optimizer.param_groups[0].update(change)
                    if late:
                        optimizer.add_param_group(param_groups[1])
                for p, gradients, there in zip(parameters, x[len(shapes):], present):
                    p.grad = gradients[step].clone() if there[step] else None
                optimizer.step()
                history.append(torch.cat([p.detach().reshape(-1) for p in parameters]))
            return [torch.stack(history)]
        return inputs, options, run


optimiser("SGD", 14)
optimiser("Adam", 8)
optimiser("AdamW", 8)

SCHEDULES = {
    "StepLR": lambda d: dict(step_size=d.randint(1, 40), gamma=d.choice([0.1, 0.5, 0.97])),
    "MultiStepLR": lambda d: dict(milestones=sorted(d.randint(1, 90) for _ in range(d.randint(1, 4))),
                                  gamma=d.choice([0.1, 0.5])),
    "ExponentialLR": lambda d: dict(gamma=d.choice([0.9, 0.99, 1.01])),
    "CosineAnnealingLR": lambda d: dict(T_max=d.choice([10, 37, 100, 200]),
                                        eta_min=d.choice([0.0, 0.01])),
    "LinearLR": lambda d: dict(start_factor=d.choice([1 / 3, 0.1, 1.0]),
                               end_factor=d.choice([1.0, 0.0, 0.5]), total_iters=d.randint(1, 120)),
    "ConstantLR": lambda d: dict(factor=d.choice([1 / 3, 0.5, 1.0]), total_iters=d.randint(1, 120)),
    "PolynomialLR": lambda d: dict(total_iters=d.randint(1, 120), power=d.choice([1.0, 2.0, 0.5])),
    "LambdaLR": lambda d: dict(decay=d.choice([0.9, 0.99])),
}


def make_schedule(kind, optimizer, options):
    if kind == "LambdaLR":
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda epoch: options["decay"] ** epoch / (1 + epoch))
    return getattr(torch.optim.lr_scheduler, kind)(optimizer, **options)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


@define(FAMILY, "schedule", 16)
def _(d):
    """One schedule, or two that work on the same optimiser."""
    kinds = d.sample(sorted(SCHEDULES), d.choice([1, 1, 1, 2]))
    if "LambdaLR" in kinds:
        kinds = ["LambdaLR"]  # sets the rate, whatever others make of it
    chosen = [[kind, SCHEDULES[kind](d)] for kind in kinds]
    start = [d.choice([0.1, 0.5]), d.choice([0.03, 1.0])]

    def run(x):
        optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": lr} for lr in start], lr=1)
        schedules = [make_schedule(kind, optimizer, options) for kind, options in chosen]
        history = [rates(optimizer)]
        for _ in range(100):
            optimizer.step()
            for schedule in schedules:
                schedule.step()
            history.append(rates(optimizer))
        return [torch.tensor(history, dtype=x[0].dtype)]
    return [d.plain([0.0], grad=False)], {"schedules": chosen, "lr": start}, run


@define(FAMILY, "plateau", 6)
def _(d):
    o = {"mode": d.choice(["min", "max"]), "factor": d.choice([0.1, 0.5]),
         "patience": d.choice([0, 1, 3, 10]), "threshold": d.choice([1e-4, 0.1]),
         "threshold_mode": d.choice(["rel", "abs"]), "cooldown": d.choice([0, 0, 2]),
         "min_lr": d.choice([0.0, 0.01, [0.02, 0.001]]), "eps": d.choice([1e-8, 1e-3])}
    metric = d.normal([100], d.choice([0.05, 1])) + 3 / (1 + 0.1 * d.numpy.permutation(100))
    metric = d.odd(metric.astype("float32"))
    start = [0.1, 0.5]

    def run(x):
        optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": lr} for lr in start], lr=1)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **o)
        history = []
        for value in x[0]:
            schedule.step(value.item())
            history.append(rates(optimizer))
        return [torch.tensor(history, dtype=x[0].dtype)]
    return [d.plain(metric, grad=False)], dict(o, lr=start), run


@define(FAMILY, "clip_grad_norm_", 8)
def _(d):
    o = {"max_norm": d.choice([0.1, 1.0, 100.0]), "norm_type": d.choice([1.0, 2.0, 2.0, 3.0, "inf"])}
    # PyTorch 1.13 finds no largest element of an empty gradient.
    shapes = [d.shape(most=3, empty=o["norm_type"] != "inf") for _ in range(d.randint(1, 4))]

    def run(x):
        parameters = [torch.zeros_like(g).requires_grad_() for g in x]
        for p, gradient in zip(parameters, x):
            p.grad = gradient.detach().clone()
        norm = torch.nn.utils.clip_grad_norm_(
            parameters, o["max_norm"], math.inf if o["norm_type"] == "inf" else o["norm_type"])
        return [norm.to(x[0].dtype)] + [p.grad for p in parameters]
    return [d.laid_out(d.odd(d.normal(shape)), grad=False) for shape in shapes], o, run


@define(FAMILY, "clip_grad_value_", 2)
def _(d):
    limit = d.choice([0.1, 1.0])

    def run(x):
        p = torch.zeros_like(x[0]).requires_grad_()
        p.grad = x[0].detach().clone()
        torch.nn.utils.clip_grad_value_([p], limit)
        return [p.grad]
    return [d.laid_out(d.odd(d.normal(d.shape())), grad=False)], {"limit": limit}, run
