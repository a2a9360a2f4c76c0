"""Images and signals of another size, over every option."""
import torch
import torch.nn.functional as F

from cases import define

FAMILY = "interpolation"


@define(FAMILY, "interpolate", 40)
def _(d):
    axes = d.choice([1, 2, 2, 2])
    mode = d.choice(["nearest", "nearest", "nearest-exact", "area"] +
                    (["linear"] * 3 if axes == 1 else ["bilinear"] * 3 + ["bicubic"] * 2))
    shape = [d.choice([0, 1, 1, 2, 2, 3, 3]), d.randint(1, 4)] + [d.randint(1, 7) for _ in range(axes)]
    smooth = mode.endswith("linear") or mode == "bicubic"
    o = {"mode": mode}
    if d.maybe():
        o["size"] = [d.randint(1, 12) for _ in range(axes)]
        if d.maybe(0.3):
            o["size"] = o["size"][:1]
    else:
        o["scale"] = [d.choice([0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.3, 3.0]) for _ in range(axes)]
        if d.maybe(0.6):
            o["scale"] = o["scale"][:1]
        # With 2.3 and a size that is doubled, PyTorch's gradient of a signal is that of another factor,
        # and 1.13's images depend on the order in memory.
        if mode == "nearest" and (axes == 1 or torch.__version__.startswith("1.")):
            o["scale"] = [min(s, 2.0) for s in o["scale"]]
        shape[2:] = [max(n, 2) for n in shape[2:]]
        if d.maybe(0.3):
            o["recompute"] = d.maybe()
    if smooth and d.maybe(0.6):
        o["align_corners"] = d.maybe()
    size, scale = o.get("size"), o.get("scale")

    def run(x):
        return [F.interpolate(
            x[0], size[0] if size and len(size) == 1 else size,
            scale[0] if scale and len(scale) == 1 else scale, mode, o.get("align_corners"),
            o.get("recompute"))]
    return [d.laid_out(d.normal(shape))], o, run
