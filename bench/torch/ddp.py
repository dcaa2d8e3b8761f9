"""Training step of DistributedDataParallel over gloo, one thread per process, faster memory format. The rows workers-*."""
import os
import tempfile
import time

import common

WIDTHS = {"mlp": (784, 512, 256, 10), "wide": (784, 2800, 2800, 10)}


def synchronise(torch, dist, model):
    """Replaces batch norms by synchronised ones, as a user would write them, since SyncBatchNorm takes no CPU tensors."""
    class Normalise(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias, eps):
            ctx.count = x.numel() // x.shape[1] * dist.get_world_size()
            sums = torch.cat([x.sum((0, 2, 3)), (x * x).sum((0, 2, 3))])
            dist.all_reduce(sums)
            mean, square = (sums / ctx.count).chunk(2)
            variance = square - mean * mean
            inverse = torch.rsqrt(variance + eps)
            xhat = (x - mean.view(VIEW)) * inverse.view(VIEW)
            ctx.save_for_backward(xhat, inverse, weight)
            return xhat * weight.view(VIEW) + bias.view(VIEW), mean, variance * (ctx.count / (ctx.count - 1))

        @staticmethod
        def backward(ctx, dy, *_):
            xhat, inverse, weight = ctx.saved_tensors
            dbias, dweight = dy.sum((0, 2, 3)), (dy * xhat).sum((0, 2, 3))
            sums = torch.cat([dbias, dweight])
            dist.all_reduce(sums)
            s0, s1 = (sums / ctx.count).chunk(2)
            dx = (dy - s0.view(VIEW) - xhat * s1.view(VIEW)) * (weight * inverse).view(VIEW)
            return dx, dweight, dbias, None

    class BatchNorm(torch.nn.BatchNorm2d):
        def forward(self, x):
            y, mean, variance = Normalise.apply(x, self.weight, self.bias, self.eps)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance, self.momentum)
            return y

    for i, layer in enumerate(model):
        if isinstance(layer, torch.nn.BatchNorm2d):
            model[i] = BatchNorm(layer.num_features)


VIEW = (1, -1, 1, 1)


def training(torch, dist, args, rank, layout):
    """Returns run(steps), which gives the seconds per step of a new model in the given memory format."""
    import models
    torch.manual_seed(0)
    if args.model == "cnn":
        model, shape = models.small_cnn().to(memory_format=layout), (args.batch, 1, 28, 28)
        synchronise(torch, dist, model)
    else:
        model, shape = models.mlp(*WIDTHS[args.model]), (args.batch, 784)
    net = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loss_of = torch.nn.CrossEntropyLoss()
    torch.manual_seed(1 + rank)
    batches = [(torch.rand(shape).contiguous(memory_format=layout), torch.randint(0, 10, (args.batch,)))
               for _ in range(4)]

    def run(steps):
        dist.barrier()
        start = time.perf_counter()
        for i in range(steps):
            x, y = batches[i % len(batches)]
            optimizer.zero_grad(set_to_none=True)
            loss_of(net(x), y).backward()
            optimizer.step()
        return (time.perf_counter() - start) / steps

    run(3)
    return run


def worker(rank, args, store, queue):
    torch = common.setup()
    dist = common.join(torch, rank, args.world, store)
    layouts = [torch.contiguous_format] + [torch.channels_last] * (args.model == "cnn")
    runs = [training(torch, dist, args, rank, layout) for layout in layouts]
    trials = torch.tensor([run(5) for run in runs])
    dist.broadcast(trials, 0)
    run = runs[int(trials.argmin())]
    # Measures spans of about a second, as long as those between our runs' reports.
    steps = max(1, round(1 / float(trials.min())))
    slices = [1e3 * run(steps) for _ in range(max(3, round(args.seconds)))]
    if rank == 0:
        queue.put(slices)
    common.leave(dist)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--model", choices=["mlp", "wide", "cnn"], required=True)
    parser.add_argument("--batch", type=int, required=True, help="the batch size of each process")
    parser.add_argument("--world", type=int, default=2)
    common.launch(worker, parser.parse_args())


if __name__ == "__main__":
    main()
