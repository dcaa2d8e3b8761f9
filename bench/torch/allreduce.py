"""gloo's all_reduce (sum) of float32 over loopback; a round takes the time of its slowest rank. The rows allreduce-*."""
import time

import common


def worker(rank, args, store, queue):
    torch = common.setup()
    dist = common.join(torch, rank, args.world, store)
    figures = {}
    for label, size in (argument.split(":") for argument in args.sizes):
        x = torch.ones(int(size) // 4)

        def rounds(count):
            """Milliseconds of each round."""
            times = torch.empty(count, dtype=torch.float64)
            for i in range(count):
                dist.barrier()
                start = time.perf_counter()
                dist.all_reduce(x)
                times[i] = 1e3 * (time.perf_counter() - start)
            x.fill_(1)
            dist.all_reduce(times, op=dist.ReduceOp.MAX)
            return times.tolist()

        typical = sorted(rounds(3))[1]
        count = torch.tensor([common.rounds_for(args.seconds / len(args.sizes), typical)])
        dist.broadcast(count, 0)
        figures[f"allreduce-{args.world}x{label}"] = rounds(int(count))
    if rank == 0:
        queue.put(figures)
    common.leave(dist)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--world", type=int, required=True)
    parser.add_argument("--sizes", nargs="+", required=True, help="label:bytes")
    common.launch(worker, parser.parse_args())


if __name__ == "__main__":
    main()
