"""Regrets of Optuna's samplers on the functions of functions.mjs, one JSON line for each function and sampler.

    /usr/bin/python3 bench/search/peer.py [--seeds 20] [--trials 100] [--samplers tpe,cmaes] [--functions branin]

Each seed has one study of one process. A line has the least value less the function's minimum after 25, 50 and 100 trials,
for every seed.
"""

import argparse
import json
import warnings

import numpy as np
import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

WEIGHTS = np.array([1, 1.2, 3, 3.2])
SCALES = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
CENTRES = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def branin(x):
    bend = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10


def hartmann6(x):
    return -WEIGHTS @ np.exp(-(SCALES * (x - CENTRES) ** 2).sum(axis=1))


def ackley5(x):
    near = -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
    return near - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e


def rosenbrock4(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


FUNCTIONS = {
    "branin": (branin, [(-5, 10), (0, 15)], 0.397887),
    "hartmann6": (hartmann6, [(0, 1)] * 6, -3.32237),
    "ackley5": (ackley5, [(-32.768, 32.768)] * 5, 0),
    "rosenbrock4": (rosenbrock4, [(-5, 10)] * 4, 0),
}

SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "sobol": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe multivariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "cmaEs": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
}
if hasattr(optuna.samplers, "GPSampler"):
    SAMPLERS["gaussianProcess"] = lambda seed: optuna.samplers.GPSampler(seed=seed)


def regrets(function, sampler, seed, trials):
    at, bounds, least = FUNCTIONS[function]

    def objective(trial):
        return at(np.array([trial.suggest_float(f"x{i}", lo, hi) for i, (lo, hi) in enumerate(bounds)]))

    study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
    study.optimize(objective, n_trials=trials)
    best = np.minimum.accumulate([trial.value for trial in study.trials]) - least
    return {str(n): float(best[n - 1]) for n in (25, 50, 100) if n <= trials}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--samplers", default=",".join(SAMPLERS))
    parser.add_argument("--functions", default=",".join(FUNCTIONS))
    options = parser.parse_args()
    for function in options.functions.split(","):
        for sampler in options.samplers.split(","):
            found = [regrets(function, sampler, seed, options.trials) for seed in range(options.seeds)]
            line = {
                "library": f"optuna {optuna.__version__}",
                "function": function,
                "search": sampler,
                "generation": 1,
                "regrets": {n: [one[n] for one in found] for n in found[0]},
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
