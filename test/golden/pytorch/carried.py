"""Makes carried.safetensors: modules as PyTorch keeps them, in its names and layouts, and what they make of rows.

    /usr/bin/python3 test/golden/pytorch/carried.py
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import safetensors
from generate import numbers
from layers import array, constant


class Recurrent(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)[0]


class Attention(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


class CrossAttention(nn.Module):
    """Reads from a memory that belongs to the module, so that it is called like the others."""

    def __init__(self, inner, memory):
        super().__init__()
        self.inner, self.memory = inner, nn.Parameter(memory)

    def forward(self, x):
        return self.inner(x, self.memory, self.memory, need_weights=False)[0]


def image_net():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1),
        nn.GroupNorm(3, 3),
        nn.Flatten(),
        nn.Linear(3 * 8 * 6, 5),
    )


def sequence_net():
    return nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.ConvTranspose1d(4, 2, 2, stride=2))


MODULES = {
    "images": (image_net, (2, 2, 4, 3)),
    "sequences": (sequence_net, (2, 3, 5)),
    "rnn": (lambda: Recurrent(nn.RNN(3, 4, batch_first=True, bias=False)), (2, 5, 3)),
    "lstm": (lambda: Recurrent(nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)), (2, 5, 3)),
    "gru": (lambda: Recurrent(nn.GRU(3, 4, batch_first=True)), (2, 5, 3)),
    "attention": (lambda: Attention(nn.MultiheadAttention(4, 2, batch_first=True)), (2, 5, 4)),
    "crossAttention": (
        lambda: CrossAttention(nn.MultiheadAttention(4, 2, kdim=3, vdim=3, batch_first=True), torch.randn(2, 7, 3)),
        (2, 5, 4),
    ),
    "block": (
        lambda: nn.TransformerEncoderLayer(4, 2, 8, activation="gelu", batch_first=True, norm_first=True),
        (2, 5, 4),
    ),
}


def carried():
    random, out = np.random.RandomState(9), {}
    torch.manual_seed(1)
    for name, (make, shape) in MODULES.items():
        module = make().double()
        for buffer in module.buffers():
            # Running moments as after some training; the count of batches is an integer and stays.
            if buffer.dtype == torch.float64:
                buffer.copy_(1 + constant(numbers(random, *buffer.shape, scale=0.2), "64").abs())
        module.eval()
        # Gradients wanted: without them PyTorch takes a path of its own in evaluation.
        x = constant(numbers(random, *shape), "64").requires_grad_()
        out[f"{name}/x"], out[f"{name}/output"] = array(x), array(module(x))
        for path, value in module.state_dict().items():
            if value.dtype == torch.float64:
                out[f"{name}/{path}"] = array(value)
    return out


def main():
    torch.set_num_threads(1)
    path = Path(__file__).parent / "carried.safetensors"
    size = safetensors.save(path, carried(), {"generator": f"PyTorch {torch.__version__}, NumPy {np.__version__}"})
    print(f"{path.name}: {size} bytes")


if __name__ == "__main__":
    main()
