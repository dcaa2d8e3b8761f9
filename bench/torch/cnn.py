"""Training step of a convolutional net in its faster memory format. The rows cnn-64, resnet18-32."""
import time

import common

parser = common.arguments(__doc__)
parser.add_argument("--model", choices=["small", "resnet18"], default="small")
parser.add_argument("--batch", type=int, required=True)
args = parser.parse_args()
torch = common.setup()
import models  # noqa: E402

MAKE, IMAGE = {"small": (models.small_cnn, (1, 28, 28)), "resnet18": (models.resnet18_cifar, (3, 32, 32))}[args.model]


def training(layout):
    """A step of a new model."""
    model = MAKE().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_of = torch.nn.CrossEntropyLoss()
    batches = [(torch.rand(args.batch, *IMAGE).contiguous(memory_format=layout), torch.randint(0, 10, (args.batch,)))
               for _ in range(4)]
    turn = 0

    def step():
        nonlocal turn
        x, y = batches[turn % len(batches)]
        turn += 1
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


def trial(step):
    """Seconds of the second step; the first step warms up."""
    step()
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


steps = [training(layout) for layout in (torch.contiguous_format, torch.channels_last)]
common.emit(common.sample(min(steps, key=trial), args.seconds))
