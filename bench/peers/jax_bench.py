#!/usr/bin/env python3
"""The workloads of norma_bench in JAX, jitted, images channels last: the same options, timing, output.

    jax_bench.py [--threads N] [--blocks N] [--seconds S] [workload ...]
"""
import itertools
import os

import numpy as np

from workloads import HIDDEN, LABEL_SETS, WORKLOADS, parse_options, run

RANDOM = np.random.default_rng(0)

# A layer is (parameters, running statistics, apply); apply(parameters, statistics, x, training)
# returns the result and the new statistics. Without parameters or statistics: empty dicts.


def uniform(shape, fan_in):
    bound = fan_in ** -0.5
    return RANDOM.uniform(-bound, bound, shape).astype(np.float32)


def linear(inputs, outputs):
    parameters = {"w": uniform((inputs, outputs), inputs), "b": uniform((outputs,), inputs)}
    return parameters, {}, lambda p, s, x, training: (x @ p["w"] + p["b"], s)


def conv(inputs, outputs, kernel, stride=1):
    parameters = {"w": uniform((kernel, kernel, inputs, outputs), inputs * kernel * kernel)}
    padding = [(kernel // 2, kernel // 2)] * 2

    def apply(p, s, x, training):
        return jax.lax.conv_general_dilated(
            x, p["w"], (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")), s
    return parameters, {}, apply


def batch_norm(features):
    parameters = {"w": np.ones(features, np.float32), "b": np.zeros(features, np.float32)}
    statistics = {"mean": np.zeros(features, np.float32), "var": np.ones(features, np.float32)}

    def apply(p, s, x, training):
        if training:
            axes = tuple(range(x.ndim - 1))
            mean, var = x.mean(axes), x.var(axes)
            n = x.size // x.shape[-1]
            s = {"mean": 0.9 * s["mean"] + 0.1 * mean,
                 "var": 0.9 * s["var"] + 0.1 * var * (n / (n - 1))}
        else:
            mean, var = s["mean"], s["var"]
        return (x - mean) * (p["w"] * jax.lax.rsqrt(var + 1e-5)) + p["b"], s
    return parameters, statistics, apply


def function(f):
    return {}, {}, lambda p, s, x, training: (f(x), s)


def sequence(*layers):
    def apply(p, s, x, training):
        statistics = []
        for (_, _, layer), parameters, before in zip(layers, p, s):
            x, after = layer(parameters, before, x, training)
            statistics.append(after)
        return x, statistics
    return [layer[0] for layer in layers], [layer[1] for layer in layers], apply


def relu():
    return function(lambda x: jax.nn.relu(x))


def max_pool():
    return function(lambda x: jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"))


def flatten():
    return function(lambda x: x.reshape(x.shape[0], -1))


def dropout(p):
    """Draws anew at each step, from the bits of its input's first element."""
    def apply(_, s, x, training):
        if not training:
            return x, s
        key = jax.random.key(jax.lax.bitcast_convert_type(x.ravel()[0], jnp.uint32))
        return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0), s
    return {}, {}, apply


def basic_block(inputs, outputs, stride):
    body = sequence(conv(inputs, outputs, 3, stride), batch_norm(outputs), relu(),
                    conv(outputs, outputs, 3), batch_norm(outputs))
    shortcut = sequence()
    if stride != 1 or inputs != outputs:
        shortcut = sequence(conv(inputs, outputs, 1, stride), batch_norm(outputs))

    def apply(p, s, x, training):
        y, body_after = body[2](p[0], s[0], x, training)
        z, shortcut_after = shortcut[2](p[1], s[1], x, training)
        return jax.nn.relu(y + z), [body_after, shortcut_after]
    return [body[0], shortcut[0]], [body[1], shortcut[1]], apply


def make_model(name):
    shape, classes = WORKLOADS[name]
    if name in HIDDEN:
        hidden = HIDDEN[name]
        return sequence(linear(shape[1], hidden), batch_norm(hidden), relu(),
                        linear(hidden, hidden), batch_norm(hidden), relu(),
                        linear(hidden, classes))
    if name == "cnn":
        return sequence(conv(1, 32, 3), batch_norm(32), relu(), max_pool(),
                        conv(32, 64, 3), batch_norm(64), relu(), max_pool(),
                        flatten(), dropout(0.25), linear(3136, classes))
    layers = [conv(3, 16, 3), batch_norm(16), relu()]
    inputs = 16
    for outputs in (16, 32, 64):
        for block in range(3):
            layers.append(basic_block(inputs, outputs, 2 if block == 0 and outputs != 16 else 1))
            inputs = outputs
    return sequence(*layers, function(lambda x: x.mean((1, 2))), linear(64, classes))


class Steps:
    def __init__(self, name):
        shape, classes = WORKLOADS[name]
        parameters, statistics, self.apply = make_model(name)
        self.parameters, self.statistics = jax.tree.map(jnp.asarray, (parameters, statistics))
        if len(shape) == 4:
            shape = (shape[0], shape[2], shape[3], shape[1])
        self.inputs = jnp.asarray(RANDOM.standard_normal(shape, np.float32))
        self.labels = [jnp.asarray(RANDOM.integers(0, classes, shape[0]))
                       for _ in range(LABEL_SETS)]

    def training(self):
        def loss(parameters, statistics, x, labels):
            y, statistics = self.apply(parameters, statistics, x, True)
            picked = jnp.take_along_axis(jax.nn.log_softmax(y), labels[:, None], 1)
            return -picked.mean(), statistics

        def step(parameters, velocity, statistics, x, labels):
            (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(
                parameters, statistics, x, labels)
            velocity = jax.tree.map(lambda v, g, w: 0.9 * v + g + 1e-4 * w, velocity, gradients,
                                    parameters)
            parameters = jax.tree.map(lambda w, v: w - 0.01 * v, parameters, velocity)
            return parameters, velocity, statistics, value

        jitted = jax.jit(step, donate_argnums=(0, 1, 2))
        labels = itertools.cycle(self.labels)
        state = jax.tree.map(jnp.array, (
            self.parameters, jax.tree.map(jnp.zeros_like, self.parameters), self.statistics))

        def train():
            nonlocal state
            *state, value = jitted(*state, self.inputs, next(labels))
            value.block_until_ready()
        return train

    def inference(self, batch):
        jitted = jax.jit(lambda p, s, x: self.apply(p, s, x, False)[0])
        inputs = self.inputs[:batch]
        return lambda: jitted(self.parameters, self.statistics, inputs).block_until_ready()


if __name__ == "__main__":
    OPTIONS = parse_options("Times training steps and inference in JAX")
    if OPTIONS.threads:
        # JAX takes every processor that it may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-OPTIONS.threads:])
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_platforms", "cpu")
    for workload in OPTIONS.workload:
        run(workload, Steps(workload), OPTIONS.blocks, OPTIONS.seconds)
