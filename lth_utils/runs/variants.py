"""Which part of a ticket matters: its mask, the distribution, the signs or the exact values?

A variant takes the ticket of another run, its *origin*, draws some part of it anew and trains it
once more (``config.VariantSpec``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils import config
from lth_utils.config import RunSpec, Shape, SpecError, VariantSpec, rng
from lth_utils.networks import population
from lth_utils.networks.layers import split_mask
from lth_utils.networks.population import Population, initial_values
from lth_utils.runs.store import Store
from lth_utils.training.trainer import train


def origin(spec: RunSpec) -> RunSpec:
    """The run that finds the ticket of which this run trains a variant."""
    return replace(spec, train=_variant(spec).found, variant=None)


def _variant(spec: RunSpec) -> VariantSpec:
    """What is drawn anew in a run that trains a variant."""
    if spec.variant is None:
        raise SpecError(f"{config.run_id(spec)} is no variant: it finds its ticket itself")
    return spec.variant


def draw_variants(
    results: Store,
    specs: Sequence[RunSpec],
    device: torch.device | str = "cpu",
    cancel: Event | None = None,
) -> Population:
    """The population that variants are trained from.

    Args:
        results: holds the finished origins.
        specs: variants that differ in their seed alone.
        device: where the population lies.
        cancel: ends the training of ``resampled_trained`` when it is set from another thread.

    Returns:
        One member per spec, drawn from the random stream of its own seed.

    Raises:
        SpecError: if an origin ended before the level asked for.
        StoreError: if an origin is not finished.
    """
    variant = _variant(specs[0])
    tickets = _origins_at(results, specs, variant.level, device)
    source = tickets.initial
    if variant.values == "resampled_trained":
        source = _trained_before_pruning(results, specs, device, cancel)
    masks, values = [], []
    for m, spec in enumerate(specs):
        mask, start = _draw(
            spec,
            tickets.shape,
            mask=tickets.mask[m].cpu().numpy(),
            initial=tickets.initial[m].cpu().numpy(),
            source=source[m].cpu().numpy(),
        )
        masks.append(mask)
        values.append(start)
    initial = torch.from_numpy(np.stack(values)).to(device)
    drawn = torch.from_numpy(np.stack(masks)).to(device)
    return population.rewind(replace(tickets, initial=initial), drawn)


def surviving_weights(results: Store, specs: Sequence[RunSpec]) -> dict[str, list[np.ndarray]]:
    """The weights that variants can be resampled from.

    Args:
        results: holds the finished origins.
        specs: variants that differ in their seed alone.

    Returns:
        Float32 arrays, one per spec, of the weights that the ticket keeps: their ``initial``
        values, and their ``trained`` values before the last pruning.

    Raises:
        SpecError: if an origin ended before the level asked for.
        StoreError: if an origin is not finished.
    """
    tickets = _origins_at(results, specs, _variant(specs[0]).level, "cpu")
    trained = _trained_before_pruning(results, specs, "cpu")
    masks = tickets.mask.numpy()
    return {
        "initial": _masked(tickets.initial.numpy(), masks),
        "trained": _masked(trained.numpy(), masks),
    }


def _masked(values: np.ndarray, masks: np.ndarray) -> list[np.ndarray]:
    """Each member's weights where its mask is True; values: parameters ``[M, P]``."""
    return [member[: len(mask)][mask] for member, mask in zip(values, masks, strict=True)]


def _origins_at(
    results: Store, specs: Sequence[RunSpec], level: int, device: torch.device | str
) -> Population:
    """The origins' networks at a level, before they are trained."""
    histories = [results.history(config.run_id(origin(spec))) for spec in specs]
    for history in histories:
        last = len(history.rows) - 1
        if level > last:
            raise SpecError(
                f"the origin {config.run_id(history.spec)} ended at level {last}; "
                f"it has no ticket of level {level}"
            )
    values = np.stack([history.ticket(level).initial for history in histories])
    masks = np.stack([history.pruned_at > level for history in histories])
    initial = torch.from_numpy(values).to(device)
    return Population(
        shape=histories[0].shape,
        seeds=tuple(spec.seed for spec in specs),
        parameters=initial,
        initial=initial,
        mask=torch.from_numpy(masks).to(device),
    )


def _trained_before_pruning(
    results: Store,
    specs: Sequence[RunSpec],
    device: torch.device | str,
    cancel: Event | None = None,
) -> Tensor:
    """Parameters ``[M, P]`` that the origins were trained to one level before the tickets.

    They are trained again, since the trained values of large networks are not kept.
    """
    variant = _variant(specs[0])
    before = _origins_at(results, specs, variant.level - 1, device)
    trained, _ = train(before, results.dataset(specs[0].data), variant.found, cancel)
    return trained.parameters


def _draw(
    spec: RunSpec, shape: Shape, *, mask: np.ndarray, initial: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One member's mask, bool ``[W]``, and starting values ``[P]``.

    mask, initial: those of the ticket; source: parameters ``[P]`` that weights are resampled from.
    """
    variant = _variant(spec)
    choices = (variant.values, int(variant.pooled), int(variant.permuted))
    stream = rng(spec.seed, "variant", variant.level, *choices)
    layers = _layer_of_weights(mask, shape)
    drawn = _permute(mask, layers, stream) if variant.permuted else mask.copy()
    if variant.values == "initial":
        return drawn, initial
    weights = slice(len(mask))
    values = initial.copy()
    if variant.values.startswith("resampled"):
        groups = np.zeros_like(layers) if variant.pooled else layers
        for n in np.unique(groups):
            places = drawn & (groups == n)
            survivors = source[weights][mask & (groups == n)]
            values[weights][places] = stream.choice(survivors, places.sum())
        return drawn, values
    fresh = initial_values(shape, spec.seed, spec.init, f"fresh {variant.level}", spec.output_gain)
    if variant.values == "fresh":
        return drawn, fresh
    values[weights] = np.copysign(fresh[weights], initial[weights])
    return drawn, values


def _permute(mask: np.ndarray, layers: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """A mask with as many weights in each layer, at places drawn from the stream."""
    drawn = mask.copy()
    for n in range(layers.max() + 1):
        drawn[layers == n] = stream.permutation(mask[layers == n])
    return drawn


def _layer_of_weights(mask: np.ndarray, shape: Shape) -> np.ndarray:
    """The layer that each weight of a mask ``[W]`` belongs to, int ``[W]``."""
    sizes = [layer.numel() for layer in split_mask(torch.from_numpy(mask)[None], shape)]
    return np.repeat(np.arange(len(sizes)), sizes)
