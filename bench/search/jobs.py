"""SHA-256 of the trials of Optuna's TPE on Hartmann6, for each number of jobs; one JSON line each. See jobs.mjs.

    /usr/bin/python3 -B bench/search/jobs.py [--jobs 1,1,2,2] [--trials 60] [--seed 7]
"""

import argparse
import hashlib
import json
import random
import time

import numpy as np
import optuna
from peer import FUNCTIONS, SAMPLERS

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--jobs", default="1,1,2,2")
parser.add_argument("--trials", type=int, default=60)
parser.add_argument("--seed", type=int, default=7)
options = parser.parse_args()

at, bounds, _ = FUNCTIONS["hartmann6"]


def objective(trial):
    value = at(np.array([trial.suggest_float(f"x{i}", lo, hi) for i, (lo, hi) in enumerate(bounds)]))
    # Trials take between 1 and 3 ms, of which the search knows nothing.
    time.sleep(random.SystemRandom().uniform(1e-3, 3e-3))
    return value


for jobs in map(int, options.jobs.split(",")):
    study = optuna.create_study(sampler=SAMPLERS["tpe"](options.seed))
    study.optimize(objective, n_trials=options.trials, n_jobs=jobs)
    table = "".join(json.dumps([trial.number, trial.params, trial.value]) + "\n" for trial in study.trials)
    line = {
        "library": f"Optuna {optuna.__version__}",
        "jobs": jobs,
        "sha256": hashlib.sha256(table.encode()).hexdigest(),
        "best": study.best_value,
    }
    print(json.dumps(line), flush=True)
