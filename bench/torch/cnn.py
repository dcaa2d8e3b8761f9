"""Training step of a small convolutional net with batch norm on 28x28 images, batch 64. The row cnn-64."""
import common

parser = common.arguments(__doc__)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--layout", choices=["contiguous", "channels-last"], default="channels-last",
                    help="channels-last is the faster one here")
args = parser.parse_args()
torch = common.setup()
from torch import nn  # noqa: E402


def block(channels_in, channels_out):
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]


layout = torch.channels_last if args.layout == "channels-last" else torch.contiguous_format
model = nn.Sequential(*block(1, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), nn.MaxPool2d(2),
                      nn.Flatten(), nn.Linear(64 * 7 * 7, 10)).to(memory_format=layout)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loss_of = nn.CrossEntropyLoss()
batches = [(torch.rand(args.batch, 1, 28, 28).contiguous(memory_format=layout),
            torch.randint(0, 10, (args.batch,))) for _ in range(4)]
turn = 0


def step():
    global turn
    x, y = batches[turn % len(batches)]
    turn += 1
    optimizer.zero_grad(set_to_none=True)
    loss_of(model(x), y).backward()
    optimizer.step()


common.emit(torch, common.sample(step, args.seconds), program="cnn", batch=args.batch, layout=args.layout)
