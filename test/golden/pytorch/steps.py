"""Makes steps.safetensors: each layer of modules.py and each loss of losses.py by itself, trained for 50 steps in float64.

    /usr/bin/python3 test/golden/pytorch/steps.py

A layer's rows are trained with its parameters, so that a layer without parameters has a path to follow too. What it is to
give back, and where it begins, is in modules.safetensors. A loss trains the scores that it is given.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from families import train
from generate import numbers
from layers import array, constant, leaves
from losses import class_losses, number_losses
from modules import modules_of

RATE = 0.05


def pushed(prediction):
    """Means, and variances that are above 0 for every score."""
    return torch.stack([prediction[:, 0], F.softplus(prediction[:, 1])], 1)


# Losses of log-probabilities, or of variances, do not take every score.
HEADS = {
    "negativeLogLikelihood": lambda x: F.log_softmax(x, -1),
    "klDivergence": lambda x: F.log_softmax(x, -1),
    "klDivergence/logTarget": lambda x: F.log_softmax(x, -1),
    "gaussianNegativeLogLikelihood": pushed,
}


def layer_steps():
    for name, function, given, _, upstream in modules_of():
        params = {path.removeprefix("params/"): value for path, value in given.items() if path != "x"}
        target = constant(upstream, "64")
        losses = train(given, lambda _: (function(given["x"], params) - target).square().mean(), RATE)
        yield f"layers/{name}/loss", losses
        for path, value in given.items():
            yield f"layers/{name}/{path}", array(value)


def embedding_steps(random):
    table, indices = numbers(random, 6, 4), random.randint(0, 5, (3, 4)).astype(np.int32)
    target = numbers(random, 3, 4, 4)
    given, wanted, rows = leaves({"table": table}, "64"), constant(target, "64"), torch.tensor(indices).long()
    losses = train(given, lambda _: (F.embedding(rows, given["table"]) - wanted).square().mean(), RATE)
    yield "embedding/initial", table
    yield "embedding/indices", indices
    yield "embedding/target", target
    yield "embedding/loss", losses
    yield "embedding/table", array(given["table"])


def loss_steps(random):
    for part in (class_losses, number_losses):
        for name, prediction, target, function in part(random):
            scores = numbers(random, *prediction.shape)
            given = leaves({"scores": scores}, "64")
            wanted = torch.tensor(target) if target.dtype == np.int32 else constant(target, "64")
            head = HEADS.get(name, lambda x: x)
            losses = train(given, lambda _: function(head(given["scores"]), wanted).mean(), RATE)
            yield f"losses/{name}/initial", scores
            yield f"losses/{name}/target", array(wanted)
            yield f"losses/{name}/loss", losses
            yield f"losses/{name}/scores", array(given["scores"])


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random = np.random.RandomState(9)
    out = {**dict(layer_steps()), **dict(embedding_steps(random)), **dict(loss_steps(random))}
    for name, values in out.items():
        if name.endswith("/loss"):
            assert values[-1] < values[0], f"{name}: nothing was learnt"
    path = Path(__file__).parent / "steps.safetensors"
    size = safetensors.save(path, out, {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
