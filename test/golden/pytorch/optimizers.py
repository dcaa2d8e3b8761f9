"""Reference trajectories of optimizers under prescribed gradients: optimizers.safetensors; README.md says what is in it.

PyTorch's own optimizers where it has them; LARS, LAMB, Lion, gradient transformations and averages in NumPy, each
written from the equation named beside it.

    /usr/bin/python3 test/golden/pytorch/optimizers.py
"""

import math
from pathlib import Path

import numpy as np
import torch

import safetensors
from layers import DTYPES, array, constant, leaves

STEPS = 50
SHAPES = {"kernel": (3, 2), "bias": (2,)}
# The first updates, then every fifth.
KEPT = [*range(5), *range(9, STEPS, 5)]

TORCH = {
    "sgd": (torch.optim.SGD, dict(lr=0.1)),
    "sgd/decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.1)),
    "momentum": (torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    "momentum/dampening": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05)),
    "momentum/maximize": (torch.optim.SGD, dict(lr=0.01, momentum=0.9, maximize=True)),
    "momentum/oneCycle": (torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    "nesterov": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True)),
    "nesterov/cyclic": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True)),
    "adam": (torch.optim.Adam, dict(lr=0.01)),
    "adam/decay": (torch.optim.Adam, dict(lr=0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.1)),
    "adam/amsgrad": (torch.optim.Adam, dict(lr=0.01, amsgrad=True)),
    "adam/amsgradDecay": (torch.optim.Adam, dict(lr=0.01, betas=(0.8, 0.9), amsgrad=True, weight_decay=0.1)),
    "adamw": (torch.optim.AdamW, dict(lr=0.01, weight_decay=0.1)),
    "adamw/amsgrad": (torch.optim.AdamW, dict(lr=0.01, betas=(0.8, 0.9), amsgrad=True)),
    # PyTorch 1.13 without `foreach` multiplies the product of momenta by the newest twice, against its own equation.
    "nadam": (torch.optim.NAdam, dict(lr=0.002, foreach=True)),
    "nadam/options": (
        torch.optim.NAdam,
        dict(lr=0.01, betas=(0.8, 0.99), eps=1e-5, weight_decay=0.1, momentum_decay=0.05, foreach=True),
    ),
    "radam": (torch.optim.RAdam, dict(lr=0.01)),
    "radam/options": (torch.optim.RAdam, dict(lr=0.01, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.1)),
    # An average so short that it is never rectified.
    "radam/never": (torch.optim.RAdam, dict(lr=0.01, betas=(0.9, 0.6))),
    "adamax": (torch.optim.Adamax, dict(lr=0.002)),
    "adamax/options": (torch.optim.Adamax, dict(lr=0.01, betas=(0.8, 0.9), eps=1e-5, weight_decay=0.1)),
    "rmsprop": (torch.optim.RMSprop, dict(lr=0.01)),
    "rmsprop/centered": (torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-4, centered=True)),
    "rmsprop/momentum": (torch.optim.RMSprop, dict(lr=0.01, momentum=0.9, weight_decay=0.1)),
    "rmsprop/everything": (
        torch.optim.RMSprop,
        dict(lr=0.001, alpha=0.95, eps=1e-4, momentum=0.8, weight_decay=0.1, centered=True),
    ),
    "adagrad": (torch.optim.Adagrad, dict(lr=0.01)),
    "adagrad/options": (
        torch.optim.Adagrad,
        dict(lr=0.1, lr_decay=0.02, weight_decay=0.1, initial_accumulator_value=0.1, eps=1e-6),
    ),
    "adadelta": (torch.optim.Adadelta, dict(lr=1.0)),
    "adadelta/options": (torch.optim.Adadelta, dict(lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1)),
}

# Schedulers that move the momentum too.
SCHEDULED = {
    "momentum/oneCycle": lambda one: torch.optim.lr_scheduler.OneCycleLR(one, max_lr=0.1, total_steps=STEPS),
    "nesterov/cyclic": lambda one: torch.optim.lr_scheduler.CyclicLR(one, base_lr=0.01, max_lr=0.1, step_size_up=6),
}


def norm(x):
    return math.sqrt((x * x).sum())


def lion(w, lr=0.01, beta1=0.9, beta2=0.99, decay=0.0):
    """Chen et al., 2023, algorithm 2."""
    m = np.zeros_like(w)
    while True:
        g = yield w
        update = np.sign(beta1 * m + (1 - beta1) * g)
        w = w - lr * (update + decay * w)
        m = beta2 * m + (1 - beta2) * g


def lars(w, lr=1.0, momentum=0.9, trust=0.1, decay=0.0):
    """You, Gitman and Ginsburg, 2017, equation 6 and algorithm 1."""
    v = np.zeros_like(w)
    while True:
        g = yield w
        local = trust * norm(w) / (norm(g) + decay * norm(w))
        v = momentum * v + lr * local * (g + decay * w)
        w = w - v


def lamb(w, lr=0.01, beta1=0.9, beta2=0.999, epsilon=1e-6, decay=0.01):
    """You et al., 2020, algorithm 2, with the identity for phi."""
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0
    while True:
        g = yield w
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon) + decay * w
        w = w - lr * norm(w) / norm(r) * r


def descend(w, change, lr=0.1):
    """Gradient descent on gradients changed by a function of gradient and weights."""
    while True:
        g = yield w
        w = w - lr * change(g, w)


def clip_adaptively(g, w, clipping=0.2, epsilon=1e-3):
    """Brock et al., 2021, equation 3, over the inputs of each output; a vector is one unit."""
    axes = tuple(range(g.ndim - 1)) if g.ndim > 1 else None
    length = lambda x: np.sqrt((x * x).sum(axes, keepdims=True))  # noqa: E731
    longest = clipping * np.maximum(length(w), epsilon)
    too_long = length(g) > longest
    return np.where(too_long, longest / np.where(too_long, length(g), 1) * g, g)


def centralize(g, _):
    """Yong et al., 2020, equation 1: less the mean over the inputs of each output."""
    return g - g.mean(0, keepdims=True) if g.ndim > 1 else g


def ema(w, lr=0.1, decay=0.9, debias=False):
    """Descends, and shows the exponential average of the weights; its debiasing is Adam's (Kingma and Ba, 2015)."""
    average, t, shown = (np.zeros_like(w) if debias else w), 0, w
    while True:
        g = yield shown
        t += 1
        w = w - lr * g
        average = decay * average + (1 - decay) * w
        shown = average / (1 - decay**t) if debias else average


def swa(w, lr=0.1, start=0, every=1):
    """Descends, and shows the mean of the weights after updates start, start + every, ... (Izmailov et al., 2018)."""
    seen, shown, k = [], w, 0
    while True:
        g = yield shown
        w = w - lr * g
        if k >= start and (k - start) % every == 0:
            seen.append(w)
        shown = np.mean(seen, axis=0) if seen else shown
        k += 1


def lookahead(w, lr=0.1, every=5, alpha=0.5):
    """Zhang et al., 2019, algorithm 1, around gradient descent."""
    slow, k = w, 0
    while True:
        g = yield w
        w = w - lr * g
        k += 1
        if k % every == 0:
            slow = slow + alpha * (w - slow)
            w = slow


def accumulated(w, lr=0.1, momentum=0.9, every=3):
    """Momentum on the mean gradient of every third step."""
    v, seen = np.zeros_like(w), []
    while True:
        seen.append((yield w))
        if len(seen) == every:
            v = momentum * v + np.mean(seen, axis=0)
            w = w - lr * v
            seen = []


PAPERS = {
    "lion": lion,
    "lion/options": lambda w: lion(w, beta1=0.8, beta2=0.9, decay=0.1),
    "lars": lars,
    "lars/decay": lambda w: lars(w, decay=0.1),
    "lamb": lamb,
    "lamb/options": lambda w: lamb(w, beta1=0.8, beta2=0.9, epsilon=1e-3, decay=0.1),
    "clipAdaptively": lambda w: descend(w, clip_adaptively),
    "clipByNorm": lambda w: descend(w, lambda g, _: min(1, 0.1 / (norm(g) + 1e-6)) * g),
    "centralize": lambda w: descend(w, centralize),
    "ema": ema,
    "ema/debiased": lambda w: ema(w, debias=True),
    "swa": swa,
    "swa/options": lambda w: swa(w, start=10, every=4),
    "lookahead": lookahead,
    "accumulated": accumulated,
}


def prescribed(random):
    """A descent of a quadratic so noisy that signs change, coordinates from stiff to nearly flat. Two are hard for Adam
    and its kin: gradients near epsilon, and gradients that are exactly zero until step 15."""
    initial = random.standard_normal(8)
    slopes = np.float32([2, 1, 0.3, 0.1, 0.01, 1e-7, 1, 0.5])
    gradients = 0.9 ** np.arange(STEPS)[:, None] * initial * slopes
    gradients = (gradients * random.uniform(-0.5, 1.5, gradients.shape)).astype(np.float32)
    gradients[:15, 6] = 0
    return initial.astype(np.float32), gradients


def split(flat):
    sizes = [math.prod(shape) for shape in SHAPES.values()]
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(SHAPES.items(), parts)}


def flat(values):
    return np.concatenate([np.ravel(value) for value in values])


def run_torch(name, initial, gradients, suffix):
    make, options = TORCH[name]
    # Scalars that an optimizer keeps, such as NAdam's product, take the default type.
    torch.set_default_dtype(DTYPES[suffix])
    params = leaves(split(initial), suffix)
    optimizer, trajectory = make(params.values(), **options), []
    scheduler = SCHEDULED[name](optimizer) if name in SCHEDULED else None
    for step, gradient in enumerate(gradients):
        for part, value in split(gradient).items():
            params[part].grad = constant(value, suffix)
        optimizer.step()
        if scheduler and step + 1 < STEPS:
            scheduler.step()
        trajectory.append(flat(array(value) for value in params.values()))
    return np.stack(trajectory)


def run_paper(make, initial, gradients):
    runs = {name: make(value.astype(np.float64)) for name, value in split(initial).items()}
    for run in runs.values():
        next(run)
    shown = [{name: runs[name].send(g.astype(np.float64)) for name, g in split(row).items()} for row in gradients]
    return np.stack([flat(values.values()) for values in shown])


def optimizers():
    initial, gradients = prescribed(np.random.RandomState(4))
    out = {"initial": initial, "gradients": gradients, "steps": np.array(KEPT, np.int32)}
    for name in TORCH:
        for suffix in ("32", "64"):
            out[f"{name}/trajectory{suffix}"] = run_torch(name, initial, gradients, suffix)[KEPT]
    for name, make in PAPERS.items():
        out[f"{name}/trajectory64"] = run_paper(make, initial, gradients)[KEPT]
    return out


def main():
    torch.set_num_threads(1)
    versions = {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"}
    size = safetensors.save(Path(__file__).parent / "optimizers.safetensors", optimizers(), versions)
    print(f"optimizers.safetensors: {size} bytes")


if __name__ == "__main__":
    main()
