"""Networks for the tests: a few topologies converted once, and random families made of them by patching numbers."""

from __future__ import annotations

import numpy as np

from axedge.convert.patch import Grid, Layer, Patch, apply_patch
from axedge.convert.qnet import Dense, Lookup, Tanh16
from axedge.convert.reader import parse


def axnet(inputs=2, outputs=2, predictor=(3,), approximator=(5,), activation="tanh"):
    """An AXNet as `axedge train` hands it over, with weights and biases that are not zero."""
    import tensorflow as tf

    keras = tf.keras
    init = [keras.initializers.RandomNormal(stddev=0.7, seed=seed) for seed in range(50)]

    def dense(units, name, act=None):
        return keras.layers.Dense(units, act, name=name, kernel_initializer=init.pop(), bias_initializer=init.pop())

    u = hidden = keras.Input((inputs,), name="u")
    for index, units in enumerate(predictor):
        hidden = dense(units, f"predictor_{index}", activation)(hidden)
    trunk, answer = hidden, u
    for index, units in enumerate(approximator):
        answer = dense(units, f"approximator_{index}", "relu")(answer)
        answer = keras.layers.Multiply(name=f"gated_{index}")([answer, dense(units, f"gates_{index}")(trunk)])
    return keras.Model(u, [dense(outputs, "y")(answer), dense(1, "safe")(trunk)])


def sigmoid_mlp():
    """A user's own network: one head, a sigmoid, a stand-alone ReLU."""
    import tensorflow as tf

    keras = tf.keras
    u = keras.Input((4,), name="u")
    hidden = keras.layers.Dense(6, "sigmoid", bias_initializer="ones")(u)
    hidden = keras.layers.Dense(5, "relu", bias_initializer="ones")(hidden)
    return keras.Model(u, keras.layers.Dense(3, bias_initializer="ones")(hidden))


def function_of_codes(kind):
    """A network that is one activation of 256 values, so that one inference shows all of an int8 table."""
    import tensorflow as tf

    keras = tf.keras
    u = keras.Input((256,), name="u")
    return keras.Model(u, keras.layers.Activation(kind)(u))


KERAS = {
    "small": axnet,
    "wide": lambda: axnet(3, 1, (4, 3), (6, 5)),
    "relu": lambda: axnet(2, 3, (5,), (4,), activation="relu"),
    "mlp": sigmoid_mlp,
    "tanh": lambda: function_of_codes("tanh"),
    "sigmoid": lambda: function_of_codes("sigmoid"),
    "only relu": lambda: function_of_codes("relu"),
}


def convert(kind: str, activations: str = "int8") -> bytes:
    from axedge.convert.quantise import quantise

    model = KERAS[kind]()
    u = np.random.default_rng(7).uniform(-1, 1, (300, model.inputs[0].shape[-1])).astype(np.float32)
    return quantise(model, u, activations)


def random_member(tflite: bytes, seed: int) -> bytes:
    """Return the same topology with random weights, biases, scales and zero points, saturation included."""
    net, rng = parse(tflite).net, np.random.default_rng(seed)
    fixed = {op.target for op in net.operations if isinstance(op, (Lookup, Tanh16))}
    grids, layers = {}, {}
    for name, activation in net.activations.items():
        if name not in fixed:
            zero_point = int(rng.integers(-128, 128)) if activation.bits == 8 else 0
            grids[name] = Grid(float(np.float32(activation.scale * 2 ** rng.uniform(-1.5, 1.0))), zero_point)
    for op in net.operations:
        if not isinstance(op, Dense):
            continue
        weights = rng.integers(-127, 128, op.weights.shape)
        weights[rng.random(weights.shape) < 0.1] = 0
        scales = op.weight_scales * 2 ** rng.uniform(-1, 1, len(op.weight_scales))
        bias = rng.integers(-9000, 9000, len(op.bias)) * (1 if net.bits == 8 else 256)
        layers[op.target] = Layer(weights.astype(np.int8), scales.astype(np.float32), bias)
    return apply_patch(tflite, Patch(grids, layers))


def random_codes(net, seed: int, count: int = 1024) -> np.ndarray:
    """Return input codes with every corner (or many) among them."""
    entry, rng = net.activations[net.source], np.random.default_rng(seed)
    ends = np.array([entry.code_min, entry.code_max])
    corners = ends[rng.integers(0, 2, (64, entry.size))]
    near = np.clip(ends[rng.integers(0, 2, (64, entry.size))] + rng.integers(-3, 4, (64, entry.size)), *ends)
    rest = rng.integers(entry.code_min, entry.code_max + 1, (count - 128, entry.size))
    return np.concatenate([corners, near, rest]).astype(np.int8 if entry.bits == 8 else np.int16)
