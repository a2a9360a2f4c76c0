#!/usr/bin/env python3
"""Inference of norma_bench's workloads in ONNX Runtime: the same options, timing and output.

    onnxruntime_bench.py [--threads N] [--blocks N] [--seconds S] [workload ...]
"""
import onnxruntime

from onnx_models import make_inputs, make_model
from workloads import parse_options, run


class Steps:
    def __init__(self, name, threads):
        self.name = name
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads or 0

    def inference(self, batch):
        session = onnxruntime.InferenceSession(make_model(self.name, batch), self.options,
                                               providers=["CPUExecutionProvider"])
        inputs = {"x": make_inputs(self.name, batch)}
        return lambda: session.run(None, inputs)


if __name__ == "__main__":
    OPTIONS = parse_options("Times inference in ONNX Runtime")
    for workload in OPTIONS.workload:
        run(workload, Steps(workload, OPTIONS.threads), OPTIONS.blocks, OPTIONS.seconds)
