"""Padding of any number of dimensions, in every mode."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "padding"
# 1.13 gives no empty results, and takes no single samples in circular mode.
OLD = torch.__version__.startswith("1.")


@define(FAMILY, "pad", 40)
def _(d):
    mode = d.choice(["constant", "constant", "reflect", "replicate", "circular"])
    if mode == "constant":
        shape = d.shape(least=1, most=5, empty=not OLD)
        axes = d.randint(0, len(shape))
        pad = [d.choice([-1, 0, 0, 1, 2, 3]) for _ in range(2 * axes)]
        for i in range(axes):  # takes away no more than there is
            if shape[-1 - i] + min(pad[2 * i], 0) + min(pad[2 * i + 1], 0) < OLD:
                pad[2 * i] = pad[2 * i + 1] = 1
    else:
        axes = d.randint(1, 3)
        shape = [d.randint(1, 3) for _ in range(d.randint(1 + (OLD and mode == "circular"), 2))] + \
                [d.randint(1, 6) for _ in range(axes)]
        pad = []
        for n in reversed(shape[-axes:]):
            most = n - 1 if mode == "reflect" else n if mode == "circular" else 4
            pad += [d.randint(0, min(most, 4)) for _ in range(2)]
        if mode == "replicate" and d.maybe(0.2) and shape[-1] > 1:
            pad[d.randint(0, 1)] = -1
    kind = d.choice(["float", "float", "float", "int"])
    if mode != "constant" and kind == "int":  # 1.13 has no integers here
        kind = "float"
    values = d.odd(d.normal(shape)) if kind == "float" else d.integers(shape, -9, 9)
    value = d.choice([None, 0, 2.5, -1, float("inf")]) if mode == "constant" else None
    if kind == "int" and value is not None:
        value = int(value) if value < 9 else 7
    o = {"pad": pad, "mode": mode}
    if value is not None:
        o["value"] = str(value)
    return [d.laid_out(values)], o, lambda x: [F.pad(x[0], pad, mode, value)]
