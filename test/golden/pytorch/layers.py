"""PyTorch's layers over arrays in our layout.

Images are NHWC, convolution kernels [kh, kw, in, out], dense kernels [in, out]. PyTorch wants NCHW,
[out, in, kh, kw] and [out, in]; the permutations below are part of the differentiated function, so gradients
come back in our layout and nothing has to be converted afterwards.
"""

import torch
import torch.nn.functional as F

DTYPES = {"32": torch.float32, "64": torch.float64}


def to_nchw(x):
    return x.permute(0, 3, 1, 2)


def to_nhwc(x):
    return x.permute(0, 2, 3, 1)


def dense(x, kernel, bias):
    return x @ kernel + bias


def conv2d(x, kernel, bias=None, stride=1, padding=0):
    return to_nhwc(F.conv2d(to_nchw(x), kernel.permute(3, 2, 0, 1), bias, stride, padding))


def max_pool(x, window, stride):
    return to_nhwc(F.max_pool2d(to_nchw(x), window, stride))


def batch_norm(x, gamma, beta, mean, variance, training):
    """Over the last axis; with `training`, `mean` and `variance` are moved in place."""
    return to_nhwc(F.batch_norm(to_nchw(x), mean, variance, gamma, beta, training, momentum=0.1, eps=1e-5))


def leaves(arrays, suffix):
    """The same numbers as differentiable tensors of 32 or 64 bits."""
    return {name: torch.tensor(array, dtype=DTYPES[suffix], requires_grad=True) for name, array in arrays.items()}


def constant(array, suffix):
    return torch.tensor(array, dtype=DTYPES[suffix])


def array(tensor):
    return tensor.detach().clone().numpy()
