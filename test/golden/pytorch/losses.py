"""Makes losses.safetensors: each loss in float64, one value a sample, with the gradient of the prediction.

    /usr/bin/python3 test/golden/pytorch/losses.py

PyTorch's reduction='none', reduced within the sample: the mean over its own elements, or over its labels that count.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import safetensors
from generate import numbers
from layers import array, constant, leaves

ROWS, TIME, CLASSES = 6, 4, 5
WEIGHTS = [0.5, 2.0, 1.0, 0.0, 1.5]
POS_WEIGHTS = [0.25, 3.0, 1.0]


def of_samples(values):
    return values.reshape(len(values), -1).mean(1)


def cross_entropy(logits, labels, **options):
    """Classes last, as ours; PyTorch wants them second."""
    target = labels.long() if labels.dtype == torch.int32 else labels
    values = F.cross_entropy(logits.movedim(-1, 1), target, reduction="none", **options)
    if values.dim() == 1:
        return values
    counts = (labels != options.get("ignore_index", -100)).sum(1)
    return values.sum(1) / counts.clamp(min=1)


def focal(logits, labels, weight):
    """Not in this PyTorch: equation 5 of Lin et al., 2017."""
    p = torch.softmax(logits, -1).gather(1, labels.long()[:, None])[:, 0]
    return -weight[labels.long()] * (1 - p) ** 1.5 * torch.log(p)


def class_losses(random):
    logits = numbers(random, ROWS, CLASSES, scale=2)
    labels = np.array([0, 4, 2, 1, 2, 0], np.int32)
    tokens = random.randint(0, CLASSES, (ROWS, TIME)).astype(np.int32)
    sequences = numbers(random, ROWS, TIME, CLASSES, scale=2)
    padded = tokens.copy()
    padded[0, 2:], padded[3, 1:], padded[5, :] = -100, -100, -100
    weight = torch.tensor(WEIGHTS, dtype=torch.float64)
    variants = {
        "": {},
        "/smoothing": {"label_smoothing": 0.1},
        "/weights": {"weight": weight},
        "/weightsSmoothing": {"weight": weight, "label_smoothing": 0.3},
        "/ignored": {"ignore_index": 2},
    }
    for variant, options in variants.items():
        yield f"crossEntropy{variant}", logits, labels, lambda x, y, options=options: cross_entropy(x, y, **options)
    yield "crossEntropy/sequences", sequences, tokens, cross_entropy
    everything = {"weight": weight, "label_smoothing": 0.1}
    yield "crossEntropy/padded", sequences, padded, lambda x, y: cross_entropy(x, y, **everything)
    shares = random.dirichlet(np.ones(CLASSES), ROWS)
    yield "crossEntropy/probabilities", logits, shares, lambda x, y: cross_entropy(x, y, **everything)
    yield "focal", logits, labels, lambda x, y: focal(x, y, weight)
    logs = torch.log_softmax(torch.tensor(logits), -1).numpy()
    nll = lambda x, y: F.nll_loss(x, y.long(), weight, reduction="none")  # noqa: E731
    yield "negativeLogLikelihood", logs, labels, nll


def number_losses(random):
    x = numbers(random, ROWS, 3)
    y = numbers(random, ROWS, 3)
    # No difference at all, and differences of exactly the width where Huber's parabola ends.
    y[0], y[1], y[2] = x[0], 0, x[2] + 3
    x[1] = [0.5, -0.5, 1]
    ones = (random.uniform(size=(ROWS, 3)) < 0.5).astype(np.float32)
    signs = 2 * ones - 1
    yield "meanSquaredError", x, y, lambda x, y: of_samples(F.mse_loss(x, y, reduction="none"))
    yield "meanAbsoluteError", x, y, lambda x, y: of_samples(F.l1_loss(x, y, reduction="none"))
    yield "huber", x, y, lambda x, y: of_samples(F.huber_loss(x, y, reduction="none", delta=0.5))
    yield "smoothL1", x, y, lambda x, y: of_samples(F.smooth_l1_loss(x, y, reduction="none", beta=0.5))
    binary = F.binary_cross_entropy_with_logits
    yield "binaryCrossEntropy", 9 * x, ones, lambda x, y: of_samples(binary(x, y, reduction="none"))
    pos_weight = torch.tensor(POS_WEIGHTS, dtype=torch.float64)
    weighted = lambda x, y: of_samples(binary(x, y, reduction="none", pos_weight=pos_weight))  # noqa: E731
    yield "binaryCrossEntropy/posWeight", 9 * x, ones, weighted
    yield "hinge", x, signs, lambda x, y: of_samples(torch.relu(1 - x * y))
    poisson = lambda x, y: of_samples(F.poisson_nll_loss(x, y, reduction="none"))  # noqa: E731
    yield "poissonNegativeLogLikelihood", x, 3 * ones, poisson
    logs = np.log(random.dirichlet(np.ones(3), ROWS))
    shares = random.dirichlet(np.ones(3), ROWS)
    shares[1] = [0, 1, 0]
    yield "klDivergence", logs, shares, lambda x, y: F.kl_div(x, y, reduction="none").sum(1)
    of_logs = lambda x, y: F.kl_div(x, y, reduction="none", log_target=True).sum(1)  # noqa: E731
    yield "klDivergence/logTarget", logs, logs[::-1].copy(), of_logs
    pairs = numbers(random, ROWS, 2, 3)
    both = np.array([1, -1, 1, -1, -1, 1], np.float32)
    cosine = lambda x, y: F.cosine_embedding_loss(x[:, 0], x[:, 1], y, margin=0.1, reduction="none")  # noqa: E731
    yield "cosineEmbedding", pairs, both, cosine
    triples = numbers(random, ROWS, 3, 3)
    triplet = lambda x, _: F.triplet_margin_loss(x[:, 0], x[:, 1], x[:, 2], reduction="none")  # noqa: E731
    yield "tripletMargin", triples, both, triplet
    yield "softMargin", x, signs, lambda x, y: of_samples(F.soft_margin_loss(x, y, reduction="none"))
    yield "hingeEmbedding", x, signs, lambda x, y: of_samples(F.hinge_embedding_loss(x, y, reduction="none"))
    ranking = lambda x, y: F.margin_ranking_loss(x[:, 0], x[:, 1], y, margin=0.1, reduction="none")  # noqa: E731
    yield "marginRanking", x[:, :2] + np.float32(0.3), both, ranking
    classes = np.array([0, 2, 1, 1, 2, 0], np.int32)
    yield "multiMargin", x, classes, lambda x, y: F.multi_margin_loss(x, y.long(), reduction="none")
    # Mean and variance; one variance lies below the least that counts.
    variances = np.float32([[1, 2, 0.5], [0.1, 1e-7, 1], *[[0.3, 1, 3]] * (ROWS - 2)])
    normal = lambda x, y: of_samples(F.gaussian_nll_loss(x[:, 0], y, x[:, 1], reduction="none"))  # noqa: E731
    yield "gaussianNegativeLogLikelihood", np.stack([x, variances], 1), y, normal


def losses():
    random, out = np.random.RandomState(7), {}
    for part in (class_losses, number_losses):
        for name, prediction, target, function in part(random):
            given = leaves({"prediction": prediction}, "64")
            wanted = torch.tensor(target) if target.dtype == np.int32 else constant(target, "64")
            values = function(given["prediction"], wanted)
            upstream = constant(numbers(random, ROWS), "64")
            (gradient,) = torch.autograd.grad(values, list(given.values()), upstream)
            out[f"{name}/prediction"], out[f"{name}/target"] = array(given["prediction"]), array(wanted)
            out[f"{name}/output"], out[f"{name}/upstream"] = array(values), array(upstream)
            out[f"{name}/dprediction"] = array(gradient)
    return out


def main():
    torch.set_num_threads(1)
    path = Path(__file__).parent / "losses.safetensors"
    size = safetensors.save(path, losses(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
