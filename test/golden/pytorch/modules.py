"""Makes modules.safetensors: one call of each layer in float64, with the gradients of its rows and parameters.

    /usr/bin/python3 test/golden/pytorch/modules.py

Parameters have the paths they have in our trees: `lstm/params/0/0/kernel`.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from generate import numbers
from layers import (
    array,
    attention,
    constant,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    dense,
    group_norm,
    instance_norm,
    layer_norm,
    leaves,
    over_images,
    over_sequences,
    recurrent,
    rms_norm,
    transformer_block,
)

IMAGES = (2, 5, 4, 4)
SEQUENCES = (2, 6, 4)


def kernel_shapes(*kernel, bias):
    return {"kernel": kernel, "bias": (bias,)}


def norm_shapes(*shape):
    return {"gamma": shape, "beta": shape}


def cell_shapes(layers, directions, features, units, gates, bias=True):
    shapes = {}
    for layer in range(layers):
        for direction in range(directions):
            own = f"{layer}/{direction}/"
            shapes[own + "kernel"] = (features if layer == 0 else units * directions, gates * units)
            shapes[own + "recurrent"] = (units, gates * units)
            if bias:
                shapes[own + "inputBias"] = shapes[own + "recurrentBias"] = (gates * units,)
    return shapes


def attention_shapes(width, prefix=""):
    shapes = {}
    for name in ("query", "key", "value", "output"):
        shapes[f"{prefix}{name}/kernel"] = (width, width)
        shapes[f"{prefix}{name}/bias"] = (width,)
    return shapes


def block_shapes(width, hidden):
    return {
        **{f"{half}/0/{name}": (width,) for half in (0, 1) for name in ("gamma", "beta")},
        **attention_shapes(width, "0/1/"),
        "1/1/kernel": (width, hidden),
        "1/1/bias": (hidden,),
        "1/3/kernel": (hidden, width),
        "1/3/bias": (width,),
    }


def convolutions():
    def case(function, **options):
        return lambda x, p: function(x, p["kernel"], p.get("bias"), **options)

    yield "conv1d", SEQUENCES, kernel_shapes(3, 4, 5, bias=5), case(conv1d, padding=1)
    yield "conv1d/stride2dilation2", SEQUENCES, kernel_shapes(2, 4, 5, bias=5), case(conv1d, stride=2, dilation=2)
    yield "conv1d/groups2", SEQUENCES, kernel_shapes(3, 2, 6, bias=6), case(conv1d, padding=2, dilation=2, groups=2)
    yield "conv2d/dilation2", IMAGES, kernel_shapes(3, 2, 4, 3, bias=3), case(conv2d, padding=1, dilation=2)
    yield "conv2d/groups2", IMAGES, kernel_shapes(3, 3, 2, 6, bias=6), case(conv2d, stride=2, padding=1, groups=2)
    yield "depthwise", IMAGES, kernel_shapes(3, 3, 1, 4, bias=4), case(conv2d, padding=1, groups=4)
    yield "depthwise/multiplier2", IMAGES, kernel_shapes(3, 3, 1, 8, bias=8), case(conv2d, stride=2, groups=4)
    spread = {"stride": 2, "padding": 1, "output_padding": 1}
    yield "convTranspose1d", SEQUENCES, kernel_shapes(3, 4, 5, bias=5), case(conv_transpose1d, **spread)
    yield (
        "convTranspose1d/dilation2groups2",
        SEQUENCES,
        kernel_shapes(3, 4, 3, bias=6),
        case(conv_transpose1d, dilation=2, groups=2, padding=2),
    )
    yield "convTranspose2d", IMAGES, kernel_shapes(3, 3, 4, 3, bias=3), case(conv_transpose2d, **spread)
    yield (
        "convTranspose2d/dilation2groups2",
        IMAGES,
        kernel_shapes(2, 3, 4, 1, bias=2),
        case(conv_transpose2d, dilation=2, groups=2, stride=2),
    )


def pools():
    def images(function, *arguments, **options):
        return lambda x, _: over_images(function, x, *arguments, **options)

    def sequences(function, *arguments, **options):
        return lambda x, _: over_sequences(function, x, *arguments, **options)

    yield "maxPool/padding1", IMAGES, {}, images(F.max_pool2d, 3, 2, 1)
    yield "maxPool1d", SEQUENCES, {}, sequences(F.max_pool1d, 3, 2, 1)
    yield "avgPool/padding1", IMAGES, {}, images(F.avg_pool2d, 3, 2, 1)
    yield "avgPool/withoutPadding", IMAGES, {}, images(F.avg_pool2d, 3, 2, 1, count_include_pad=False)
    yield "avgPool1d", SEQUENCES, {}, sequences(F.avg_pool1d, 2)
    yield "adaptiveAvgPool", IMAGES, {}, images(F.adaptive_avg_pool2d, (3, 2))
    yield "adaptiveMaxPool", IMAGES, {}, images(F.adaptive_max_pool2d, (3, 2))
    yield "adaptiveAvgPool1d", SEQUENCES, {}, sequences(F.adaptive_avg_pool1d, 4)


def norms():
    yield "prelu", SEQUENCES, {"slope": (1,)}, lambda x, p: F.prelu(x, p["slope"])
    yield "prelu/perChannel", IMAGES, {"slope": (4,)}, lambda x, p: over_images(F.prelu, x, p["slope"])
    yield "upsample", IMAGES, {}, lambda x, _: over_images(F.interpolate, x, scale_factor=2)
    yield "dense", SEQUENCES, kernel_shapes(4, 3, bias=3), lambda x, p: dense(x, **p)
    yield "layerNorm", SEQUENCES, norm_shapes(4), lambda x, p: layer_norm(x, **p)
    yield "layerNorm/axes2", SEQUENCES, norm_shapes(6, 4), lambda x, p: layer_norm(x, **p)
    yield "groupNorm", IMAGES, norm_shapes(4), lambda x, p: group_norm(x, **p, groups=2)
    yield "instanceNorm", IMAGES, {}, lambda x, _: instance_norm(x)
    yield "instanceNorm/affine", IMAGES, norm_shapes(4), lambda x, p: instance_norm(x, **p)
    yield "rmsNorm", SEQUENCES, {"gamma": (4,)}, lambda x, p: rms_norm(x, **p)


ALLOWED = np.array([[1, 1, 1, 1, 0, 0], [1, 0, 1, 1, 1, 1]], np.int32)


def sequence_models():
    for name, function, gates in (("rnn", torch.rnn_tanh, 1), ("lstm", torch.lstm, 4), ("gru", torch.gru, 3)):
        call = lambda x, p, function=function: recurrent(function, x, p)  # noqa: E731
        last = lambda x, p, function=function: recurrent(function, x, p, last=True)  # noqa: E731
        yield name, SEQUENCES, cell_shapes(1, 1, 4, 3, gates), call
        yield f"{name}/unbiased", SEQUENCES, cell_shapes(1, 1, 4, 3, gates, bias=False), call
        yield f"{name}/bidirectional2", SEQUENCES, cell_shapes(2, 2, 4, 3, gates), call
        yield f"{name}/last", SEQUENCES, cell_shapes(2, 2, 4, 3, gates), last
    yield "rnn/relu", SEQUENCES, cell_shapes(1, 1, 4, 3, 1), lambda x, p: recurrent(torch.rnn_relu, x, p)
    allowed = torch.tensor(ALLOWED).bool()
    yield "attention", SEQUENCES, attention_shapes(4), lambda x, p: attention(x, p, 2)
    yield "attention/causal", SEQUENCES, attention_shapes(4), lambda x, p: attention(x, p, 2, causal=True)
    yield "attention/mask", SEQUENCES, attention_shapes(4), lambda x, p: attention(x, p, 2, allowed=allowed)
    yield (
        "attention/memory",
        SEQUENCES,
        {**attention_shapes(4), "memory": (2, 5, 4)},
        lambda x, p: attention(x, p, 2, memory=p["memory"]),
    )
    yield "transformerBlock", SEQUENCES, block_shapes(4, 8), lambda x, p: transformer_block(x, p, 2)
    yield "transformerBlock/causal", SEQUENCES, block_shapes(4, 8), lambda x, p: transformer_block(x, p, 2, causal=True)


ACTIVATIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leakyRelu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hardTanh": F.hardtanh,
    # F.hardsigmoid's own gradient has 1/6 rounded to float32, also for float64.
    "hardSigmoid": lambda x: F.relu6(x + 3) / 6,
    "hardSwish": F.hardswish,
    "logSigmoid": F.logsigmoid,
    "glu": F.glu,
    "softmax": lambda x: F.softmax(x, -1),
    "logSoftmax": lambda x: F.log_softmax(x, -1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def activations():
    for name, function in ACTIVATIONS.items():
        yield f"activation/{name}", (3, 8), {}, lambda x, _, function=function: function(x)


def modules_of():
    """Each layer: its name and function, its rows and parameters as leaves, its output, and the gradient that this gets."""
    random = np.random.RandomState(6)
    for part in (convolutions, pools, norms, sequence_models, activations):
        for name, input_shape, shapes, function in part():
            inputs = leaves({"x": numbers(random, *input_shape, scale=2 if part is activations else 1)}, "64")
            params = leaves({path: numbers(random, *shape, scale=0.5) for path, shape in shapes.items()}, "64")
            output = function(inputs["x"], params)
            given = {**inputs, **{f"params/{path}": value for path, value in params.items()}}
            yield name, function, given, output, numbers(random, *output.shape)


def modules():
    out = {"attention/allowed": ALLOWED}
    for name, _, given, output, upstream in modules_of():
        gradients = torch.autograd.grad(output, list(given.values()), constant(upstream, "64"))
        out[f"{name}/output"], out[f"{name}/upstream"] = array(output), array(constant(upstream, "64"))
        for (path, value), gradient in zip(given.items(), gradients):
            out[f"{name}/{path}"], out[f"{name}/d{path}"] = array(value), array(gradient)
    return out


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    path = Path(__file__).parent / "modules.safetensors"
    size = safetensors.save(path, modules(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
