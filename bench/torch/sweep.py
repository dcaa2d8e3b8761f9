"""Trials of twenty steps of the softmax on MNIST and an evaluation, chosen by Optuna. See ../sweep.mjs.

One process trains one trial after the other, as Optuna's examples do. With more, a pool of processes trains and this one asks and
tells. Prints a JSON line for each trial, and at the end one for the best.
"""
import argparse
import concurrent.futures
import json
import multiprocessing
import os

import common

STEPS = 20
BATCH = 256

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, required=True)
parser.add_argument("--processes", type=int, required=True)
parser.add_argument("--data", required=True, help="the folder that sweep.mjs writes")
args = parser.parse_args()


def load():
    """Imports torch with one thread and maps the data, once in each process."""
    global torch, splits
    torch = common.setup()

    def tensor(name, dtype, shape):
        path = os.path.join(args.data, name)
        count = os.path.getsize(path) // dtype.itemsize
        return torch.from_file(path, size=count, dtype=dtype).view(shape)

    splits = {
        split: (tensor(f"{split}.x", torch.float32, (-1, 784)), tensor(f"{split}.y", torch.int32, (-1,)).long())
        for split in ("train", "test")
    }


def train(rate):
    """The loss and the accuracy over the test samples after training."""
    torch.manual_seed(1)
    model = torch.nn.Linear(784, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    loss_of = torch.nn.CrossEntropyLoss()
    x, y = splits["train"]
    order = torch.randperm(len(x))
    for step in range(STEPS):
        samples = order[step * BATCH:(step + 1) * BATCH]
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x[samples]), y[samples]).backward()
        optimizer.step()
    with torch.no_grad():
        x, y = splits["test"]
        logits = model(x)
        accuracy = (logits.argmax(1) == y).float().mean().item()
        return loss_of(logits, y).item(), accuracy


def tell(study, trial, result):
    study.tell(trial, result[0])
    print(json.dumps({"event": "trial", "trial": trial.number, "value": result[0]}), flush=True)


def ask(study):
    trial = study.ask()
    return trial, trial.suggest_float("rate", 0.001, 1, log=True)


def alone(study):
    load()
    for _ in range(args.trials):
        trial, rate = ask(study)
        tell(study, trial, train(rate))


def pooled(study):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(args.processes, context, initializer=load) as pool:
        running = {}
        for number in range(args.trials + args.processes):
            if len(running) == args.processes or number >= args.trials:
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for one in done:
                    tell(study, running.pop(one), one.result())
            if number < args.trials:
                trial, rate = ask(study)
                running[pool.submit(train, rate)] = trial
            elif not running:
                break


def main():
    common.clean_environment()
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    alone(study) if args.processes == 1 else pooled(study)
    import torch
    versions = f"Optuna {optuna.__version__}, PyTorch {torch.__version__}"
    print(json.dumps({"event": "done", "versions": versions, "value": study.best_value}), flush=True)


if __name__ == "__main__":
    main()
