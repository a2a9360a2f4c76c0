"""Normalisation: batch norm through training, evaluation, freezing, saving; layer norm, group norm."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "normalisation"


def batch_norm(rank, weight):
    kind = {1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d}[rank]

    def draw(d):
        channels = d.randint(1, 5)
        o = {"channels": channels, "eps": d.choice([1e-5, 1e-5, 1e-3, 0.1]),
             "momentum": d.choice([0.1, 0.1, 0.01, 0.5, 1.0, 0.0, None]),
             "affine": d.maybe(0.8), "track_running_stats": d.maybe(0.8)}
        spatial = [[d.randint(1, 4), d.randint(1, 4)]] if rank == 2 else [[], [d.randint(1, 5)]]
        # A script: what happens to the layer, a forward pass (with the next input) among it.
        script = ["forward"]
        for _ in range(d.randint(2, 7)):
            script.append(d.choice(["forward", "forward", "train", "eval", "save", "restore"] +
                                   ["freeze", "unfreeze"] * o["track_running_stats"]))
        script.append("forward")
        o["script"] = script
        inputs = []
        for _ in range(script.count("forward")):
            shape = [d.randint(1, 5), channels] + d.choice(spatial)
            if shape[0] * np.prod(shape[2:]) == 1:
                shape[0] = 2  # one value per channel is refused
            if d.maybe(0.05):
                shape[d.choice([0] + list(range(2, len(shape))))] = d.choice([20, 70])
            inputs.append(d.laid_out(d.normal(shape, d.choice([0.5, 2]), d.choice([0, 0, 3]))))
        if o["affine"]:
            inputs += [d.plain(d.uniform([channels], 0.5, 2)), d.plain(d.normal([channels]))]

        def run(x):
            layer = kind(channels, o["eps"], o["momentum"], o["affine"], o["track_running_stats"])
            layer.to(x[0].dtype)
            x = list(x)
            if o["affine"]:
                del layer.weight, layer.bias
                layer.bias = x.pop()
                layer.weight = x.pop()
            training, frozen, outputs = True, False, []
            saved = {}
            for step in script:
                # New tensors for the statistics: the old ones belong to the graph.
                for name, buffer in layer.named_buffers():
                    setattr(layer, name, buffer.clone())
                if step == "forward":
                    layer.train(training and not frozen)
                    # Of some permuted inputs, 1.13 computes wrong gradients for gamma and beta.
                    outputs.append(layer(x.pop(0).contiguous()))
                elif step in ("train", "eval"):
                    training = step == "train"
                elif step in ("freeze", "unfreeze"):
                    frozen = step == "freeze"
                elif step == "save":
                    saved = {name: buffer.clone() for name, buffer in layer.named_buffers()}
                elif saved:
                    layer.load_state_dict(saved)
            return outputs + list(layer.buffers())
        return inputs, o, run
    define(FAMILY, f"batch_norm{rank}d", weight)(draw)


batch_norm(1, 16)
batch_norm(2, 16)


@define(FAMILY, "layer_norm", 6)
def _(d):
    shape = d.shape(least=1)
    last = d.randint(1, len(shape))
    o = {"shape": shape[-last:], "eps": d.choice([1e-5, 1e-3]), "affine": d.maybe(0.7)}
    inputs = [d.laid_out(d.normal(shape, d.choice([1, 4]), d.choice([0, 3])))]
    if o["affine"]:
        inputs += [d.laid_out(d.normal(o["shape"])), d.laid_out(d.normal(o["shape"]))]
    return inputs, o, lambda x: [F.layer_norm(x[0], o["shape"], *x[1:], eps=o["eps"])]


@define(FAMILY, "group_norm", 8)
def _(d):
    groups, each = d.randint(1, 4), d.randint(1, 3)
    shape = [d.randint(1, 4), groups * each] + d.shape(most=2, empty=False)
    if each * shape[0] * np.prod(shape[2:]) == 1:
        shape.append(2)  # PyTorch refuses a single value in all
    o = {"groups": groups, "eps": d.choice([1e-5, 1e-3]), "affine": d.maybe(0.7)}
    inputs = [d.laid_out(d.normal(shape, d.choice([1, 4]), d.choice([0, 3])))]
    if o["affine"]:
        inputs += [d.laid_out(d.normal([groups * each])), d.laid_out(d.normal([groups * each]))]
    return inputs, o, lambda x: [F.group_norm(x[0], groups, *x[1:], eps=o["eps"])]
