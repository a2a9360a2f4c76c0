"""Transposed convolutions over every option."""
import torch

from cases import define

FAMILY = "conv_transpose"


def transposed(rank, weight):
    kind = {1: torch.nn.ConvTranspose1d, 2: torch.nn.ConvTranspose2d}[rank]

    def draw(d):
        kernel = [d.choice([1, 2, 3, 3, 4, 4, 5]) for _ in range(rank)]
        dilation = [d.choice([1, 1, 1, 2, 3]) for _ in range(rank)]
        stride = [d.choice([1, 2, 2, 3]) for _ in range(rank)]
        if d.maybe(0.5):  # the usual: square, and one number for all
            kernel, dilation, stride = [kernel[0]] * rank, [dilation[0]] * rank, [stride[0]] * rank
        more = [d.randint(0, max(s, q) - 1) if d.maybe(0.4) else 0 for s, q in zip(stride, dilation)]
        groups = d.choice([1, 1, 1, 2, 3])
        inside, outside = groups * d.choice([1, 2, 4, 5]), groups * d.choice([1, 2, 3, 8])
        if d.maybe(0.15):  # one group for every channel
            groups, outside = inside, inside * d.choice([1, 2])
        size = [d.randint(1, 6) for _ in range(rank)]
        if d.maybe(0.05):  # enough for kernels that work in blocks
            inside, outside = inside * 4, outside * 4
            size = [n + d.randint(4, 12) for n in size]
        whole = [(n - 1) * s + q * (k - 1) + m + 1
                 for n, s, q, k, m in zip(size, stride, dilation, kernel, more)]
        padding = [d.randint(0, min(3, (w - 1) // 2)) for w in whole]
        bias = d.maybe()
        shape = [d.choice([0, 1, 1, 2, 2, 3, 3, 3]), inside] + size
        if torch.__version__.startswith("1."):  # takes no empty batches with gaps
            shape[0] = max(shape[0], 1)
        if d.maybe(0.1):
            shape = shape[1:]
        inputs = [d.laid_out(d.normal(shape)),
                  d.laid_out(d.normal([inside, outside // groups] + kernel, 0.5))]
        if bias:
            inputs.append(d.laid_out(d.normal([outside])))
        options = {"in": inside, "out": outside, "kernel": kernel, "stride": stride,
                   "padding": padding, "output_padding": more, "dilation": dilation,
                   "groups": groups, "bias": bias}
        if d.maybe(0.2) and all(m < s for m, s in zip(more, stride)):
            options["size"] = [w - 2 * p for w, p in zip(whole, padding)]

        def run(x):
            layer = kind(inside, outside, kernel, stride, padding, more, groups, bias, dilation)
            del layer.weight, layer.bias
            layer.weight, layer.bias = x[1], x[2] if bias else None
            return [layer(x[0], options.get("size"))]
        return inputs, options, run
    define(FAMILY, f"conv_transpose{rank}d", weight)(draw)


transposed(1, 14)
transposed(2, 30)
