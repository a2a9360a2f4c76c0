"""The workloads of norma_bench as ONNX models for inference, with random weights."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from workloads import HIDDEN, WORKLOADS


class Graph:
    """Nodes one after the other; every method takes and returns the name of a value."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.nodes, self.weights = [], []

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def uniform(self, shape, fan_in):
        bound = fan_in ** -0.5
        return self.weight(self.random.uniform(-bound, bound, shape))

    def node(self, operation, *inputs, **attributes):
        name = f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], **attributes))
        return name

    def linear(self, x, inputs, outputs):
        return self.node("Gemm", x, self.uniform((outputs, inputs), inputs),
                         self.uniform((outputs,), inputs), transB=1)

    def conv(self, x, inputs, outputs, kernel, stride=1):
        weight = self.uniform((outputs, inputs, kernel, kernel), inputs * kernel * kernel)
        return self.node("Conv", x, weight, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[kernel // 2] * 4)

    def batch_norm(self, x, features):
        values = [self.random.uniform(0.5, 1.5, features), self.random.standard_normal(features),
                  self.random.standard_normal(features), self.random.uniform(0.5, 1.5, features)]
        return self.node("BatchNormalization", x, *map(self.weight, values), epsilon=1e-5)

    def relu(self, x):
        return self.node("Relu", x)

    def mlp(self, x, inputs, hidden, outputs):
        x = self.relu(self.batch_norm(self.linear(x, inputs, hidden), hidden))
        x = self.relu(self.batch_norm(self.linear(x, hidden, hidden), hidden))
        return self.linear(x, hidden, outputs)

    def conv_block(self, x, inputs, outputs, stride=1):
        return self.relu(self.batch_norm(self.conv(x, inputs, outputs, 3, stride), outputs))

    def cnn(self, x):
        for inputs, outputs in ((1, 32), (32, 64)):
            x = self.node("MaxPool", self.conv_block(x, inputs, outputs), kernel_shape=[2, 2],
                          strides=[2, 2])
        return self.linear(self.node("Flatten", x), 3136, 10)

    def basic_block(self, x, inputs, outputs, stride):
        y = self.conv(self.conv_block(x, inputs, outputs, stride), outputs, outputs, 3)
        y = self.batch_norm(y, outputs)
        if stride != 1 or inputs != outputs:
            x = self.batch_norm(self.conv(x, inputs, outputs, 1, stride), outputs)
        return self.relu(self.node("Add", y, x))

    def resnet20(self, x):
        x = self.conv_block(x, 3, 16)
        inputs = 16
        for outputs in (16, 32, 64):
            for block in range(3):
                x = self.basic_block(x, inputs, outputs, 2 if block == 0 and outputs != 16 else 1)
                inputs = outputs
        return self.linear(self.node("Flatten", self.node("GlobalAveragePool", x)), 64, 10)


def make_model(name, batch):
    """The serialized model, with an input `x` of `batch` samples."""
    (_, *sizes), classes = WORKLOADS[name]
    graph = Graph()
    if name in HIDDEN:
        y = graph.mlp("x", sizes[0], HIDDEN[name], classes)
    else:
        y = graph.cnn("x") if name == "cnn" else graph.resnet20("x")
    values = [helper.make_tensor_value_info(value, TensorProto.FLOAT, shape)
              for value, shape in (("x", [batch, *sizes]), (y, [batch, classes]))]
    model = helper.make_model(
        helper.make_graph(graph.nodes, name, values[:1], values[1:], graph.weights),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def make_inputs(name, batch):
    sizes = (batch, *WORKLOADS[name][0][1:])
    return np.random.default_rng(0).standard_normal(sizes, np.float32)
