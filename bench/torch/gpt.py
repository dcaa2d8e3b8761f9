"""Training step of a character transformer: AdamW, gradients clipped at 1. The row gpt-12."""
import common

parser = common.arguments(__doc__)
parser.add_argument("--batch", type=int, required=True)
args = parser.parse_args()
torch = common.setup()
import models  # noqa: E402

VOCABULARY, LENGTH = 65, 128
model = models.GPT(VOCABULARY, length=LENGTH)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
batches = [torch.randint(0, VOCABULARY, (args.batch, LENGTH + 1)) for _ in range(8)]
turn = 0


def step():
    global turn
    ids = batches[turn % len(batches)]
    turn += 1
    optimizer.zero_grad(set_to_none=True)
    model(ids[:, :-1], ids[:, 1:]).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


common.emit(common.sample(step, args.seconds))
