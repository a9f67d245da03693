"""What of a ticket carries its performance: its mask, its weights' distribution, their signs, or the very values?

A variant is a ticket of another run, its *origin*, of which something is drawn anew before it is
trained once more (``config.VariantSpec``).
"""
from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import torch

from lth_utils import population
from lth_utils.config import RunSpec, VariantSpec, rng
from lth_utils.data import Dataset
from lth_utils.population import Population, initial_values, split_mask


def origin(spec: RunSpec) -> RunSpec:
    """The run that finds the ticket of which this run trains a variant."""
    return replace(spec, train=spec.variant.found, variant=None)


def vary(tickets: Population, before: Population | None, spec: RunSpec, data: Dataset, cancel: Event | None = None) -> Population:
    """The tickets with that drawn anew which ``spec.variant`` asks for, from each member's own random stream.

    tickets: the origins' networks at ``spec.variant.level``, reset; before: the same one level earlier,
    which are trained again where the variant asks for what they were trained to.
    """
    source = tickets.initial
    if spec.variant.values == "resampled_trained":
        source = population.train(before, data, spec.variant.found, cancel)[0].parameters
    drawn = [_draw(spec, tickets.shape, *member) for member in
             zip(tickets.seeds, *(t.cpu().numpy() for t in (tickets.mask, tickets.initial, source)), strict=True)]
    mask, values = (torch.from_numpy(np.stack(part)).to(tickets.mask.device) for part in zip(*drawn, strict=True))
    return population.rewind(replace(tickets, initial=values), mask)


def _draw(spec: RunSpec, shape, seed: int, mask: np.ndarray, initial: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One member's mask bool ``[W]`` and starting values ``[P]``."""
    variant: VariantSpec = spec.variant
    stream = rng(seed, "variant", variant.level, variant.values, int(variant.pooled), int(variant.permuted))
    layer = np.repeat(np.arange(len(shape) - 1), [m.numel() for m in split_mask(torch.from_numpy(mask)[None], shape)])
    new = mask.copy()
    if variant.permuted:
        for n in range(len(shape) - 1):
            new[layer == n] = stream.permutation(mask[layer == n])
    if variant.values == "initial":
        return new, initial
    fresh = initial_values(shape, seed, spec.init, f"fresh {variant.level}")
    if variant.values == "fresh":
        return new, fresh
    values = initial.copy()
    weights = values[: len(mask)]
    if variant.values == "signs":
        weights[:] = np.copysign(fresh[: len(mask)], weights)
        return new, values
    pool = np.zeros_like(layer) if variant.pooled else layer
    for n in np.unique(pool):
        places = new & (pool == n)
        weights[places] = stream.choice(source[: len(mask)][mask & (pool == n)], places.sum())
    return new, values
