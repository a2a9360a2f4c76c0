"""RMSprop, Adagrad and their kin over 20 steps with parameter groups, as optimisers.py draws them."""
import torch

from cases import define
from families.optimisers import NEW, optimiser

FAMILY = "adaptive"


def group_options(d, kind):
    o = {"lr": d.choice([0.1, 0.01, 1e-3]), "maximize": d.maybe(0.2)}
    if kind != "Rprop":
        o["weight_decay"] = d.choice([0.0, 0.0, 1e-2, 0.1])
        o["eps"] = d.choice([1e-8, 1e-8, 1e-3, 0.1])
    if kind == "RMSprop":
        o["alpha"] = d.choice([0.99, 0.9, 0.5])
        o["momentum"] = d.choice([0.0, 0.9, 0.5])
        o["centered"] = d.maybe(0.4)
    if kind == "Adagrad":
        o["lr_decay"] = d.choice([0.0, 0.0, 0.1, 1.0])
    if kind == "Adadelta":
        o["lr"] = d.choice([1.0, 0.5])
        o["rho"] = d.choice([0.9, 0.5, 0.99, 0.0])
    if kind in ("Adamax", "NAdam", "RAdam"):
        o["betas"] = d.choice([[0.9, 0.999], [0.5, 0.9], [0.0, 0.99], [0.9, 0.7]])
    if kind == "NAdam":
        o["momentum_decay"] = d.choice([4e-3, 4e-3, 0.0, 0.5])
    if kind in ("NAdam", "RAdam"):
        o["decoupled_weight_decay"] = d.maybe(0.3) and NEW
        o["maximize"] = o["maximize"] and NEW
    if kind == "Rprop":
        o["etas"] = d.choice([[0.5, 1.2], [0.25, 2.0]])
        o["step_sizes"] = d.choice([[1e-6, 50.0], [0.005, 0.1]])
    return o


for name in ("RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop"):
    if NEW or name != "NAdam":  # PyTorch 1.13 multiplies by μₜ once too often
        optimiser(name, 6, FAMILY, group_options)


@define(FAMILY, "LBFGS", 8)
def _(d):
    """Three steps on a small nonlinear regression, in float64: its tests for progress turn on the last bits."""
    n, columns = d.choice([4, 12]), d.choice([1, 3, 6])
    o = {"lr": d.choice([1.0, 0.5, 0.1]), "max_iter": d.choice([1, 4, 20]), "history_size": d.choice([100, 2]),
         "tolerance_grad": d.choice([1e-7, 1e-2]), "tolerance_change": d.choice([1e-9, 1e-3]),
         "line_search_fn": d.choice([None, "strong_wolfe", "strong_wolfe"]), **({"maximize": d.maybe(0.2)} if NEW else {})}
    if d.maybe(0.3):
        o["max_eval"] = d.choice([2, 7])
    quartic = d.choice([0.0, 0.1, 1.0])

    def run(x):
        a, y, w, b = [t.detach().double().clone() for t in x]
        optimizer = torch.optim.LBFGS([w.requires_grad_(), b.requires_grad_()], **o)
        sign = -1 if o.get("maximize") else 1
        history = []

        def closure():
            optimizer.zero_grad()
            loss = sign * (((a @ w + b - y) ** 2).mean() + quartic * (w ** 4).sum())
            loss.backward()
            return loss
        for _ in range(3):
            loss = optimizer.step(closure)
            history += [loss.detach().reshape(1), w.detach().clone(), b.detach().clone()]
        return [torch.cat(history).to(x[0].dtype)]
    inputs = [d.plain(d.normal([n, columns]), grad=False), d.plain(d.normal([n]), grad=False),
              d.plain(d.normal([columns]), grad=False), d.plain(d.normal([1]), grad=False)]
    return inputs, dict(o, quartic=quartic), run
