"""RMSprop, Adagrad and their kin over 20 steps with parameter groups, as optimisers.py draws them."""
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
