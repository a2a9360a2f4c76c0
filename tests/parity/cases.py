"""A case: inputs, options and what PyTorch makes of them, in float64, with its own float32 error beside."""
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "border"))
from safetensors_standin import Tensor, serialize  # noqa: E402

# (family, operation) -> (weight, draw); filled by the modules in families/.
definitions = {}
# "full": trainings of the usual width, whose files are large.
settings = {"full": False}


def define(family, operation, weight=1):
    """Registers `draw(d)`, which returns (inputs, options, run); `run(tensors)` returns the outputs."""
    def register(draw):
        assert (family, operation) not in definitions, operation
        definitions[family, operation] = weight, draw
        return draw
    return register


class Input:
    """A leaf of memory order `base`, seen through `views`: [["permute", [1, 0]], ["slice", 0, 1, 9, 2], …].

    Floating values are those of float32, so that both precisions start from the same numbers.
    """

    def __init__(self, base, views=(), grad=True):
        base = np.asarray(base)
        if base.dtype.kind == "f":
            base = base.astype(np.float32)
        self.base, self.views = base, [list(view) for view in views]
        self.grad = grad and base.dtype.kind == "f"

    def leaf(self, dtype, base=None):
        tensor = torch.from_numpy((self.base if base is None else base).copy())
        if tensor.is_floating_point():
            tensor = tensor.to(dtype)
        return tensor.requires_grad_(self.grad)

    def seen(self, tensor):
        for name, *arguments in self.views:
            if name == "slice":
                dim, start, end, step = arguments
                tensor = tensor[(slice(None),) * dim + (slice(start, end, step),)]
            else:
                tensor = getattr(tensor, name)(*arguments)
        return tensor


def cotangent(shape, index, dtype):
    """The gradient that output `index` gets: some multiples of 1/512 in [-1, 1)."""
    count = int(np.prod(shape, dtype=np.int64))
    values = ((np.arange(count) * 7919 + 101 * index + 13) % 1024 - 512) / 512
    return torch.from_numpy(values.reshape(shape)).to(dtype)


def evaluate(inputs, run, dtype, bases=None):
    """Outputs, and the gradient of each input, None where there is none."""
    leaves = [i.leaf(dtype, base) for i, base in zip(inputs, bases or [i.base for i in inputs])]
    outputs = list(run([i.seen(leaf) for i, leaf in zip(inputs, leaves)]))
    total = sum((y * cotangent(y.shape, k, y.dtype)).sum()
                for k, y in enumerate(outputs) if y.requires_grad)
    if torch.is_tensor(total):
        total.backward()
    return [y.detach() for y in outputs], [leaf.grad for leaf in leaves]


def error(exact, rough, by_step=False):
    """The largest distance where both are finite; by step, the median of the steps' largest."""
    if by_step:
        return float(np.median([error(e, r) for e, r in zip(exact, rough)]))
    distance = (exact.double() - rough.double()).abs()[torch.isfinite(exact) & torch.isfinite(rough)]
    return float(distance.max()) if distance.numel() else 0.0


def neighbour(base, random):
    """The same values, each up to two steps of float32 away."""
    if base.dtype != np.float32:
        return base
    steps = random.integers(-2, 3, base.shape)
    return np.asarray(base * (1 + steps * 2.0**-23), np.float32)


def float32_errors(inputs, run, exact, neighbours, histories):
    """PyTorch's largest float32 error in each output and gradient, at the case and at neighbours.

    Outputs 1 to `histories` hold something for every step of a training.

    One rounding may be lucky; of several problems that differ by less than float32 can tell, the worst
    says how well PyTorch does here.
    """
    random = np.random.default_rng(0)
    worst = [[0.0] * len(part) for part in exact]
    for k in range(neighbours + 1):
        bases = [neighbour(i.base, random) if k else i.base for i in inputs]
        precise = evaluate(inputs, run, torch.float64, bases) if k else exact
        rough = evaluate(inputs, run, torch.float32, bases)
        for part, (p, r) in enumerate(zip(precise, rough)):
            worst[part] = [w if b is None else max(w, error(a, b, by_step=0 < i <= histories))
                           for i, (w, a, b) in enumerate(zip(worst[part], p, r))]
    return worst


class Writer:
    """Collects cases and writes NAME.json, a line for each, and NAME.safetensors with their numbers."""

    def __init__(self):
        self.lines, self.tensors = [], {}

    def add(self, operation, inputs, options, run):
        number = len(self.lines)
        histories = options.get("histories", 0)
        outputs, grads = evaluate(inputs, run, torch.float64)
        output_errors, grad_errors = float32_errors(
            inputs, run, (outputs, grads), 3 if histories else 15, histories)
        line = {"op": operation, "options": options, "inputs": [], "outputs": []}
        for k, (i, grad, rough) in enumerate(zip(inputs, grads, grad_errors)):
            self.tensors[f"{number}.x{k}"] = i.base
            described = {"views": i.views, "grad": i.grad}
            if grad is not None:
                self.tensors[f"{number}.g{k}"] = grad.numpy()
                described["float32_error"] = rough
            line["inputs"].append(described)
        for k, (y, rough) in enumerate(zip(outputs, output_errors)):
            self.tensors[f"{number}.y{k}"] = y.numpy()
            line["outputs"].append({"float32_error": rough})
        self.lines.append(line)

    def write(self, path, seed):
        with open(path + ".json", "w", encoding="utf-8") as file:
            file.write(f'{{"torch": {json.dumps(torch.__version__)}, "seed": {seed}, "cases": [\n')
            file.write(",\n".join(json.dumps(line, separators=(",", ":")) for line in self.lines))
            file.write("\n]}\n")
        # tobytes, since ascontiguousarray would give a tensor without dimensions one.
        pathlib.Path(path + ".safetensors").write_bytes(serialize({
            name: Tensor(DTYPES[array.dtype.name], list(array.shape), array.tobytes())
            for name, array in self.tensors.items()}))


DTYPES = {"float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}
