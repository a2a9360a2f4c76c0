"""check.py FOLDER: every NAME.OPSET.onnx there is valid (onnx.checker, with shapes inferred), of that opset, and computes in
onnxruntime what NAME.safetensors says, within 1e-5 of the largest value or of 1, for both numbers of samples."""
import pathlib
import sys

try:
    import numpy
    import onnx
    import onnxruntime
    import safetensors.numpy
except ImportError as error:
    print(f"skipped: {error}; tests/onnx/setup.sh build/onnx-python installs it")
    sys.exit(77)

TOLERANCE = 1e-5


def compare(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    name, opset = path.stem.rsplit(".", 1)
    if [entry.version for entry in model.opset_import] != [int(opset)]:
        return f"opsets {model.opset_import}"
    for node in model.graph.node:  # the checker does not look at what an attribute says
        for attribute in node.attribute:
            if (node.op_type.startswith("Scatter") and attribute.name == "reduction" and int(opset) < 18
                    and attribute.s not in (b"none", b"add", b"mul")):
                return f"{node.op_type} of opset {opset} has no reduction {attribute.s.decode()}"
    values = safetensors.numpy.load_file(path.parent / f"{name}.safetensors")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for samples in (3, 5):
        feeds = {entry.name: values[f"in{i}@{samples}"] for i, entry in enumerate(session.get_inputs())}
        for i, result in enumerate(session.run(None, feeds)):
            wanted = values[f"out{i}@{samples}"]
            if result.shape != wanted.shape or result.dtype != wanted.dtype:
                return f"{result.dtype}{result.shape} for {wanted.dtype}{wanted.shape}"
            result, wanted = result.astype(numpy.float64), wanted.astype(numpy.float64)
            same = (result == wanted) | (numpy.isnan(result) & numpy.isnan(wanted))
            with numpy.errstate(invalid="ignore"):
                error = numpy.where(same, 0, numpy.abs(result - wanted) / numpy.maximum(1, numpy.abs(wanted)))
            if error.size and not error.max() <= TOLERANCE:
                return f"result {i} of {samples} samples is off by {error.max():.2e}"
    return None


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
    failures = []
    for path in files:
        try:
            fault = compare(path)
        except Exception as error:  # of any kind: a file that a runtime refuses
            fault = str(error).strip().splitlines()[-1]
        if fault:
            failures.append(f"{path.stem}: {fault}")
    print("\n".join(failures))
    print(f"{len(files)} files, {len(failures)} failures")
    sys.exit(1 if failures or not files else 0)


main()
