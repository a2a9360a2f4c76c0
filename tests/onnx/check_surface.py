"""check_surface.py ROOT: every public operation and layer is exported by a case of this folder, or is refused: in the table of
docs/onnx.md, and in a test of its refusal, or is no operation and stands below."""
import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
sys.path.insert(0, str(root / "tests/surface"))
import surface  # noqa: E402: its folder is known only now

# Tell of a tensor or of the graph, give memory, or make constants: nothing that a file could compute.
NO_OPERATIONS = set("""
    allclose equal is_same is_same_size is_nonzero item data_ptr raw_data dtype scalar_type element_size nbytes numel dim
    ndimension size sizes stride strides storage_offset is_contiguous contiguous is_floating_point is_leaf name str version self
    backward grad grad_fn_name requires_grad requires_grad_ set_requires_grad retain_grad retains_grad set_grad set_data
    register_hook register_post_accumulate_grad_hook grad_enabled set_grad_enabled set_detect_anomaly is_anomaly_enabled
    gradcheck gradgradcheck impl_of new_empty operator<< operator[] operator= Tensor
    BatchNorm InstanceNorm Callable ConstantPad PadLayer Functional LazyLayer Loss TernaryLoss ModuleDict ModuleList
    UpsampleBase
""".split())

# Of components/torch alone, which makes them of logical_and, logical_or and logical_not, or which are no operations either.
NO_OPERATIONS |= set("""
    bitwise_and bitwise_or bitwise_not accessor cuda device is_cuda options print remove_hook mutable_grad grad_fn t_
""".split())

# The layer, or another function, that is this one.
SAME = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "pad1d": "ReflectionPad1d",
    "pad2d": "ReflectionPad2d",
    "interpolate": "Upsample",
    "batch_norm": "BatchNorm2d",
    "dropout2d": "Dropout2d",
}


def operations():
    headers = re.findall(r'#include "norma/(\S+)"', (root / "norma.h").read_text()) + ["core/tensor_spellings.h"]
    names = set()
    for header in headers:
        if not header.startswith(("core/tensor", "autograd", "layers")):
            continue
        for name in surface.functions(root / header):
            scope = name.split("::")
            if scope[0] == "nn":
                if scope[-1] in ("forward", "operator()"):
                    names.add(scope[-2])
            elif len(scope) == 1 or scope[0] in ("Tensor", "TensorMethods", "TensorSpellings", "linalg") or (
                    scope[0] == "functional" and len(scope) == 2):
                names.add(scope[-1])
    return names


def plain(name):
    return name.replace("_", "").lower().removesuffix("loss")


def without_inputs(text):
    """Without the functions of a number of samples n that make inputs, which are not exported."""
    while start := re.search(r"\[=?\w*\]\(int64_t n\) \{", text):
        end, depth = start.end(), 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        text = text[:start.start()] + text[end:]
    return text


def main():
    cases = {}
    for path in (root / "tests/onnx").glob("*.cpp"):
        cases[path.name] = without_inputs(path.read_text())
    refusals = cases.pop("test_export.cpp")
    del cases["export_cases.cpp"]  # which runs the cases
    text = "".join(cases.values())
    used = set(re.findall(r"\b(\w+)\(", text)) | set(re.findall(r"nn::(\w+)", text))
    used |= {"operator" + sign for sign in re.findall(r"\w\)* ([-+*/=<>!]=?) [\w(]", text)}
    layers = {plain(name) for name in re.findall(r"nn::(\w+)", text)}
    tested = set(re.findall(r"\b(\w+)\(", refusals))
    page = (root / "docs/onnx.md").read_text()
    table = page.partition("| Refused |")[2].partition("\n\n")[0]
    refused = {name for row in table.splitlines() for name in re.findall(r"`(?:\w+::)*(\w+)`", row.split(" | ")[0])}
    names = operations()
    faults = []
    for name in sorted(names):
        written = name in used or plain(name) in layers or SAME.get(name) in used
        if name in NO_OPERATIONS:
            continue
        if name in refused and name not in tested:
            faults.append(f"{name}: docs/onnx.md refuses it; test_export.cpp does not say so")
        elif name not in refused and not written:
            faults.append(f"{name}: neither exported by a case in tests/onnx nor refused in docs/onnx.md")
    faults += [f"{name}: refused by docs/onnx.md, and no operation" for name in sorted(refused - names)]
    faults += [f"{name}: no public name" for name in sorted((NO_OPERATIONS | set(SAME)) - names)]
    print("\n".join(faults))
    exported = len(names - NO_OPERATIONS - refused)
    print(f"{exported} operations and layers are exported, {len(refused)} refused; {len(faults)} faults")
    # A parser that finds nothing would be content with everything.
    sys.exit(1 if faults or exported < 350 else 0)


main()
