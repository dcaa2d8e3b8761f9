"""Reference learning rates: schedules.safetensors, each schedule over its whole length; README.md says what is in it.

PyTorch's schedulers compute in double precision; the inverse square root is Vaswani et al., 2017, equation 3.

    /usr/bin/python3 test/golden/pytorch/schedules.py
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch.optim import lr_scheduler as torch_schedules

import safetensors

RATE = 0.3

SCHEDULES = {
    "constant": (20, "LambdaLR", dict(lr_lambda=lambda _: 1)),
    "step": (60, "StepLR", dict(step_size=7, gamma=0.5)),
    "multiStep": (60, "MultiStepLR", dict(milestones=[5, 6, 30], gamma=0.2)),
    "exponential": (60, "ExponentialLR", dict(gamma=0.9)),
    "polynomial": (60, "PolynomialLR", dict(total_iters=50, power=2.5)),
    "polynomial/straight": (60, "PolynomialLR", dict(total_iters=50)),
    "linear": (30, "LinearLR", dict(start_factor=0.25, end_factor=0.75, total_iters=20)),
    "cosine": (51, "CosineAnnealingLR", dict(T_max=50, eta_min=0.01)),
    "cosineRestarts": (60, "CosineAnnealingWarmRestarts", dict(T_0=17, eta_min=0.01)),
    "cosineRestarts/growing": (120, "CosineAnnealingWarmRestarts", dict(T_0=5, T_mult=2)),
    "cosineRestarts/tripling": (120, "CosineAnnealingWarmRestarts", dict(T_0=4, T_mult=3, eta_min=0.01)),
    "oneCycle": (60, "OneCycleLR", dict(max_lr=RATE, total_steps=60)),
    "oneCycle/linear": (
        60,
        "OneCycleLR",
        dict(max_lr=RATE, total_steps=60, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100),
    ),
    "oneCycle/three": (60, "OneCycleLR", dict(max_lr=RATE, total_steps=60, pct_start=0.35, three_phase=True)),
    "oneCycle/threeLinear": (
        61,
        "OneCycleLR",
        dict(max_lr=RATE, total_steps=61, three_phase=True, anneal_strategy="linear"),
    ),
    "cyclic": (60, "CyclicLR", dict(base_lr=0.01, max_lr=RATE, step_size_up=8)),
    "cyclic/uneven": (60, "CyclicLR", dict(base_lr=0.01, max_lr=RATE, step_size_up=5, step_size_down=12)),
    "cyclic/triangular2": (60, "CyclicLR", dict(base_lr=0.01, max_lr=RATE, step_size_up=6, mode="triangular2")),
    "cyclic/exponential": (
        60,
        "CyclicLR",
        dict(base_lr=0.01, max_lr=RATE, step_size_up=6, step_size_down=9, mode="exp_range", gamma=0.97),
    ),
}

# A loss that falls, idles, falls and rises; what each plateau scheduler is made of.
PLATEAUS = {
    "plateau": dict(patience=3),
    "plateau/cooldown": dict(patience=2, factor=0.5, cooldown=4),
    "plateau/absolute": dict(patience=2, factor=0.5, threshold=0.05, threshold_mode="abs"),
    "plateau/least": dict(patience=0, factor=0.3, threshold=0.01, min_lr=RATE * 0.05),
}


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE, momentum=0.9)


def rates(length, scheduler, one):
    seen = []
    for _ in range(length):
        seen.append(one.param_groups[0]["lr"])
        one.step()
        if len(seen) < length:
            scheduler.step()
    return np.array(seen)


def sequential():
    """Five straight updates, then a cosine, then a constant."""
    one = optimizer()
    parts = [
        torch_schedules.LinearLR(one, start_factor=0.2, total_iters=5),
        torch_schedules.CosineAnnealingLR(one, T_max=20),
        torch_schedules.ConstantLR(one, factor=0.5, total_iters=1000),
    ]
    return rates(40, torch_schedules.SequentialLR(one, parts, milestones=[5, 25]), one)


def losses():
    random = np.random.RandomState(6)
    trend = np.concatenate([np.linspace(2, 1, 20), np.full(30, 1.0), np.linspace(1, 0.7, 20), np.linspace(0.7, 0.9, 20)])
    return (trend + 0.02 * random.standard_normal(trend.size)).astype(np.float32)


def schedules():
    out = {"losses": losses()}
    for name, (length, kind, options) in SCHEDULES.items():
        one = optimizer()
        out[name] = rates(length, getattr(torch_schedules, kind)(one, **options), one)
    out["sequential"] = sequential()
    for name, options in PLATEAUS.items():
        one = optimizer()
        scheduler, seen = torch_schedules.ReduceLROnPlateau(one, eps=0, **options), []
        for loss in out["losses"]:
            scheduler.step(float(loss))
            seen.append(one.param_groups[0]["lr"])
        out[name] = np.array(seen)
    t = np.arange(1, 61)
    out["inverseSquareRoot"] = 512**-0.5 * np.minimum(t**-0.5, t * 15**-1.5)
    return out


def main():
    warnings.simplefilter("ignore")
    versions = {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"}
    size = safetensors.save(Path(__file__).parent / "schedules.safetensors", schedules(), versions)
    print(f"schedules.safetensors: {size} bytes")


if __name__ == "__main__":
    main()
