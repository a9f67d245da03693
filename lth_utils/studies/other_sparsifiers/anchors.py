"""Effective compression of networks that are pruned at initialisation, and what is known of it.

Direct compression is all weights over those left, effective compression all weights over the
active ones: those on a path from an input to an output.

Source: Vysogorets and Kempe 2023, Connectivity matters: neural network pruning through the lens of
effective sparsity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils import data, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.connectivity import measure
from lth_utils.networks import population
from lth_utils.networks.layers import n_weights, split_mask
from lth_utils.studies.other_sparsifiers.parameters import Anchors
from lth_utils.studies.reference import reference
from lth_utils.training.gradients import LossGradients

KNOWN = reference("effective_compression")
"""Anchors of LeNet-300-100 with 266,200 weights: medians of ``effective`` compression (NaN where
most are dead), and how many of ``runs`` have no path left. They were measured before this study
with a script that shares no code with it."""


def effective_compression(asked: Anchors) -> pd.DataFrame:
    """Networks pruned at initialisation by every way to every compression.

    Args:
        asked: which networks, ways and compressions.

    Returns:
        One row per ``way``, ``compression`` and ``seed``: weights ``left``, ``active`` ones, the
        ``effective`` compression (infinite where none is active) and whether the network is
        ``dead``. A quota that empties a layer leaves a dead network.
    """
    rows = []
    dense = n_weights(asked.base)
    for way in asked.ways:
        spec = asked.spec(way)
        for seed in asked.seeds:
            members = population.init(asked.base, [seed])
            for compression in asked.compressions:
                left = round(dense / compression)
                active = _active(spec, members, left)
                rows.append(
                    {
                        "way": way,
                        "compression": compression,
                        "seed": seed,
                        "left": left,
                        "active": active,
                        "effective": dense / active if active else np.inf,
                        "dead": not active,
                    }
                )
    return pd.DataFrame(rows)


def _active(spec: RunSpec, members: population.Population, left: int) -> int:
    """How many weights of a network that is pruned to `left` are active."""
    dataset = data.load(spec.data)
    gradients = LossGradients(
        members.initial,
        members.shape,
        members.seeds,
        dataset,
        spec.train.loss,
        spec.prune.examples,
    )
    try:
        mask = pruning.prune(
            members.initial[:, : members.mask.shape[1]],
            members.mask,
            left,
            shape=members.shape,
            seeds=members.seeds,
            level=1,
            spec=spec.prune,
            gradients=gradients,
        )
    except SpecError as error:
        if "would empty layer" not in str(error):
            raise
        return 0
    return measure(split_mask(mask, members.shape), dataset.tasks, "output")[0].active
