"""The time from the start of a process to the end of its first training step, and its peak memory. The rows of startup."""
import os
import subprocess
import sys
import tempfile
import time

import common

REPEATS = 2
HERE = os.path.dirname(os.path.abspath(__file__))
STEP = """
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
torch.nn.functional.cross_entropy(net(torch.rand(128, 784)), torch.randint(0, 10, (128,))).backward()
optimizer.step()
"""
ALONE = "import torch, models\nnet = models.mlp(784, 512, 256, 10)" + STEP
PAIR = """
import sys
import torch, torch.distributed as dist, models
dist.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
net = torch.nn.parallel.DistributedDataParallel(models.mlp(784, 512, 256, 10))
""" + STEP


def run(*commands):
    """Starts all commands at once: milliseconds until the last ended, and the largest peak memory in MB."""
    start = time.perf_counter()
    processes = [subprocess.Popen([sys.executable, "-B", *command], stdout=subprocess.DEVNULL, cwd=HERE)
                 for command in commands]
    peaks = []
    for process in processes:
        _, process.returncode, usage = os.wait4(process.pid, 0)
        if process.returncode != 0:
            sys.exit(f"a process ended with status {process.returncode}")
        peaks.append(usage.ru_maxrss / 1024)
    return 1e3 * (time.perf_counter() - start), max(peaks)


def pair():
    with tempfile.TemporaryDirectory() as folder:
        return run(*(["-c", PAIR, os.path.join(folder, "store"), str(rank)] for rank in range(2)))


def main():
    common.arguments(__doc__).parse_args()
    common.clean_environment()
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    figures = {"first-step": [], "first-step-2": [], "memory-mlp": []}
    for _ in range(REPEATS):
        figures["first-step"].append(run(["-c", ALONE])[0])
        figures["first-step-2"].append(pair()[0])
        figures["memory-mlp"].append(run(["mlp.py", "--batch", "128", "--seconds", "1"])[1])
    common.emit(figures)


if __name__ == "__main__":
    main()
