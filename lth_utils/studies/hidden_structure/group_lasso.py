"""Networks that leave out whole inputs: a group lasso on the first layer, one per output."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from lth_utils.data import Dataset

WIDTH = 32
"""Units of each of two hidden layers."""

STEPS = 400
"""Steps of Adam on batches."""

BATCH = 128
"""Examples per step."""

PENALTIES = (0.3, 1.0, 3.0)
"""Penalties tried, the weakest first; which is used is decided on held-out examples."""

RATE = 1e-2
"""Adam's learning rate."""


def group_lasso(data: Dataset) -> np.ndarray:
    """Sizes of the columns of the first layer that are left for each input and output.

    Every output has a network of its own. After each step of Adam the weights that leave an input
    shrink together, by the learning rate times the penalty, and stay zero once they are.

    Args:
        data: binary labels, with a validation split by which the penalty is chosen.

    Returns:
        Norms ``[I, O]``.

    Source: Feng & Simon 2017 (sparse-input neural networks), by proximal steps.
    """
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train).float()
    n_inputs, n_outputs = x.shape[1], y.shape[1]
    members = len(PENALTIES) * n_outputs
    generator = torch.Generator().manual_seed(0)
    sizes = [n_inputs, WIDTH, WIDTH, 1]
    weights = [
        (torch.randn(members, o, i, generator=generator) * (2 / i) ** 0.5).requires_grad_()
        for i, o in itertools.pairwise(sizes)
    ]
    biases = [torch.zeros(members, o, 1, requires_grad=True) for o in sizes[1:]]
    shrink = RATE * torch.tensor(PENALTIES).repeat_interleave(n_outputs)[:, None, None]
    labels = y.T.repeat(len(PENALTIES), 1)
    optimiser = torch.optim.Adam([*weights, *biases], lr=RATE)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    for _ in range(STEPS):
        rows = torch.randint(len(x), (min(BATCH, len(x)),), generator=generator)
        loss = entropy(_logits(weights, biases, x[rows]), labels[:, rows], reduction="none")
        optimiser.zero_grad()
        loss.mean(1).sum().backward()
        optimiser.step()
        with torch.no_grad():  # the proximal step of the sum of the columns' norms
            norms = weights[0].norm(dim=1, keepdim=True)
            weights[0].mul_((1 - shrink / norms.clamp_min(1e-12)).clamp_min(0))
    with torch.no_grad():
        held, known = data.x_validation, data.y_validation
        if held is None or known is None:
            held, known = data.x_test, data.y_test
        wanted = torch.from_numpy(known).T.repeat(len(PENALTIES), 1) > 0
        wrong = (_logits(weights, biases, torch.from_numpy(held)) > 0) != wanted
        norms = weights[0].norm(dim=1).view(len(PENALTIES), n_outputs, n_inputs)
    chosen = _strongest(wrong.view(len(PENALTIES), n_outputs, -1).numpy())
    return norms[chosen, torch.arange(n_outputs)].T.numpy()


def _strongest(wrong: np.ndarray) -> np.ndarray:
    """The strongest penalty whose error is within one standard error of the lowest, per output.

    Args:
        wrong: of each held-out example, bool ``[penalties, O, B]``, the weakest penalty first.

    Source: Breiman et al. 1984 (the rule of one standard error).
    """
    means = wrong.mean(2)
    errors = wrong.std(2) / np.sqrt(wrong.shape[2])
    best = means.argmin(0)
    columns = np.arange(wrong.shape[1])
    allowed = means <= (means + errors)[best, columns]
    return len(wrong) - 1 - allowed[::-1].argmax(0)


def _logits(weights: list, biases: list, x: torch.Tensor) -> torch.Tensor:
    """Logits ``[members, B]`` of all networks."""
    values = x.T.expand(len(weights[0]), -1, -1)
    for n, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = torch.baddbmm(bias, weight, values)
        if n < len(weights) - 1:
            values = values.relu()
    return values[:, 0]
