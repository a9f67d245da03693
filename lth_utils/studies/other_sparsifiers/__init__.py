"""Study of notebook 11: does any sparsifier do it?"""

from lth_utils.studies.other_sparsifiers.anchors import KNOWN, effective_compression
from lth_utils.studies.other_sparsifiers.layer_verdicts import on_layers
from lth_utils.studies.other_sparsifiers.parameters import Parameters
from lth_utils.studies.other_sparsifiers.tables import (
    accuracy_at,
    by_budget,
    compressions,
    ever_apart,
    images,
    layer_means,
    layer_shares,
    levels,
    mean_accuracies,
    on_both_axes,
    points,
)
from lth_utils.studies.other_sparsifiers.verdicts import (
    facts,
    on_compression,
    on_images,
    on_points,
    verdicts,
)
from lth_utils.studies.other_sparsifiers.ways import KINDS, WAYS, kind_of

__all__ = [
    "KINDS",
    "KNOWN",
    "WAYS",
    "Parameters",
    "accuracy_at",
    "by_budget",
    "compressions",
    "effective_compression",
    "ever_apart",
    "facts",
    "images",
    "kind_of",
    "layer_means",
    "layer_shares",
    "levels",
    "mean_accuracies",
    "on_both_axes",
    "on_compression",
    "on_images",
    "on_layers",
    "on_points",
    "points",
    "verdicts",
]
