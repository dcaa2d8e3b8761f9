"""Shared code of PyTorch's programs in the bench: a clean environment, the sampling of times, one JSON line of output.

Call `setup(threads)` before anything else imports torch: the BLAS reads its variables when it is loaded.
"""
import argparse
import ctypes
import json
import math
import os
import sys
import tempfile
import time

BLAS_TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE", "NVPL_BLAS_DEBUG_CPU_TYPE",
               "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS")
SLICE_S = 0.05
LEAST_SLICES = 3
WARM_UP_S = 1.0


def clean_environment(threads=1):
    for name in BLAS_TUNING:
        os.environ.pop(name, None)
    for name in THREAD_COUNTS:
        os.environ[name] = str(threads)


def setup(threads=1):
    """Drops inherited BLAS tuning, fixes every thread count, imports and returns torch.

    torch.set_num_threads is not enough: with a generic BLAS it does not change the thread pool of OpenBLAS.
    """
    clean_environment(threads)
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    require_openblas()
    return torch


def openblas():
    """Version and kernel of the OpenBLAS in this process, or None."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "libopenblas" in line}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        library.openblas_get_corename.restype = ctypes.c_char_p
        return f"{os.path.basename(path)} {library.openblas_get_corename().decode()}"
    return None


def require_openblas():
    """Exits unless torch uses OpenBLAS: Debian's fallback, the reference BLAS, is twenty times slower."""
    if openblas() is None:
        sys.exit("torch runs without OpenBLAS here; install Debian's libopenblas0-pthread")


def arguments(description):
    """A parser with the arguments of every program."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=4.0, help="time to measure for")
    return parser


def sample(call, seconds):
    """Milliseconds per call, one figure per slice of at least SLICE_S. The same procedure as bench/measure.mjs."""
    warm_up_end = time.perf_counter() + WARM_UP_S
    call()
    while time.perf_counter() < warm_up_end:
        call()
    start = time.perf_counter()
    call()
    calls = max(1, math.ceil(SLICE_S / max(time.perf_counter() - start, 1e-9)))
    slices = []
    end = time.perf_counter() + seconds
    while len(slices) < LEAST_SLICES or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        slices.append((time.perf_counter() - start) / calls * 1e3)
    return slices


def versions(torch):
    """A description of the measurement, in one line."""
    return f"PyTorch {torch.__version__}, {openblas()}"


def emit(figures):
    """Prints the result as one JSON line: the figures of the only row, or figures by row."""
    print(json.dumps({"figures": figures}), flush=True)


def launch(worker, args):
    """Runs worker(rank, args, store, queue) on args.world processes and prints what it puts into the queue."""
    torch = setup()
    with tempfile.TemporaryDirectory() as folder:
        queue = torch.multiprocessing.get_context("spawn").SimpleQueue()
        arguments_of_worker = (args, os.path.join(folder, "store"), queue)
        torch.multiprocessing.spawn(worker, arguments_of_worker, nprocs=args.world)
        emit(queue.get())


def join(torch, rank, world, store):
    """The process group of gloo over loopback."""
    import torch.distributed as dist
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    return dist


def leave(dist):
    """Ends the process without destroy_process_group, after which a rank sometimes did not end."""
    dist.barrier()
    os._exit(0)


def rounds_for(seconds, typical_ms):
    """The number of rounds of an all-reduce that fill the time. The same procedure as bench/rows/all-reduce.mjs."""
    return min(2000, max(5, int(1e3 * seconds / (typical_ms + 0.1))))
