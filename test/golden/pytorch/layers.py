"""PyTorch's layers over arrays in our layout.

Images are NHWC, sequences [rows, time, features], convolution kernels [kh, kw, in, out], dense kernels [in, out].
PyTorch wants NCHW, [out, in, kh, kw] and [out, in]; the permutations below are part of the differentiated function, so gradients
come back in our layout and nothing has to be converted afterwards.
"""

import torch
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call

DTYPES = {"32": torch.float32, "64": torch.float64}


def to_nchw(x):
    return x.permute(0, 3, 1, 2)


def to_nhwc(x):
    return x.permute(0, 2, 3, 1)


def dense(x, kernel, bias):
    return x @ kernel + bias


def conv1d(x, kernel, bias=None, **options):
    return F.conv1d(x.permute(0, 2, 1), kernel.permute(2, 1, 0), bias, **options).permute(0, 2, 1)


def conv2d(x, kernel, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return to_nhwc(F.conv2d(to_nchw(x), kernel.permute(3, 2, 0, 1), bias, stride, padding, dilation, groups))


def conv_transpose1d(x, kernel, bias=None, **options):
    return F.conv_transpose1d(x.permute(0, 2, 1), kernel.permute(1, 2, 0), bias, **options).permute(0, 2, 1)


def conv_transpose2d(x, kernel, bias=None, **options):
    return to_nhwc(F.conv_transpose2d(to_nchw(x), kernel.permute(2, 3, 0, 1), bias, **options))


def over_images(pool, x, *arguments, **options):
    return to_nhwc(pool(to_nchw(x), *arguments, **options))


def over_sequences(pool, x, *arguments, **options):
    return pool(x.permute(0, 2, 1), *arguments, **options).permute(0, 2, 1)


def max_pool(x, window, stride):
    return over_images(F.max_pool2d, x, window, stride)


def batch_norm(x, gamma, beta, mean, variance, training):
    """Over the last axis of images; with `training`, `mean` and `variance` are moved in place."""
    return to_nhwc(F.batch_norm(to_nchw(x), mean, variance, gamma, beta, training, momentum=0.1, eps=1e-5))


def layer_norm(x, gamma, beta):
    return F.layer_norm(x, gamma.shape, gamma, beta)


def group_norm(x, gamma, beta, groups):
    return over_images(F.group_norm, x, groups, gamma, beta)


def instance_norm(x, gamma=None, beta=None):
    return over_images(F.instance_norm, x, weight=gamma, bias=beta)


def rms_norm(x, gamma):
    """Not in this PyTorch: equation 4 of Zhang and Sennrich, 2019, with an epsilon in the root."""
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * gamma


def under(prefix, params):
    """The parameters below a path, by the rest of theirs."""
    return {name[len(prefix) :]: value for name, value in params.items() if name.startswith(prefix)}


def recurrent(function, x, params, last=False):
    """torch.lstm, gru, rnn_tanh or rnn_relu, with parameters `layer/direction/name` and each kernel transposed."""
    layers = 1 + max(int(name.split("/")[0]) for name in params)
    two_ways, biased = "0/1/kernel" in params, "0/0/inputBias" in params
    names = ("kernel", "recurrent", "inputBias", "recurrentBias")[: 4 if biased else 2]
    weights = [
        params[f"{layer}/{direction}/{name}"].t()
        for layer in range(layers)
        for direction in range(2 if two_ways else 1)
        for name in names
    ]
    units = params["0/0/recurrent"].shape[0]
    zeros = x.new_zeros(layers * (2 if two_ways else 1), x.shape[0], units)
    initial = (zeros, zeros) if function is torch.lstm else zeros
    outputs, *states = function(x, initial, weights, biased, layers, 0.0, True, two_ways, True)
    # The states are [layers · directions, rows, units]: those of the last layer, side by side.
    return torch.cat(list(states[0][-2:] if two_ways else states[0][-1:]), -1) if last else outputs


def attention_parameters(params):
    """Our four projections as torch.nn.MultiheadAttention names them, for equal widths."""
    projections = [params[f"{name}/kernel"].t() for name in ("query", "key", "value")]
    return {
        "in_proj_weight": torch.cat(projections),
        "in_proj_bias": torch.cat([params[f"{name}/bias"] for name in ("query", "key", "value")]),
        "out_proj.weight": params["output/kernel"].t(),
        "out_proj.bias": params["output/bias"],
    }


def attention(x, params, heads, memory=None, allowed=None, causal=False):
    """`allowed` [rows, keys] is true where a key may be read; PyTorch's masks are true where it may not."""
    memory = x if memory is None else memory
    module = torch.nn.MultiheadAttention(x.shape[-1], heads, batch_first=True).double()
    after = torch.ones(x.shape[1], memory.shape[1]).triu(1).bool() if causal else None
    padding = None if allowed is None else ~allowed
    own = attention_parameters(params)
    return functional_call(module, own, (x, memory, memory, padding, False, after))[0]


def transformer_block(x, params, heads, causal=False, activation=F.gelu):
    """torch.nn.TransformerEncoderLayer, whose two halves are our residual connections 0 and 1."""
    hidden = params["1/1/kernel"].shape[1]
    module = torch.nn.TransformerEncoderLayer(
        x.shape[-1], heads, hidden, dropout=0, activation=activation, batch_first=True, norm_first=True
    ).double()
    own = {f"self_attn.{name}": value for name, value in attention_parameters(under("0/1/", params)).items()}
    for half, norm in (("0", "norm1"), ("1", "norm2")):
        own[f"{norm}.weight"], own[f"{norm}.bias"] = params[f"{half}/0/gamma"], params[f"{half}/0/beta"]
    for place, linear in (("1", "linear1"), ("3", "linear2")):
        own[f"{linear}.weight"], own[f"{linear}.bias"] = params[f"1/{place}/kernel"].t(), params[f"1/{place}/bias"]
    after = torch.ones(x.shape[1], x.shape[1]).triu(1).bool() if causal else None
    return functional_call(module, own, (x, after))


def leaves(arrays, suffix):
    """The same numbers as differentiable tensors of 32 or 64 bits."""
    return {name: torch.tensor(array, dtype=DTYPES[suffix], requires_grad=True) for name, array in arrays.items()}


def constant(array, suffix):
    return torch.tensor(array, dtype=DTYPES[suffix])


def array(tensor):
    return tensor.detach().clone().numpy()
