#!/usr/bin/env python3
"""norma_operations in PyTorch: the same list, options, timing and output.

    pytorch_operations.py [--threads N] [--list FILE] [word ...]
"""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

from workloads import milliseconds, timing_parser

LIST = pathlib.Path(__file__).resolve().parent.parent / "operations.txt"


class Line:
    """`softmax 64x10 dim=1`: the operation, the shapes of its inputs, its options."""

    def __init__(self, text):
        self.operation, *words = text.split()
        self.shapes = [[int(n) for n in word.split("x")] for word in words if "=" not in word]
        self.options = dict(word.split("=") for word in words if "=" in word)
        self.dtype = torch.float64 if self.number("bits", 32) == 64 else torch.float32

    def list(self, name):
        return [int(n) for n in self.options[name].split(",")]

    def number(self, name, otherwise=None):
        return self.list(name)[0] if name in self.options or otherwise is None else otherwise

    def pair(self, name, otherwise):
        values = self.list(name) if name in self.options else [otherwise]
        return values[0], values[-1]

    def normal(self, i):
        return torch.randn(self.shapes[i], dtype=self.dtype)

    def positive(self, i):
        return torch.rand(self.shapes[i], dtype=self.dtype) + 0.5


# Makers give (what may take gradients, the layer or None, the call).

def one(x, function):
    return [x], None, lambda: function(x)


def two(a, b, function):
    return [a, b], None, lambda: function(a, b)


def layer(module, x):
    leaves = [*module.parameters(), *([x] if x.is_floating_point() else [])]
    return leaves, module, lambda: module(x)


def unary(function):
    return lambda line: one(line.normal(0), function)


def of_positive(function):
    return lambda line: one(line.positive(0), function)


def binary(function):
    return lambda line: two(line.normal(0), line.normal(1), function)


def along(function):
    def make(line):
        dim = line.number("dim")
        return one(line.normal(0), lambda x: function(x, dim))
    return make


def over(function, all_of_it):
    def make(line):
        if "dims" not in line.options:
            return one(line.normal(0), all_of_it)
        dims = line.list("dims")
        return one(line.normal(0), lambda x: function(x, dims))
    return make


def with_list(name, function):
    def make(line):
        numbers = line.list(name)
        return one(line.normal(0), lambda x: function(x, numbers))
    return make


def loss(function):
    def make(line):
        target = line.positive(0)
        return one(line.normal(0), lambda x: function(x, target))
    return make


def classes_loss(function):
    def make(line):
        sizes = list(line.shapes[0])
        target = torch.randint(0, sizes.pop(1), sizes)
        return one(line.normal(0), lambda x: function(x, target))
    return make


def joined(function):
    def make(line):
        parts = [line.normal(i) for i in range(len(line.shapes))]
        dim = line.number("dim")
        return parts, None, lambda: function(parts, dim)
    return make


def conv(module):
    def make(line):
        two_sides = module is nn.Conv2d
        option = line.pair if two_sides else line.number
        return layer(module(line.shapes[0][1], line.number("out"), option("kernel", 1),
                            stride=option("stride", 1), padding=option("padding", 0),
                            dilation=option("dilation", 1), groups=line.number("groups", 1)),
                     line.normal(0))
    return make


def pool(module):
    def make(line):
        kernel = line.number("kernel")
        return layer(module(kernel, stride=line.number("stride", kernel),
                            padding=line.number("padding", 0)), line.normal(0))
    return make


def batch_norm(line):
    sizes = line.shapes[0]
    module = nn.BatchNorm2d if len(sizes) == 4 else nn.BatchNorm1d
    return layer(module(sizes[1]), line.normal(0))


def embedding(line):
    rows, columns = line.list("table")
    return layer(nn.Embedding(rows, columns), torch.randint(0, rows, line.shapes[0]))


def where(line):
    condition = line.normal(0) > 0
    return two(line.normal(0), line.normal(1), lambda a, b: torch.where(condition, a, b))


def masked_fill(line):
    mask = line.normal(0) > 0
    return one(line.normal(0), lambda x: x.masked_fill(mask, -1e9))


def power(line):
    exponent = float(line.options["exponent"])
    return one(line.positive(0), lambda x: x.pow(exponent))


def part(line):
    index = [slice(None)] * len(line.shapes[0])
    index[line.number("dim")] = slice(*(line.number(name) for name in ("start", "end", "step")))
    index = tuple(index)
    return one(line.normal(0), lambda x: x[index].contiguous())


def index_select(line):
    dim = line.number("dim")
    index = torch.randint(0, line.shapes[0][dim], (line.number("count"),))
    return one(line.normal(0), lambda x: x.index_select(dim, index))


def gather(line):
    dim = line.number("dim")
    sizes = list(line.shapes[0])
    sizes[dim] = line.number("count")
    index = torch.randint(0, line.shapes[0][dim], sizes)
    return one(line.normal(0), lambda x: x.gather(dim, index))


def pad2d(line):
    sizes, mode = line.list("sizes"), line.options.get("mode", "constant")
    return one(line.normal(0), lambda x: F.pad(x, sizes, mode))


MAKERS = {
    "linear": lambda line: layer(nn.Linear(line.shapes[0][-1], line.number("out")),
                                 line.normal(0)),
    "conv2d": conv(nn.Conv2d),
    "conv1d": conv(nn.Conv1d),
    "max_pool2d": pool(nn.MaxPool2d),
    "max_pool1d": pool(nn.MaxPool1d),
    "avg_pool2d": pool(nn.AvgPool2d),
    "adaptive_avg_pool2d": lambda line: layer(nn.AdaptiveAvgPool2d(line.pair("out", 1)),
                                              line.normal(0)),
    "batch_norm": batch_norm,
    "group_norm": lambda line: layer(nn.GroupNorm(line.number("groups"), line.shapes[0][1]),
                                     line.normal(0)),
    "layer_norm": lambda line: layer(nn.LayerNorm(line.shapes[0][-line.number("dims"):]),
                                     line.normal(0)),
    "embedding": embedding,
    "dropout": unary(lambda x: F.dropout(x, 0.5, True)),
    "dropout2d": unary(lambda x: F.dropout2d(x, 0.5, True)),

    "matmul": binary(torch.matmul),
    "matmul_transposed": binary(lambda a, b: a.matmul(b.transpose(-2, -1))),

    "relu": unary(torch.relu),
    "leaky_relu": unary(lambda x: F.leaky_relu(x, 0.2)),
    "gelu": unary(F.gelu),
    "gelu_tanh": unary(lambda x: F.gelu(x, approximate="tanh")),
    "sigmoid": unary(torch.sigmoid),
    "tanh": unary(torch.tanh),
    "exp": unary(torch.exp),
    "log": of_positive(torch.log),
    "sqrt": of_positive(torch.sqrt),
    "abs": unary(torch.abs),
    "neg": unary(torch.neg),
    "square": unary(torch.square),
    "pow": power,
    "clamp": unary(lambda x: x.clamp(-0.5, 0.5)),
    "add_number": unary(lambda x: x + 1.5),
    "mul_number": unary(lambda x: x * 1.5),
    "add": binary(torch.add),
    "sub": binary(torch.sub),
    "mul": binary(torch.mul),
    "div": lambda line: two(line.normal(0), line.positive(1), torch.div),
    "maximum": binary(torch.maximum),
    "greater": binary(torch.gt),
    "equal": binary(torch.eq),
    "where": where,
    "masked_fill": masked_fill,

    "sum": over(torch.sum, torch.sum),
    "mean": over(torch.mean, torch.mean),
    "var": over(torch.var, torch.var),
    "norm": unary(lambda x: x.norm()),
    "max": along(lambda x, dim: x.max(dim).values),
    "min": along(lambda x, dim: x.min(dim).values),
    "argmax": along(torch.argmax),
    "softmax": along(torch.softmax),
    "log_softmax": along(torch.log_softmax),

    "clone": unary(torch.clone),
    "transpose": with_list("dims", lambda x, dims: x.transpose(*dims).contiguous()),
    "permute": with_list("dims", lambda x, dims: x.permute(dims).contiguous()),
    "expand": with_list("sizes", lambda x, sizes: x.expand(sizes).contiguous()),
    "cat": joined(torch.cat),
    "stack": joined(torch.stack),
    "slice": part,
    "index_select": index_select,
    "gather": gather,
    "pad2d": pad2d,

    "cross_entropy": classes_loss(F.cross_entropy),
    "nll_loss": classes_loss(F.nll_loss),
    "mse_loss": loss(F.mse_loss),
    "l1_loss": loss(F.l1_loss),
    "bce_with_logits": loss(F.binary_cross_entropy_with_logits),
}


def time_forward(operation, options):
    _, module, call = operation
    if module:
        module.eval()
    with torch.inference_mode():
        return milliseconds(call, options.blocks, options.seconds)


def time_both(operation, options):
    leaves, module, call = operation
    if module:
        module.train()
    for leaf in leaves:
        leaf.requires_grad_()
    y = call()
    if not y.requires_grad:
        return "-"
    gradient = torch.randn_like(y)

    def both():
        for leaf in leaves:
            leaf.grad = None
        call().backward(gradient)
    return f"{milliseconds(both, options.blocks, options.seconds):.5f}"


def main():
    parser = timing_parser("Times single layers and operations in PyTorch", blocks=3, seconds=0.03)
    parser.add_argument("--list", default=LIST, metavar="FILE",
                        help="the list of operations, - for the standard input")
    parser.add_argument("--sizes", action="store_true",
                        help="sizes of the results instead of times")
    parser.add_argument("word", nargs="*", help="only lines that contain one of these words")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    for line in sys.stdin if options.list == "-" else open(options.list):
        line = line.rstrip("\n")
        words = options.word or [""]
        if not line or line[0] == "#" or not any(word in line for word in words):
            continue
        operation = MAKERS[line.split()[0]](Line(line))
        if options.sizes:
            print(line, list(operation[2]().shape), sep="\t", flush=True)
            continue
        forward = time_forward(operation, options)
        print(line, f"{forward:.5f}", time_both(operation, options), sep="\t", flush=True)


if __name__ == "__main__":
    main()
