"""What of a ticket carries its performance: its mask, its weights' distribution, their signs, or the very values?

A variant is a ticket of another run, its *origin*, of which something is drawn anew before it is
trained once more (``config.VariantSpec``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import numpy as np
import torch

from lth_utils import config, data
from lth_utils.config import RunSpec, SpecError, rng
from lth_utils.networks import population
from lth_utils.networks.layers import split_mask
from lth_utils.networks.population import Population, initial_values
from lth_utils.runs.store import Store
from lth_utils.training.trainer import train


def origin(spec: RunSpec) -> RunSpec:
    """The run that finds the ticket of which this run trains a variant."""
    return replace(spec, train=spec.variant.found, variant=None)


def vary(
    results: Store,
    specs: Sequence[RunSpec],
    device: torch.device | str = "cpu",
    cancel: Event | None = None,
) -> Population:
    """The tickets of the specs' origins with that drawn anew which their variant asks for, from each one's own random stream.

    specs: of variants that differ in their seed alone, whose origins are finished.  Raises
    :class:`SpecError` where an origin ended before the level asked for, ``StoreError`` where it is not finished.
    """
    tickets = _reset(results, specs, specs[0].variant.level, device)
    trained = specs[0].variant.values == "resampled_trained"
    source = _before_pruning(results, specs, device, cancel) if trained else tickets.initial
    drawn = [
        _draw(spec, tickets.shape, *member)
        for spec, *member in zip(
            specs, *(t.cpu().numpy() for t in (tickets.mask, tickets.initial, source)), strict=True
        )
    ]
    mask, values = (
        torch.from_numpy(np.stack(part)).to(device) for part in zip(*drawn, strict=True)
    )
    return population.rewind(replace(tickets, initial=values), mask)


def survivors(results: Store, specs: Sequence[RunSpec]) -> dict[str, list[np.ndarray]]:
    """The weights that variants resample, float32 per spec: their ``initial`` values, and what they were ``trained`` to before the last pruning.

    specs: as for :func:`vary`.
    """
    tickets, trained = (
        _reset(results, specs, specs[0].variant.level, "cpu"),
        _before_pruning(results, specs, "cpu", None),
    )
    return {
        name: [v[: len(m)][m] for v, m in zip(values.numpy(), tickets.mask.numpy(), strict=True)]
        for name, values in (("initial", tickets.initial), ("trained", trained))
    }


def _reset(results: Store, specs: Sequence[RunSpec], level: int, device) -> Population:
    """The origins' networks at a level, before they are trained."""
    found = [results.history(config.run_id(origin(spec))) for spec in specs]
    for history in found:
        if level >= len(history.rows):
            raise SpecError(
                f"the origin {config.run_id(history.spec)} ended at level {len(history.rows) - 1}; it has no ticket of level {level}"
            )
    initial = torch.from_numpy(np.stack([history.ticket(level).initial for history in found])).to(
        device
    )
    mask = torch.from_numpy(np.stack([history.death > level for history in found])).to(device)
    return Population(found[0].shape, tuple(spec.seed for spec in specs), initial, initial, mask)


def _before_pruning(results: Store, specs: Sequence[RunSpec], device, cancel: Event | None):
    """Parameters ``[M, P]`` that the origins were trained to one level earlier; trained again, since large networks' values are not kept."""
    before = _reset(results, specs, specs[0].variant.level - 1, device)
    return train(before, data.load(specs[0].data), specs[0].variant.found, cancel)[0].parameters


def _draw(
    spec: RunSpec, shape, mask: np.ndarray, initial: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One member's mask bool ``[W]`` and starting values ``[P]``; source: the parameters whose survivors are resampled."""
    variant = spec.variant
    stream = rng(
        spec.seed,
        "variant",
        variant.level,
        variant.values,
        int(variant.pooled),
        int(variant.permuted),
    )
    layer = np.repeat(
        np.arange(len(shape) - 1),
        [m.numel() for m in split_mask(torch.from_numpy(mask)[None], shape)],
    )
    new = mask.copy()
    if variant.permuted:
        for n in range(len(shape) - 1):
            new[layer == n] = stream.permutation(mask[layer == n])
    if variant.values == "initial":
        return new, initial
    fresh = initial_values(shape, spec.seed, spec.init, f"fresh {variant.level}")
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
