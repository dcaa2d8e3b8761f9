"""Trains one of the models of curves.mjs from given initial weights on given batches; prints one loss per step.

Reads a folder: config.json, params.bin (the initial weights in sequence) and x.bin, y.bin (all batches).
"""
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "torch"))
import common  # noqa: E402

torch = common.setup(threads=2)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

FOLDER = Path(sys.argv[1])
CONFIG = json.loads((FOLDER / "config.json").read_text())


def read(name, dtype):
    return torch.frombuffer(bytearray((FOLDER / name).read_bytes()), dtype=dtype)


class Attention(nn.Module):
    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).bool())

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (f(x).view(b, t, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(k.size(-1))
        weights = F.softmax(scores.masked_fill(~self.mask, float("-inf")), dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, width, heads, length):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, length)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """The model of experiments/moby-dick.ts."""

    def __init__(self, characters, width, heads, length, layers):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(characters, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads, length) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def in_order(self):
        """The parameters in the order of the file: (tensor, whether the file stores it transposed)."""
        linear = lambda m: [(m.bias, False), (m.weight, True)]
        norm = lambda m: [(m.bias, False), (m.weight, False)]
        parts = [(self.tokens.weight, False), (self.positions.weight, False)]
        for b in self.blocks:
            a = b.attention
            parts += norm(b.norm1)
            for m in (a.key, a.out, a.query, a.value):
                parts += linear(m)
            parts += norm(b.norm2) + linear(b.up) + linear(b.down)
        return parts + norm(self.norm) + linear(self.head)


class Cnn(nn.Module):
    """The model of experiments/mnist-cnn.ts without dropout, whose random numbers differ between the libraries."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(16), nn.BatchNorm2d(32)
        self.head = nn.Linear(7 * 7 * 32, 10)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2)
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        return self.head(x.permute(0, 2, 3, 1).flatten(1))

    def in_order(self):
        image = lambda m: [(m.bias, False), (m.weight, "image")]
        norm = lambda m: [(m.bias, False), (m.weight, False)]
        return image(self.conv1) + norm(self.norm1) + image(self.conv2) + norm(self.norm2) + [
            (self.head.bias, False), (self.head.weight, True)]


def load(model, flat):
    at = 0
    for parameter, stored in model.in_order():
        part = flat[at:at + parameter.numel()]
        at += parameter.numel()
        if stored == "image":
            o, i, h, w = parameter.shape
            part = part.view(h, w, i, o).permute(3, 2, 0, 1)
        elif stored:
            part = part.view(*reversed(parameter.shape)).t()
        else:
            part = part.view(parameter.shape)
        with torch.no_grad():
            parameter.copy_(part)
    assert at == flat.numel(), f"{flat.numel()} weights given, {at} wanted"


model = {"transformer": Transformer, "cnn": Cnn}[CONFIG["model"]](**CONFIG["shape"])
load(model, read("params.bin", torch.float32))
x = read("x.bin", {"int32": torch.int32, "float32": torch.float32}[CONFIG["xType"]]).view(CONFIG["xShape"])
y = read("y.bin", torch.int32).view(CONFIG["yShape"]).long()
optimizer = torch.optim.AdamW(model.parameters(), lr=0, betas=(0.9, CONFIG["beta2"]), weight_decay=CONFIG["weightDecay"])
losses = []
for step, rate in enumerate(CONFIG["rates"]):
    for group in optimizer.param_groups:
        group["lr"] = rate
    logits = model(x[step].long() if CONFIG["xType"] == "int32" else x[step])
    loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), y[step].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
print(json.dumps(losses))
