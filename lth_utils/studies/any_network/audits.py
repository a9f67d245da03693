"""Audits of torchvision's networks, pruned by ``torch.nn.utils.prune``."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import nn
from torch.nn.utils import prune

from lth_utils.config import SpecError, nearest
from lth_utils.connectivity.any_model.build import model_graph
from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.any_model.tables import layer_table, subnetwork_table

PRUNERS = {"magnitude": prune.L1Unstructured, "random": prune.RandomUnstructured}


def weights_of(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The weights that are pruned: those with inputs and outputs, no biases and no scales."""
    found: list[tuple[nn.Module, str]] = []
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            found.append((module, "weight"))
        elif isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
            found.append((module, "in_proj_weight"))
    return found


def prune_to(model: nn.Module, method: str, compression: float):
    """Prune a model in place, the whole network at once, until so much is left.

    Args:
        model: may be pruned already.
        method: one of ``PRUNERS``.
        compression: weights over those that are left.
    """
    weights = weights_of(model)
    total = sum(getattr(module, name).numel() for module, name in weights)
    left = round(total / compression)
    pruned = sum(int((getattr(m, f"{n}_mask", 1) == 0).sum()) for m, n in weights if _masked(m, n))
    prune.global_unstructured(weights, PRUNERS[method], amount=total - left - pruned)


def _masked(module: nn.Module, name: str) -> bool:
    """Whether a weight has a mask already."""
    return hasattr(module, f"{name}_mask")


def row_of(graph: ModelGraph) -> dict[str, float]:
    """Counts of a whole network, and both compressions."""
    counts = ["weights", "available", "active", "inactive", "zombie"]
    total = {name: int(value) for name, value in layer_table(graph)[counts].sum().items()}
    total["subnetworks"] = len(subnetwork_table(graph))
    for kind, left in (("direct", "available"), ("effective", "active")):
        total[kind] = total["weights"] / total[left] if total[left] else float("inf")
    return total


def audit_models(
    models: Sequence[str],
    side: int,
    methods: Sequence[str],
    compressions: Sequence[float],
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Prune networks at initialisation, and say how much of what is left can matter.

    Args:
        models: names in ``torchvision.models``.
        side: pixels per side of the example.
        methods: see ``PRUNERS``.
        compressions: weights over those that are left.
        seeds: of the initialisation.

    Returns:
        One row per model, method, compression and seed, with the columns of :func:`row_of`.
    """
    rows = []
    for name in models:
        for seed in seeds:
            for method in methods:
                for compression in compressions:
                    graph = _pruned(name, side, method, compression, seed)
                    about = {"model": name, "method": method, "compression": compression}
                    rows.append(about | {"seed": seed} | row_of(graph))
    return pd.DataFrame(rows)


def layers_of(name: str, side: int, method: str, compression: float, seed: int) -> pd.DataFrame:
    """The same of one network, layer by layer, see ``layer_table``."""
    return layer_table(_pruned(name, side, method, compression, seed))


def _pruned(name: str, side: int, method: str, compression: float, seed: int) -> ModelGraph:
    """The graph of one network, pruned at initialisation."""
    from torchvision import models  # slow to import

    known = models.list_models(module=models)
    if name not in known:
        raise SpecError(f"torchvision.models has no {name}{nearest(name, known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = models.get_model(name, weights=None).eval()
        prune_to(model, method, compression)
        return model_graph(model, torch.zeros(1, 3, side, side))
