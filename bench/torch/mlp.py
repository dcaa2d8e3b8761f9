"""Training step of the MLP 784-512-256-10: ReLU, cross entropy, SGD with momentum 0.9. The rows mlp-<batch>."""
import common

parser = common.arguments(__doc__)
parser.add_argument("--batch", type=int, required=True)
args = parser.parse_args()
torch = common.setup()
import models  # noqa: E402

model = models.mlp(784, 512, 256, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loss_of = torch.nn.CrossEntropyLoss()
batches = [(torch.rand(args.batch, 784), torch.randint(0, 10, (args.batch,))) for _ in range(8)]
turn = 0


def step():
    global turn
    x, y = batches[turn % len(batches)]
    turn += 1
    optimizer.zero_grad(set_to_none=True)
    loss_of(model(x), y).backward()
    optimizer.step()


common.emit(common.sample(step, args.seconds))
