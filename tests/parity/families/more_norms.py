"""Instance norm with its statistics, RMS norm, local response norm, and norms without a bias."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "more_norms"


@define(FAMILY, "instance_norm", 24)
def _(d):
    axes, channels = d.randint(1, 3), d.randint(1, 4)
    shape = [d.randint(1, 3), channels] + [d.randint(1, 4) for _ in range(axes)]
    shape[-1] += all(n == 1 for n in shape[2:])
    single = d.maybe(0.15)
    o = {"axes": axes, "channels": channels, "eps": d.choice([1e-5, 1e-3]),
         "momentum": d.choice([0.1, 0.1, 0.5, 1.0]), "affine": d.maybe(), "track": d.maybe(),
         "script": [d.choice(["train", "train", "eval"]) for _ in range(3)]}
    inputs = [d.laid_out(d.normal(shape[1:] if single else shape, d.choice([0.5, 2]), d.choice([0, 3])))
              for _ in o["script"]]
    if o["affine"]:
        inputs += [d.plain(d.normal([channels])), d.plain(d.normal([channels]))]

    def run(x):
        kind = [torch.nn.InstanceNorm1d, torch.nn.InstanceNorm2d, torch.nn.InstanceNorm3d][axes - 1]
        layer = kind(channels, o["eps"], o["momentum"], o["affine"], o["track"]).to(x[0].dtype)
        if o["affine"]:
            del layer.weight, layer.bias
            layer.weight, layer.bias = x[-2], x[-1]
        outputs = []
        for step, value in zip(o["script"], x):
            for name, buffer in layer.named_buffers():  # the old ones belong to the graph
                setattr(layer, name, buffer.clone())
            outputs.append(layer.train(step == "train")(value.contiguous()))
        return outputs + list(layer.buffers())
    return inputs, o, run


@define(FAMILY, "rms_norm", 8)
def _(d):
    shape = d.shape(least=1)
    last = d.randint(1, len(shape))
    o = {"shape": shape[-last:], "affine": d.maybe()}
    if d.maybe():
        o["eps"] = d.choice([1e-5, 1e-2])
    inputs = [d.laid_out(d.normal(shape, d.choice([1, 4]), d.choice([0, 3])))]
    if o["affine"]:
        inputs.append(d.laid_out(d.normal(o["shape"])))

    def run(x):
        if hasattr(F, "rms_norm"):
            return [F.rms_norm(x[0], o["shape"], x[1] if o["affine"] else None, o.get("eps"))]
        eps = o.get("eps", torch.finfo(x[0].dtype).eps)  # not in 1.13
        y = x[0] * (x[0].pow(2).mean(list(range(-last, 0)), True) + eps).rsqrt()
        return [y * x[1] if o["affine"] else y]
    return inputs, o, run


@define(FAMILY, "local_response_norm", 8)
def _(d):
    shape = [d.randint(0, 2), d.randint(1, 7)] + [d.randint(1, 3) for _ in range(d.randint(1, 3))]
    o = {"size": d.randint(1, 6), "alpha": d.choice([1e-4, 1.0]), "beta": d.choice([0.75, 0.5, 2.0]),
         "k": d.choice([1.0, 2.0])}
    return [d.laid_out(d.normal(shape, 2))], o, lambda x: [
        F.local_response_norm(x[0], o["size"], o["alpha"], o["beta"], o["k"])]


@define(FAMILY, "without_bias", 8)
def _(d):
    kind = d.choice(["batch", "layer", "group"])
    channels = d.choice([2, 4])
    shape = [d.randint(2, 3), channels, d.randint(1, 4)]
    inputs = [d.laid_out(d.normal(shape)), d.laid_out(d.normal([channels * (shape[2] if kind == "layer" else 1)]))]

    def run(x):
        if kind == "batch":
            return [F.batch_norm(x[0], None, None, x[1], None, True)]
        if kind == "layer":
            return [F.layer_norm(x[0], shape[1:], x[1].reshape(shape[1:]), None)]
        return [F.group_norm(x[0], 2, x[1], None)]
    return inputs, {"kind": kind}, run
