"""Makes the reference data beside this file; README.md says what is in it.

    apt-get install -y --no-install-recommends python3-torch python3-numpy
    /usr/bin/python3 test/golden/pytorch/generate.py

Inputs and initial parameters are float32 numbers from NumPy's frozen legacy generator, so they do not depend on
PyTorch's version. Everything is then computed twice, in float32 and in float64, from those same numbers.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from layers import array, batch_norm, constant, conv2d, dense, leaves, max_pool

FOLDER = Path(__file__).parent
PRECISIONS = ("32", "64")


def numbers(random, *shape, scale=1.0):
    return (random.standard_normal(shape) * scale).astype(np.float32)


def save_gradients(out, prefix, output, upstream, inputs, suffix=""):
    """Stores an output and the gradients of its inner product with `upstream`."""
    gradients = torch.autograd.grad(output, list(inputs.values()), upstream)
    out[f"{prefix}output{suffix}"] = array(output)
    for name, gradient in zip(inputs, gradients):
        out[f"{prefix}d{name}{suffix}"] = array(gradient)


# Training runs


def kernel_init(random, *shape):
    """He's normal initialisation: the fan-in is the product of all axes but the last."""
    return numbers(random, *shape, scale=math.sqrt(2 / math.prod(shape[:-1])))


def save_run_params(out, initial, final, suffix):
    for name, value in initial.items():
        out[f"params/{name}/initial"] = value
        out[f"params/{name}/final{suffix}"] = array(final[name])


def mlp():
    random = np.random.RandomState(1)
    steps, batch, widths = 50, 16, (20, 32, 16, 5)
    initial = {}
    for layer, (fan_in, fan_out) in enumerate(zip(widths, widths[1:]), 1):
        initial[f"dense{layer}/kernel"] = kernel_init(random, fan_in, fan_out)
        initial[f"dense{layer}/bias"] = numbers(random, fan_out, scale=0.1)
    x = numbers(random, steps, batch, widths[0])
    y = (x @ numbers(random, widths[0], widths[-1])).argmax(-1).astype(np.int32)
    out = {"x": x, "y": y}
    for suffix in PRECISIONS:
        params, losses = leaves(initial, suffix), []
        optimizer = torch.optim.SGD(params.values(), lr=0.1, momentum=0.9)
        for step in range(steps):
            hidden = constant(x[step], suffix)
            for layer in (1, 2, 3):
                hidden = dense(hidden, params[f"dense{layer}/kernel"], params[f"dense{layer}/bias"])
                hidden = hidden if layer == 3 else torch.relu(hidden)
            loss = F.cross_entropy(hidden, torch.tensor(y[step]).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(array(loss))
        out[f"loss{suffix}"] = np.stack(losses)
        save_run_params(out, initial, params, suffix)
    return out


def gratings(random, count):
    """8x8 images of stripes; the class, 0 to 9, is their direction. Their phase and the noise are random."""
    labels = (np.arange(count) % 10).astype(np.int32)
    angle, phase = labels * (math.pi / 10), random.uniform(-0.3, 0.3, count)
    row, column = np.mgrid[0:8, 0:8] - 3.5
    across = np.cos(angle)[:, None, None] * column + np.sin(angle)[:, None, None] * row
    images = np.sin(1.4 * across + phase[:, None, None])[..., None]
    return (images + 0.1 * random.standard_normal(images.shape)).astype(np.float32), labels


def cnn_logits(params, state, x, training):
    for block in ("1", "2"):
        x = conv2d(x, params[f"conv{block}/kernel"], padding=1)
        moments = state[f"norm{block}/mean"], state[f"norm{block}/variance"]
        x = batch_norm(x, params[f"norm{block}/gamma"], params[f"norm{block}/beta"], *moments, training)
        x = max_pool(torch.relu(x), 2, 2)
    return dense(x.flatten(1), params["dense/kernel"], params["dense/bias"])


def cnn_params(random):
    return {
        "conv1/kernel": kernel_init(random, 3, 3, 1, 8),
        "norm1/gamma": 1 + numbers(random, 8, scale=0.1),
        "norm1/beta": numbers(random, 8, scale=0.1),
        "conv2/kernel": kernel_init(random, 3, 3, 8, 16),
        # Small, so that some steps' gradients are clipped and some are not.
        "norm2/gamma": 0.3 + numbers(random, 16, scale=0.1),
        "norm2/beta": numbers(random, 16, scale=0.1),
        "dense/kernel": 0.5 * kernel_init(random, 2 * 2 * 16, 10),
        "dense/bias": numbers(random, 10, scale=0.1),
    }


def cnn():
    random = np.random.RandomState(2)
    steps, batch, samples = 50, 12, 60
    initial = cnn_params(random)
    x, y = gratings(random, samples)
    held_out_x, held_out_y = gratings(random, 20)
    epochs = steps * batch // samples
    indices = np.stack([random.permutation(samples) for _ in range(epochs)]).reshape(steps, batch).astype(np.int32)
    out = {"x": x, "y": y, "indices": indices, "evaluation/x": held_out_x, "evaluation/y": held_out_y}
    for suffix in PRECISIONS:
        params = leaves(initial, suffix)
        state = {
            f"norm{block}/{name}": constant(value, suffix)
            for block, width in (("1", 8), ("2", 16))
            for name, value in (("mean", np.zeros(width)), ("variance", np.ones(width)))
        }
        history = train_cnn(params, state, x, y, indices, suffix)
        for name, values in zip(("crossEntropy", "penalty", "loss", "gradNorm"), zip(*history)):
            out[f"{name}{suffix}"] = np.stack(values)
        save_run_params(out, initial, params, suffix)
        for name, value in state.items():
            out[f"state/{name}/final{suffix}"] = array(value)
        logits = cnn_logits(params, state, constant(held_out_x, suffix), training=False)
        out[f"evaluation/logits{suffix}"] = array(logits)
        out[f"evaluation/loss{suffix}"] = array(F.cross_entropy(logits, torch.tensor(held_out_y).long()))
    return out


def train_cnn(params, state, x, y, indices, suffix):
    """Trains in place; returns cross-entropy, penalty, their sum and the gradient's norm for each step."""
    history = []
    optimizer = torch.optim.Adam(params.values(), lr=2e-3, betas=(0.9, 0.999), eps=1e-8)
    kernels = [value for name, value in params.items() if name.endswith("/kernel")]
    for chosen in indices:
        logits = cnn_logits(params, state, constant(x[chosen], suffix), training=True)
        cross_entropy = F.cross_entropy(logits, torch.tensor(y[chosen]).long())
        penalty = 1e-4 * sum(kernel.square().sum() for kernel in kernels)
        loss = cross_entropy + penalty
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params.values(), max_norm=1.0)
        optimizer.step()
        history.append([array(value) for value in (cross_entropy, penalty, loss, norm)])
    return history


# Single layers


def batchnorm():
    random = np.random.RandomState(3)
    x = numbers(random, 13, 4, 4, 3) * np.float32([1, 0.1, 5]) + np.float32([0, 3, -2])
    affine = {"gamma": 1 + numbers(random, 3, scale=0.3), "beta": numbers(random, 3)}
    upstream = numbers(random, 13, 4, 4, 3)
    running = {"mean": numbers(random, 3), "variance": 1 + numbers(random, 3) ** 2}
    out = {"x": x, "upstream": upstream, **affine}
    out.update({f"running/{name}/initial": value for name, value in running.items()})
    for suffix in PRECISIONS:
        inputs = leaves({"x": x, **affine}, suffix)
        moved = {name: constant(value, suffix) for name, value in running.items()}
        output = batch_norm(*inputs.values(), *moved.values(), True)
        save_gradients(out, "", output, constant(upstream, suffix), inputs, suffix)
        out.update({f"running/{name}/final{suffix}": array(value) for name, value in moved.items()})
    return out


def save_layer(out, random, name, inputs, function):
    """Stores a layer's float64 inputs, output, a random upstream gradient and the gradients of the inputs."""
    tensors = leaves(inputs, "64")
    output = function(**tensors)
    upstream = constant(numbers(random, *output.shape), "64")
    out.update({f"{name}/{key}": array(value) for key, value in tensors.items()})
    out[f"{name}/upstream"] = array(upstream)
    save_gradients(out, f"{name}/", output, upstream, tensors)


def layers():
    random, out = np.random.RandomState(5), {}
    image = {"x": numbers(random, 2, 5, 5, 2), "kernel": numbers(random, 3, 3, 2, 3), "bias": numbers(random, 3)}
    for stride in (1, 2):
        for pad in (0, 1):
            convolve = lambda x, kernel, bias: conv2d(x, kernel, bias, stride, pad)  # noqa: E731
            save_layer(out, random, f"conv2d/stride{stride}pad{pad}", image, convolve)
    # Multiples of one half (and no −0), so that many windows hold their maximum twice.
    tied = {"x": np.round(2 * numbers(random, 2, 5, 5, 2)) / 2 + 0}
    for window in (2, 3):
        save_layer(out, random, f"maxPool/window{window}stride2", tied, lambda x: max_pool(x, window, 2))
    indices = np.array([[0, 2, 2, 5], [1, 2, 0, 0], [5, 5, 5, 2]], np.int32)
    embed = lambda table: F.embedding(torch.tensor(indices).long(), table)  # noqa: E731
    save_layer(out, random, "embedding", {"table": numbers(random, 6, 4)}, embed)
    labels = np.array([0, 3, 1, 1, 2], np.int32)
    logits = numbers(random, 5, 4)
    logits[3], logits[4] = [90, -90, 0, 1], [-800, 800, 799, 0]
    cross_entropy = lambda logits: F.cross_entropy(logits, torch.tensor(labels).long(), reduction="none")  # noqa: E731
    save_layer(out, random, "softmaxCrossEntropy", {"logits": logits}, cross_entropy)
    points = np.float32([-30, -5, -1.5, -0.5, -1e-4, 0, 1e-4, 0.5, 1.5, 5, 30])
    for name, function in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
        save_layer(out, random, name, {"x": points}, function)
    return {**out, "embedding/indices": indices, "softmaxCrossEntropy/labels": labels}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    for make in (mlp, cnn, batchnorm, layers):
        path = FOLDER / f"{make.__name__}.safetensors"
        size = safetensors.save(path, make(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
        print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
