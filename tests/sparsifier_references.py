"""Scores of other sparsifiers, each written out for one plain torch network.

Nothing of the package is used but the order of the weights: layer by layer, row by row.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def layers_of(model):
    """The modules that have weights."""
    return [m for m in model if isinstance(m, (nn.Linear, nn.Conv2d))]


def masked(model, masks):
    """A copy of a model whose pruned weights are zero."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for layer, mask in zip(layers_of(model), masks, strict=True):
            layer.weight *= mask
    return model


def loss_of(logits, y, kind):
    """Mean over the tasks of the mean over the examples."""
    if kind == "binary":
        return F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype))
    halves = logits.chunk(y.shape[1], 1)
    return sum(F.cross_entropy(z, t) for z, t in zip(halves, y.T, strict=True)) / len(halves)


def flat(tensors):
    """One vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def snip(model, masks, x, y, kind):
    """|g m| where the masks themselves are the variables, as in the paper."""
    variables = [mask.to(x.dtype).requires_grad_() for mask in masks]
    layers = layers_of(model)
    values = x
    pairs = dict(zip(map(id, layers), variables, strict=True))
    for module in model:
        if id(module) not in pairs:
            values = module(values)
            continue
        weight = module.weight * pairs[id(module)]
        if isinstance(module, nn.Linear):
            values = F.linear(values, weight, module.bias)
        else:
            values = F.conv2d(values, weight, module.bias)
    gradients = torch.autograd.grad(loss_of(values, y, kind), variables)
    return flat(
        [(g * m).abs() for g, m in zip(gradients, [m.to(x.dtype) for m in masks], strict=True)]
    )


def grasp(model, masks, x, y, kind, temperature=200.0):
    """w H g, the Hessian written out column by column: every weight moved by hand is too coarse."""
    model = masked(model, masks)
    weights = [layer.weight for layer in layers_of(model)]
    loss = loss_of(model(x) / temperature, y, kind)
    gradients = flat(torch.autograd.grad(loss, weights, create_graph=True))
    available = flat(masks)
    rows = []
    for i in range(len(gradients)):
        rows.append(flat(torch.autograd.grad(gradients[i], weights, retain_graph=True)))
    hessian = torch.stack(rows)
    return flat(weights) * (hessian @ (gradients * available)).detach()


def synflow(model, masks, x):
    """w dR/dw, where R is what a network of absolute weights makes of ones."""
    model = masked(model, masks)
    with torch.no_grad():
        for layer in layers_of(model):
            layer.weight.abs_()
            layer.bias.zero_()
    weights = [layer.weight for layer in layers_of(model)]
    gradients = torch.autograd.grad(model(torch.ones_like(x[:1])).sum(), weights)
    return flat([w * g for w, g in zip(weights, gradients, strict=True)]).detach()


def lamp(model, masks):
    """Weight by weight, by the definition."""
    scores = []
    for layer, mask in zip(layers_of(model), masks, strict=True):
        squares = (layer.weight.detach() * mask).double().square().flatten().numpy()
        scores += [square / squares[squares >= square].sum() if square else 0 for square in squares]
    return torch.tensor(np.array(scores))


def erk(shapes, keep):
    """Real-valued numbers of weights per layer, by raising the common factor until they fit."""
    sizes = np.array([np.prod(shape) for shape in shapes], float)
    raw = np.array([sum(shape) for shape in shapes], float)
    low, high = 0.0, sizes.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.minimum(middle * raw, sizes).sum() < keep else (low, middle)
        )
    return np.minimum(low * raw, sizes)
