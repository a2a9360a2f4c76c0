#!/usr/bin/env python3
"""Inference of norma_bench's workloads in OpenVINO: the same options, timing and output.

    openvino_bench.py [--threads N] [--blocks N] [--seconds S] [workload ...]
"""
import openvino

from onnx_models import make_inputs, make_model
from workloads import parse_options, run


class Steps:
    def __init__(self, name, threads):
        self.name = name
        self.core = openvino.Core()
        # In float32, as all others compute.
        self.settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            self.settings["INFERENCE_NUM_THREADS"] = threads

    def inference(self, batch):
        model = self.core.read_model(make_model(self.name, batch))
        request = self.core.compile_model(model, "CPU", self.settings).create_infer_request()
        # Its arrays are set once: what is measured is the computation.
        request.set_input_tensor(openvino.Tensor(make_inputs(self.name, batch)))
        return request.infer


if __name__ == "__main__":
    OPTIONS = parse_options("Times inference in OpenVINO")
    for workload in OPTIONS.workload:
        run(workload, Steps(workload, OPTIONS.threads), OPTIONS.blocks, OPTIONS.seconds)
