"""What chance alone would draw: random masks that share some properties of given ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import SpecError
from lth_utils.connectivity.masks import check_masks, kernel_axes

GLOBAL_TRADES = 20
"""How often every unit trades neighbours with another one; the chain has forgotten its start by
then (tests/test_nulls.py)."""

AT_ONCE = 2**21
"""Weights of members that trade together, which bounds the working memory."""


def nested_random_masks(
    masks_by_level: Sequence[Sequence[Tensor]], stream: np.random.Generator
) -> list[list[Tensor]]:
    """Masks with as many weights in every layer at every level, at random places.

    The weights that level 0 has are pruned in a random order in each layer, so that the mask of a
    level is a part of the one before, as it is where a network is pruned.

    Args:
        masks_by_level: for each level, 0 first, a list over layers of bool ``[M, O, I]``, or
            ``[M, O, I, ...]`` of a kernel.  No layer has more weights than at the level before.
        stream: where the order is drawn from, such as ``config.rng(seed, name)``.

    Returns:
        Masks of the same shapes.

    Raises:
        SpecError: masks that make no network, or a layer that gains weights.
    """
    levels = [check_masks(masks) for masks in masks_by_level]
    layers = [_random_layer(of_levels, stream) for of_levels in zip(*levels, strict=True)]
    return [list(masks) for masks in zip(*layers, strict=True)]


def _random_layer(masks: Sequence[Tensor], stream: np.random.Generator) -> list[Tensor]:
    """The random masks of one layer, level by level."""
    available = masks[0].flatten(1).numpy(force=True)
    counts = np.stack([mask.flatten(1).sum(1).numpy(force=True) for mask in masks])  # [levels, M]
    if (np.diff(counts, axis=0) > 0).any():
        level = int((np.diff(counts, axis=0) > 0).any(1).argmax()) + 1
        raise SpecError(f"a layer has more weights at level {level} than at the one before")
    # random keys; those that level 0 lacks come last
    order = np.where(available, stream.random(available.shape), 2).argsort(1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None], 1)
    drawn = []
    for mask, kept in zip(masks, counts, strict=True):
        random = torch.from_numpy(place < kept[:, None])
        drawn.append(random.view(mask.shape).to(mask.device))
    return drawn


def degree_preserving(masks: Sequence[Tensor], stream: np.random.Generator) -> list[Tensor]:
    """Random masks in which every unit has as many weights in and out as in the given ones.

    Each layer is drawn by itself from all such bipartite graphs, each of which is equally likely.

    Args:
        masks: over layers bool ``[M, O, I]``, as in
            :func:`~lth_utils.connectivity.weight_states`.
        stream: where the masks are drawn from, such as ``config.rng(seed, name)``.

    Returns:
        Masks of the same shapes.

    Raises:
        SpecError: masks that make no network, or convolutions among them.

    Source:
        Strona et al. 2014 (curveball); Carstens et al. 2016 (all units trade at once).
    """
    masks = check_masks(masks)
    if any(kernel_axes(mask) for mask in masks):
        raise SpecError("masks have kernels; degrees can be kept in dense layers only")
    return [_traded(mask, stream) for mask in masks]


def _traded(mask: Tensor, stream: np.random.Generator) -> Tensor:
    """One layer after :data:`GLOBAL_TRADES` trades."""
    graphs = mask.numpy(force=True)
    turned = graphs.shape[1] > graphs.shape[2]
    if turned:  # few long rows mix in fewer steps, and are faster
        graphs = graphs.swapaxes(1, 2)
    graphs = np.array(graphs, order="C")
    size = max(1, AT_ONCE // max(1, graphs[0].size))
    for first in range(0, len(graphs), size):
        part = graphs[first : first + size]  # a view: what is written to it changes `graphs`
        # units without weights have nothing to trade
        used = np.ix_(np.ones(len(part), bool), part.any((0, 2)), part.any((0, 1)))
        trading = part[used]
        for _ in range(GLOBAL_TRADES):
            _trade(trading, stream)
        part[used] = trading
    if turned:
        graphs = graphs.swapaxes(1, 2)
    return torch.from_numpy(np.ascontiguousarray(graphs)).to(mask.device)


def _trade(graphs: np.ndarray, stream: np.random.Generator):
    """Every row trades with a random other one, in place.

    Two rows share out anew, at random, the entries that exactly one of them has. Each keeps its
    number of them, and each column keeps its sum.

    Args:
        graphs: bool ``[M, rows, columns]``.
        stream: where pairs and shares are drawn from.
    """
    members, rows, columns = graphs.shape
    pairs = rows // 2
    order = stream.permuted(np.tile(np.arange(rows), (members, 1)), axis=1)
    one, other = order[:, :pairs], order[:, pairs : 2 * pairs]
    member = np.arange(members)[:, None]
    first, second = graphs[member, one], graphs[member, other]  # [M, pairs, columns]
    differs = first ^ second
    owned = (first & differs).sum(2)
    # the first row gets the entries of the smallest keys: as many as it had
    keys = np.where(differs, stream.random((members, pairs, columns)), 2)
    ranked = np.sort(keys, axis=2)
    last = np.take_along_axis(ranked, np.maximum(owned - 1, 0)[..., None], 2)
    taken = (keys <= last) & (owned > 0)[..., None] & differs
    shared = first & second
    graphs[member, one] = shared | taken
    graphs[member, other] = shared | (differs & ~taken)
