"""Makes inspected.safetensors: everything that two steps of a small CNN compute. README.md says what is in it.

    /usr/bin/python3 test/golden/pytorch/inspected.py

With a file of `lockstep inspect RUN --step K --out step.npz` of experiments/mnist-cnn.ts as its argument it computes that step in
float32 and float64, from the file's parameters, samples and dropped elements, and prints how far the file is from both.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from generate import FOLDER, cnn_params, gratings
from layers import DTYPES, array, batch_norm, constant, conv2d, dense, leaves, max_pool

STEPS = (1, 10)


def cnn_layers(params, state, x):
    """What each layer gives in training, by our names: blocks 0 and 1, then flatten and dense."""
    out = {}
    for block in (0, 1):
        x = out[f"{block}/0"] = conv2d(x, params[f"conv{block + 1}/kernel"], padding=1)
        moments = state[f"norm{block + 1}/mean"], state[f"norm{block + 1}/variance"]
        x = batch_norm(x, params[f"norm{block + 1}/gamma"], params[f"norm{block + 1}/beta"], *moments, True)
        out[f"{block}/1"] = x
        x = out[f"{block}/2"] = torch.relu(x)
        x = out[f"{block}/3"] = max_pool(x, 2, 2)
    x = out["2"] = x.flatten(1)
    out["3"] = dense(x, params["dense/kernel"], params["dense/bias"])
    return out


def step_of(layers, logits, y, params, kernels, weight):
    """Layers, the loss of each sample, and the gradient of the mean loss with its penalty."""
    losses = F.cross_entropy(logits, torch.tensor(y).long(), reduction="none")
    loss = losses.mean() + weight * sum(params[name].square().sum() for name in kernels)
    gradients = torch.autograd.grad(loss, list(params.values()))
    return {
        **{f"layers/{name}": array(value) for name, value in layers.items()},
        **{f"gradients/{name}": array(value) for name, value in zip(params, gradients)},
        "loss": array(losses),
    }, gradients


def reference():
    random = np.random.RandomState(11)
    x, y = gratings(random, 12)
    initial = cnn_params(random)
    out = {"x": x, "y": y, **{f"params/{name}/initial": value for name, value in initial.items()}}
    params = leaves(initial, "64")
    state = {
        f"norm{block}/{name}": constant(value, "64")
        for block, width in (("1", 8), ("2", 16))
        for name, value in (("mean", np.zeros(width)), ("variance", np.ones(width)))
    }
    kernels = [name for name in params if name.endswith("/kernel")]
    optimizer = torch.optim.Adam(params.values(), lr=2e-3, betas=(0.9, 0.999), eps=1e-8)
    for step in range(1, max(STEPS) + 1):
        layers = cnn_layers(params, state, constant(x, "64"))
        found, gradients = step_of(layers, layers["3"], y, params, kernels, 1e-4)
        if step in STEPS:
            out.update({f"step{step}/{name}": value.astype(np.float32) for name, value in found.items()})
        for parameter, gradient in zip(params.values(), gradients):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(params.values(), max_norm=1.0)
        optimizer.step()
    return out


def mnist_cnn(params, x, kept):
    """experiments/mnist-cnn.ts. `kept`: the elements that the dropout did not set to 0."""
    out = {}
    for first in (0, 4):
        conv, norm = f"{first}", f"{first + 1}"
        x = out[conv] = conv2d(x, params[f"{conv}/kernel"], params[f"{conv}/bias"], padding=1)
        width = params[f"{norm}/gamma"].shape[0]
        moments = x.new_zeros(width), x.new_ones(width)
        x = out[norm] = batch_norm(x, params[f"{norm}/gamma"], params[f"{norm}/beta"], *moments, True)
        x = out[f"{first + 2}"] = torch.relu(x)
        x = out[f"{first + 3}"] = max_pool(x, 2, 2)
    x = out["8"] = x.flatten(1)
    x = out["9"] = x * kept / 0.75
    out["10"] = dense(x, params["10/kernel"], params["10/bias"])
    return out


def compare(path):
    tensors = dict(np.load(path))
    ours = {name: value for name, value in tensors.items() if name.startswith(("layers/", "gradients/")) or name == "loss"}
    initial = {name[len("params/") :]: value for name, value in tensors.items() if name.startswith("params/")}
    # An element that was 0 before passes no gradient on, so it does not matter whether it was dropped.
    kept = (tensors["layers/9"] != 0) | (tensors["layers/8"] == 0)
    found = {}
    for suffix in DTYPES:
        params = leaves(initial, suffix)
        layers = mnist_cnn(params, constant(tensors["columns/x"], suffix), constant(kept.astype(np.float32), suffix))
        kernels = [name for name in params if name.endswith("/kernel")]
        found[suffix], _ = step_of(layers, layers["10"], tensors["columns/y"], params, kernels, 1e-4)
    print(f"{'':24}{'to float64':>12}{'to float32':>12}{'32 to 64':>12}   largest |a - b| / (1 + |b|)")
    for name in ours:
        pairs = (ours[name], found["64"][name]), (ours[name], found["32"][name]), (found["32"][name], found["64"][name])
        distances = [(np.abs(a - b) / (1 + np.abs(b))).max() for a, b in pairs]
        print(f"{name:24}" + "".join(f"{distance:12.1e}" for distance in distances))


def main():
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        return compare(sys.argv[1])
    path = FOLDER / "inspected.safetensors"
    size = safetensors.save(path, reference(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
