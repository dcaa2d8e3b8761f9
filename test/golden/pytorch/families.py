"""Makes families.safetensors: a small network of each family, trained for 50 steps of SGD with momentum in float64.

    /usr/bin/python3 test/golden/pytorch/families.py

Parameters have the paths they have in our trees. Each step takes the next of the batches, round and round.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from generate import numbers
from layers import (
    array,
    batch_norm,
    constant,
    conv1d,
    conv2d,
    conv_transpose2d,
    dense,
    group_norm,
    layer_norm,
    leaves,
    over_sequences,
    recurrent,
    rms_norm,
    transformer_block,
    under,
)
from modules import block_shapes, cell_shapes, kernel_shapes, norm_shapes

STEPS, BATCHES, ROWS, CLASSES = 50, 5, 6, 3


def at(path, shapes):
    return {f"{path}/{name}": shape for name, shape in shapes.items()}


def pooled(x):
    return x.flatten(1, -2).mean(1)


def conv1d_net(x, p):
    x = torch.relu(conv1d(x, **under("0/", p), padding=1))
    x = over_sequences(F.max_pool1d, x, 2)
    x = torch.relu(conv1d(x, **under("3/", p), padding=2, dilation=2))
    return dense(pooled(x), **under("6/", p))


def depthwise_net(x, p):
    x = torch.relu(conv2d(x, p["0/kernel"], p["0/bias"], padding=1))
    for depthwise, pointwise, stride in (("2", "3", 1), ("5", "6", 2)):
        x = conv2d(x, **under(f"{depthwise}/", p), stride=stride, padding=1, groups=x.shape[-1])
        x = torch.relu(conv2d(x, **under(f"{pointwise}/", p)))
    return dense(pooled(x), **under("9/", p))


def transformer_net(x, p):
    x = dense(x, **under("0/", p)) + p["1/table"]
    x = transformer_block(x, under("2/", p), 2, causal=True)
    x = layer_norm(x, **under("3/", p))
    return dense(pooled(x), **under("5/", p))


def recurrent_net(function):
    def forward(x, p):
        return dense(recurrent(function, x, under("0/", p), last=True), **under("1/", p))

    return forward


def autoencoder(x, p):
    x = torch.relu(conv2d(x, **under("0/", p), stride=2, padding=1))
    x = torch.tanh(dense(x.flatten(1), **under("3/", p)))
    x = torch.relu(dense(x, **under("5/", p))).unflatten(1, (3, 3, 4))
    return conv_transpose2d(x, **under("8/", p), stride=2, padding=1, output_padding=1)


def norms_net(x, p):
    x = group_norm(conv2d(x, p["0/kernel"], padding=1), **under("1/", p), groups=2)
    x = dense(torch.relu(x).flatten(1), **under("4/", p))
    x = F.silu(layer_norm(x, **under("5/", p)))
    return dense(rms_norm(dense(x, **under("7/", p)), **under("8/", p)), **under("9/", p))


def residual_net(x, p):
    """Two blocks: the first keeps the shape, the second has a shortcut of its own."""
    x = conv2d(x, **under("0/", p), padding=1)
    inner = torch.relu(batch_norm(conv2d(x, p["1/0/kernel"], padding=1), **under("1/1/", p), **fresh(x), training=True))
    x = x + conv2d(inner, **under("1/3/", p), padding=1)
    x = conv2d(x, **under("2/0/", p), stride=2) + conv2d(torch.relu(x), **under("2/1/1/", p), stride=2, padding=1)
    return dense(pooled(x), **under("4/", p))


def fresh(x):
    return {"mean": x.new_zeros(x.shape[-1]), "variance": x.new_ones(x.shape[-1])}


SEQUENCES, IMAGES = (8, 3), (6, 6, 2)
FAMILIES = {
    "conv1d": (
        conv1d_net,
        SEQUENCES,
        {
            **at("0", kernel_shapes(3, 3, 4, bias=4)),
            **at("3", kernel_shapes(3, 4, 6, bias=6)),
            **at("6", kernel_shapes(6, CLASSES, bias=CLASSES)),
        },
    ),
    "depthwise": (
        depthwise_net,
        IMAGES,
        {
            **at("0", kernel_shapes(3, 3, 2, 4, bias=4)),
            **at("2", kernel_shapes(3, 3, 1, 4, bias=4)),
            **at("3", kernel_shapes(1, 1, 4, 6, bias=6)),
            **at("5", kernel_shapes(3, 3, 1, 6, bias=6)),
            **at("6", kernel_shapes(1, 1, 6, 8, bias=8)),
            **at("9", kernel_shapes(8, CLASSES, bias=CLASSES)),
        },
    ),
    "transformer": (
        transformer_net,
        SEQUENCES,
        {
            **at("0", kernel_shapes(3, 4, bias=4)),
            "1/table": (8, 4),
            **at("2", block_shapes(4, 8)),
            **at("3", norm_shapes(4)),
            **at("5", kernel_shapes(4, CLASSES, bias=CLASSES)),
        },
    ),
    **{
        name: (
            recurrent_net(function),
            SEQUENCES,
            {**at("0", cell_shapes(1, 1, 3, 5, gates)), **at("1", kernel_shapes(5, CLASSES, bias=CLASSES))},
        )
        for name, function, gates in (("lstm", torch.lstm, 4), ("gru", torch.gru, 3))
    },
    "autoencoder": (
        autoencoder,
        IMAGES,
        {
            **at("0", kernel_shapes(3, 3, 2, 4, bias=4)),
            **at("3", kernel_shapes(36, 6, bias=6)),
            **at("5", kernel_shapes(6, 36, bias=36)),
            **at("8", kernel_shapes(3, 3, 4, 2, bias=2)),
        },
    ),
    "norms": (
        norms_net,
        IMAGES,
        {
            "0/kernel": (3, 3, 2, 4),
            **at("1", norm_shapes(4)),
            **at("4", kernel_shapes(144, 8, bias=8)),
            **at("5", norm_shapes(8)),
            **at("7", kernel_shapes(8, 8, bias=8)),
            "8/gamma": (8,),
            **at("9", kernel_shapes(8, CLASSES, bias=CLASSES)),
        },
    ),
    "residual": (
        residual_net,
        IMAGES,
        {
            **at("0", kernel_shapes(3, 3, 2, 4, bias=4)),
            "1/0/kernel": (3, 3, 4, 4),
            **at("1/1", norm_shapes(4)),
            **at("1/3", kernel_shapes(3, 3, 4, 4, bias=4)),
            **at("2/0", kernel_shapes(1, 1, 4, 6, bias=6)),
            **at("2/1/1", kernel_shapes(3, 3, 4, 6, bias=6)),
            **at("4", kernel_shapes(6, CLASSES, bias=CLASSES)),
        },
    ),
}


def first_values(random, path, shape):
    """Scales and offsets near 1 and 0, kernels with He's variance, so that every path carries gradients."""
    if path.endswith("gamma"):
        return 1 + numbers(random, *shape, scale=0.1)
    if len(shape) == 1:
        return numbers(random, *shape, scale=0.1)
    return numbers(random, *shape, scale=math.sqrt(1.5 / math.prod(shape[:-1])))


def loss_of(forward, params, x, y):
    rows = constant(x, "64")
    output = forward(rows, params)
    # What has the shape of its input is to give it back.
    rebuilds = output.shape == rows.shape
    return F.mse_loss(output, rows) if rebuilds else F.cross_entropy(output, torch.tensor(y).long())


def train(params, loss_at, rate=0.05):
    """The loss of each step, before its update; the parameters are trained in place."""
    optimizer = torch.optim.SGD(params.values(), lr=rate, momentum=0.9)
    losses = []
    for step in range(STEPS):
        loss = loss_at(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(array(loss))
    return np.stack(losses)


def families():
    random, out = np.random.RandomState(8), {}
    y = random.randint(0, CLASSES, (BATCHES, ROWS)).astype(np.int32)
    out["y"] = y
    for name, (forward, shape, shapes) in FAMILIES.items():
        x = numbers(random, BATCHES, ROWS, *shape)
        # The class shows in the mean and in the order of the elements along the first axis.
        position = np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        x += ((y - 1).reshape(BATCHES, ROWS, *[1] * len(shape)) * position).astype(np.float32)
        initial = {path: first_values(random, path, own) for path, own in shapes.items()}
        params = leaves(initial, "64")
        out[f"{name}/x"] = x
        out[f"{name}/loss"] = train(params, lambda step: loss_of(forward, params, x[step % BATCHES], y[step % BATCHES]))
        for path, value in initial.items():
            out[f"{name}/params/{path}/initial"] = value
            out[f"{name}/params/{path}/final"] = array(params[path])
    return out


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    path = Path(__file__).parent / "families.safetensors"
    size = safetensors.save(path, families(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
